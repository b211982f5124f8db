//! What was handed over, for the browser that holds it: the text, and file by file.

use super::row::find;
use crate::{
    Content, PickupRefused, Post, attach, message,
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

/// The content for a browser to which it was handed over; `None`: not (any more), show the first page. Changes nothing.
pub async fn content(post: &Post, who: &Caller, cookie: &Token) -> Result<Option<Content>, Fault> {
    let found = post
        .db
        .read(who, async |read| {
            let letter = Letter::of(read).await?;
            let Some((visit, key)) = opened(read, &letter, cookie).await? else { return Ok(None) };
            let Some(sender) = pick_up::names(read, &letter.message).await? else { return Ok(None) };
            let files = if letter.message.attachments > 0 { attach::attachments(read, letter.message_id()).await? } else { Vec::new() };
            let replied = reply::of_letter(read, &letter).await? > 0;
            Ok::<_, Fault>(Some((visit, key, letter, sender, files, replied)))
        })
        .await?;
    let Some((visit, key, letter, sender, attachments, replied)) = found else { return Ok(None) };
    let text = message::open_body(post, &letter.message, &key).await?;
    Ok(Some(Content {
        sender,
        text,
        attachments,
        expires_at: Time(letter.message.expires_at),
        opened_at: Time(visit.opened_at.unwrap_or_default()),
        assurance: message::proof(&letter.message)?.assurance(),
        replied,
        subject: letter.message.subject,
    }))
}

/// Records that a file is handed over to this browser (once a visit and file); `open_file` then serves it, in ranges if need be and as
/// often as asked. `file_bytes` is the size of what was released; how much of it a browser then fetched is not evidence.
pub async fn release_file(post: &Post, who: &Caller, cookie: &Token, file: AttachmentId) -> Result<(), PickupRefused> {
    post.db
        .act(who, async |tx| {
            let letter = Letter::of(tx).await?;
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
