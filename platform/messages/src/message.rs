//! One message as its sender sees it.

use crate::{AttachmentView, Post, Proof, attach};
use kernel::{Fault, FaultKind, MAX_TRIES, MessageId, RecipientId, Time};
use keys::{MessageKey, Part, Slot};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use store::{
    Caller, Look, TenantRead, TenantTx,
    entity::{member, message, recipient},
};

/// Where one recipient stands; changed only in the act that records why, kept on the row for lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecipientState {
    /// Accepted for sending, notice not yet relayed.
    Waiting,
    /// The recipient's mail server took the notice. It does not say that anyone saw it.
    Notified,
    /// The notice could not be delivered.
    Failed,
    /// Content was handed over after a gesture. It does not say that it was read.
    Opened,
    /// A gesture of refusal. It does not prove who made it.
    Refused,
    /// Taken back before it was opened.
    Retracted,
    /// The deadline passed with no gesture. It does not say that the notice was seen.
    Expired,
    /// Too many wrong message passwords.
    Locked,
}

impl RecipientState {
    pub const ALL: [RecipientState; 8] =
        [Self::Waiting, Self::Notified, Self::Failed, Self::Opened, Self::Refused, Self::Retracted, Self::Expired, Self::Locked];
    /// States from which content may be handed over for the first time.
    pub(crate) const SEALED: [&'static str; 3] = ["waiting", "notified", "failed"];
    /// States from which the sender may take it back.
    pub(crate) const RETRACTABLE: [&'static str; 4] = ["waiting", "notified", "failed", "locked"];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Notified => "notified",
            Self::Failed => "failed",
            Self::Opened => "opened",
            Self::Refused => "refused",
            Self::Retracted => "retracted",
            Self::Expired => "expired",
            Self::Locked => "locked",
        }
    }
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
    /// Still unopened and able to be opened or taken back.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Notified | Self::Failed | Self::Locked)
    }
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        Self::parse(text).ok_or_else(|| Fault::other(format!("unknown recipient state {text}")))
    }
}

/// One addressee, as the sender sees them.
#[derive(Clone, Debug)]
pub struct RecipientView {
    pub id: RecipientId,
    pub address: String,
    pub state: RecipientState,
    pub changed_at: Time,
    /// First hand-over.
    pub opened_at: Option<Time>,
    /// The message password was tried too often; the sender can allow new tries. One who has opened it before stays opened.
    pub locked: bool,
}

#[derive(Clone, Debug)]
pub struct MessageView {
    pub id: MessageId,
    pub subject: String,
    pub proof: Proof,
    pub has_password: bool,
    pub hint: bool,
    pub accept_first: bool,
    pub hide_sender: bool,
    pub show_subject: bool,
    pub notify_opened: bool,
    /// Days before the deadline, with commas; empty: nobody is reminded.
    pub remind_days: String,
    pub created_at: Time,
    pub release_at: Time,
    pub expires_at: Time,
    pub retracted_at: Option<Time>,
    pub shredded_at: Option<Time>,
    /// As it was when the message was submitted.
    pub sender_name: String,
    pub body_bytes: u64,
    pub recipients: Vec<RecipientView>,
    pub attachments: Vec<AttachmentView>,
}

/// The sender's own look at the text.
#[derive(Clone, Debug)]
pub enum Body {
    Text(String),
    /// Sealed with a message password that we do not have.
    Sealed,
    /// Gone: retracted, refused by all, or expired.
    Shredded,
}

pub async fn find_message(read: &TenantRead, id: MessageId) -> Result<Option<MessageView>, Fault> {
    let Some(row) = row(read, id).await? else { return Ok(None) };
    let sender_name = match &row.sender_name {
        Some(name) => name.clone(),
        None => read.get::<member::Entity>(row.member_id).await?.map(|sender| sender.name).unwrap_or_default(),
    };
    let recipients = recipient_rows(read, id).await?.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(MessageView {
        id,
        proof: proof(&row)?,
        has_password: row.password_salt.is_some(),
        hint: row.hint_sealed.is_some(),
        accept_first: row.accept_first,
        hide_sender: row.hide_sender,
        show_subject: row.show_subject,
        notify_opened: row.notify_opened,
        remind_days: row.remind_days.clone(),
        created_at: Time(row.created_at),
        release_at: Time(row.release_at),
        expires_at: Time(row.expires_at),
        retracted_at: row.retracted_at.map(Time),
        shredded_at: row.shredded_at.map(Time),
        sender_name,
        body_bytes: u64::try_from(row.body_bytes).unwrap_or(0),
        subject: row.subject,
        recipients,
        attachments: if row.attachments > 0 { attach::attachments(read, id).await? } else { Vec::new() },
    }))
}

/// The text of a message for its sender; `None`: there is no such message.
pub async fn body(post: &Post, who: &Caller, id: MessageId) -> Result<Option<Body>, Fault> {
    let found = post
        .db
        .read(who, async |read| {
            let Some(row) = row(read, id).await? else { return Ok(None) };
            let key = row.sender_slot.as_ref().map(|slot| read.keys().unwrap(id, Slot::Sender, slot)).transpose()?;
            Ok::<_, Fault>(Some((row, key)))
        })
        .await?;
    Ok(match found {
        None => None,
        Some((row, _)) if row.shredded_at.is_some() => Some(Body::Shredded),
        Some((_, None)) => Some(Body::Sealed),
        Some((row, Some(key))) => Some(Body::Text(open_body(post, &row, &key).await?)),
    })
}

pub(crate) async fn open_body(post: &Post, row: &message::Model, key: &MessageKey) -> Result<String, Fault> {
    let gone = || Fault::new(FaultKind::Sealed, "the sealed body is not where its message says");
    let sealed = match (&row.body_sealed, &row.body_blob) {
        (Some(sealed), _) => sealed.clone(),
        (None, Some(name)) => post.db.blobs().get(name, 0).await?.to_vec(),
        (None, None) => return Err(gone()),
    };
    String::from_utf8(key.part(Part::Body).open_afresh(&sealed)?).map_err(|_| gone())
}

pub(crate) async fn row(look: &impl Look, id: MessageId) -> Result<Option<message::Model>, Fault> {
    look.get::<message::Entity>(id.0).await
}

pub(crate) async fn recipient_rows(look: &impl Look, message: MessageId) -> Result<Vec<recipient::Model>, Fault> {
    look.find::<recipient::Entity>()
        .filter(recipient::Column::MessageId.eq(message.0))
        .order_by_asc(recipient::Column::Position)
        .all()
        .await
}

pub(crate) async fn recipient_row(look: &impl Look, id: RecipientId) -> Result<Option<recipient::Model>, Fault> {
    look.get::<recipient::Entity>(id.0).await
}

/// The row is this act's until it ends (PostgreSQL; on SQLite an act is alone anyway).
pub(crate) async fn hold_recipient(tx: &TenantTx, id: RecipientId) -> Result<Option<recipient::Model>, Fault> {
    tx.hold::<recipient::Entity>(id.0).await
}

pub(crate) fn proof(row: &message::Model) -> Result<Proof, Fault> {
    Proof::parse(&row.proof).ok_or_else(|| Fault::other(format!("unknown proof {}", row.proof)))
}

fn view(row: recipient::Model) -> Result<RecipientView, Fault> {
    let state = RecipientState::read(&row.state)?;
    let used_up = state == RecipientState::Opened && row.tries >= MAX_TRIES;
    Ok(RecipientView {
        id: RecipientId(row.id),
        locked: used_up || state == RecipientState::Locked,
        state,
        address: row.address,
        changed_at: Time(row.changed_at),
        opened_at: row.opened_at.map(Time),
    })
}
