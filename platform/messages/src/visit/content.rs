//! What was handed over, for the browser that holds it: the text, and file by file.

use super::row::find;
use crate::{
    AttachmentView, Content, PickupRefused, Post, Step, attach, message,
    pick_up::{self, DoorState, Letter},
    reply,
};
use evidence::Kind;
use kernel::{AttachmentId, Fault, Time, VisitId};
use keys::{MessageKey, Token};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter};
use store::{
    Caller, Look,
    entity::{attachment, released, visit},
};

/// Where a visit stands after a form; with the content in hand where that form led to it.
pub struct Passed {
    pub step: Step,
    pub(super) held: Option<Box<Held>>,
}

impl Passed {
    /// The content that was handed over just now: `None` where nothing was, and for a visit that had it before (see [`content`]).
    pub async fn content(self, post: &Post) -> Result<Option<Content>, Fault> {
        match self.held {
            Some(held) => held.open(post).await.map(Some),
            None => Ok(None),
        }
    }
}

impl From<Step> for Passed {
    fn from(step: Step) -> Passed {
        Passed { step, held: None }
    }
}

/// What a browser to which a letter was handed over may see, still sealed.
pub(super) struct Held {
    letter: Letter,
    opened_at: Time,
    key: MessageKey,
    sender: (String, String),
    attachments: Vec<AttachmentView>,
    replied: bool,
}

impl Held {
    /// `None`: its sender is not to be named, so there is nothing to show.
    pub(super) async fn of(look: &impl Look, letter: Letter, opened_at: Time, key: MessageKey) -> Result<Option<Box<Held>>, Fault> {
        let Some(sender) = pick_up::names(look, &letter.message).await? else { return Ok(None) };
        let attachments = if letter.message.attachments > 0 { attach::attachments(look, letter.message_id()).await? } else { Vec::new() };
        // Nobody replies to what nobody has opened.
        let replied = letter.recipient.opened_at.is_some() && reply::of_letter(look, &letter).await? > 0;
        Ok(Some(Box::new(Held { letter, opened_at, key, sender, attachments, replied })))
    }
    async fn open(self, post: &Post) -> Result<Content, Fault> {
        let message = self.letter.message;
        Ok(Content {
            sender: self.sender,
            text: message::open_body(post, &message, &self.key).await?,
            attachments: self.attachments,
            expires_at: Time(message.expires_at),
            opened_at: self.opened_at,
            assurance: message::proof(&message)?.assurance(),
            replied: self.replied,
            subject: message.subject,
        })
    }
}

/// The content for a browser to which it was handed over; `None`: not (any more), show the first page. Changes nothing.
pub async fn content(post: &Post, who: &Caller, cookie: &Token) -> Result<Option<Content>, Fault> {
    let held = post
        .db
        .read(who, async |read| {
            let letter = Letter::of(read).await?;
            let Some((visit, key)) = opened(read, &letter, cookie).await? else { return Ok(None) };
            Held::of(read, letter, Time(visit.opened_at.unwrap_or_default()), key).await
        })
        .await?;
    match held {
        Some(held) => held.open(post).await.map(Some),
        None => Ok(None),
    }
}

/// Records that a file is handed over to this browser (once a visit and file); `open_file` then serves it, in ranges if need be and as
/// often as asked. `file_bytes` is the size of what was released; how much of it a browser then fetched is not evidence.
pub async fn release_file(post: &Post, who: &Caller, cookie: &Token, file: AttachmentId) -> Result<(), PickupRefused> {
    post.db
        .act(who, async |tx| {
            let letter = Letter::held(tx).await?;
            let (visit, key) = opened(tx, &letter, cookie).await?.ok_or(PickupRefused::NoVisit)?;
            let message = key.message();
            let found = tx
                .find::<attachment::Entity>()
                .filter(attachment::Column::Id.eq(file.0))
                .filter(attachment::Column::MessageId.eq(message.0))
                .one()
                .await?;
            let row = found.ok_or(PickupRefused::NoFile)?;
            let before = tx
                .find::<released::Entity>()
                .filter(released::Column::VisitId.eq(visit.id))
                .filter(released::Column::AttachmentId.eq(file.0))
                .one()
                .await?;
            if before.is_some() {
                return Ok(());
            }
            tx.insert(released::ActiveModel {
                tenant_id: Set(tx.tenant().0),
                visit_id: Set(visit.id),
                attachment_id: Set(file.0),
                at: Set(tx.now().0),
            })
            .await?;
            let entry = letter
                .entry(Kind::FileHandedOver)
                .because("assurance", message::proof(&letter.message)?.assurance())
                .because("file", file.to_string())
                .because("file_bytes", row.received_bytes);
            evidence::record(tx, entry).await?;
            tx.changed(message);
            Ok(())
        })
        .await
}

/// This browser's visit, if content was handed over to it and still may be shown, with the message key.
pub(crate) async fn opened(look: &impl Look, letter: &Letter, cookie: &Token) -> Result<Option<(visit::Model, MessageKey)>, Fault> {
    if letter.state(look.now())? != DoorState::Opened {
        return Ok(None);
    }
    let Some(visit) = find(look, cookie).await?.filter(|v| v.opened_at.is_some()) else { return Ok(None) };
    let Some(wrapped) = &visit.key_wrapped else { return Ok(None) };
    let key = MessageKey::unwrap_for_browser(look.tenant(), letter.message_id(), VisitId(visit.id), wrapped, cookie)?;
    Ok(Some((visit, key)))
}
