//! Replies: sealed, to the sender, free.

use crate::{Cursor, Page, Post, jobs, pick_up::Letter, tell::Tell, visit};
use evidence::Kind;
use kernel::{Fault, FaultKind, MAX_BODY_BYTES, MessageId, RecipientId, ReplyId, Time};
use keys::Token;
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder};
use std::collections::HashMap;
use store::{
    Caller, Look, Right, TenantRead, TenantTx,
    entity::{message, recipient, reply as reply_table},
};

const PURPOSE: &str = "reply";
/// Replies of one recipient to one message.
const MAX_REPLIES: u64 = 20;

#[derive(Debug, thiserror::Error)]
pub enum ReplyRefused {
    #[error("Open the message first; then you can reply.")]
    NotOpened,
    #[error("The reply is empty.")]
    Empty,
    #[error("The reply has {0} bytes; at most {MAX_BODY_BYTES} fit.")]
    TooLong(usize),
    #[error("You have replied to this message {MAX_REPLIES} times. Write to the sender in another way.")]
    TooMany,
    #[error(transparent)]
    Fault(#[from] Fault),
}

#[derive(Clone, Debug)]
pub struct ReplyView {
    pub id: ReplyId,
    pub message: MessageId,
    pub recipient: RecipientId,
    pub from: String,
    pub subject: String,
    pub created_at: Time,
    /// When the tenant first marked it as read.
    pub read_at: Option<Time>,
}

/// How many replies this recipient sent.
pub(crate) async fn of_letter(look: &impl Look, letter: &Letter) -> Result<u64, Fault> {
    look.find::<reply_table::Entity>()
        .filter(reply_table::Column::MessageId.eq(letter.message.id))
        .filter(reply_table::Column::RecipientId.eq(letter.recipient.id))
        .count()
        .await
}

/// From the browser to which the content was handed over.
pub async fn reply(post: &Post, who: &Caller, cookie: &Token, text: &str) -> Result<ReplyId, ReplyRefused> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ReplyRefused::Empty);
    }
    if text.len() > MAX_BODY_BYTES {
        return Err(ReplyRefused::TooLong(text.len()));
    }
    post.db
        .act(who, async |tx| {
            let letter = Letter::held(tx).await?;
            visit::opened(tx, &letter, cookie).await?.ok_or(ReplyRefused::NotOpened)?;
            let before = of_letter(tx, &letter).await?;
            if before >= MAX_REPLIES {
                return Err(ReplyRefused::TooMany);
            }
            let id = ReplyId::new(tx.now(), tx.chance());
            tx.insert(reply_table::ActiveModel {
                tenant_id: Set(tx.tenant().0),
                id: Set(id.0),
                message_id: Set(letter.message.id),
                recipient_id: Set(letter.recipient.id),
                body_sealed: Set(tx.keys().seal(PURPOSE, id.0, text.as_bytes(), tx.chance())),
                created_at: Set(tx.now().0),
                read_at: Set(None),
            })
            .await?;
            jobs::tell_later(tx, Tell::Replied { recipient: letter.id(), reply: id }).await?;
            evidence::record(tx, letter.entry(Kind::Replied).because("reply", id.to_string())).await?;
            tx.changed(letter.message_id());
            Ok(id)
        })
        .await
}

/// Received replies, newest first; `message`: only to this one.
pub async fn replies(read: &TenantRead, message: Option<MessageId>, after: Cursor, limit: u64) -> Result<Page<ReplyView>, Fault> {
    let limit = limit.clamp(1, kernel::MAX_PAGE);
    let mut find = read.find::<reply_table::Entity>();
    if let Some(message) = message {
        find = find.filter(reply_table::Column::MessageId.eq(message.0));
    }
    if let Some(after) = after {
        find = find.filter(reply_table::Column::Id.lt(after));
    }
    let rows = find.order_by_desc(reply_table::Column::Id).limit(limit + 1).all().await?;
    let page = Page::cut(rows, limit as usize, |row| row.id);
    let next = page.next;
    Ok(Page { rows: views(read, page.rows).await?, next })
}

/// One reply and its text. Looking changes nothing; [`mark_reply_read`] does.
pub async fn reply_text(look: &impl Look, id: ReplyId) -> Result<Option<(ReplyView, String)>, Fault> {
    let Some(row) = look.get::<reply_table::Entity>(id.0).await? else { return Ok(None) };
    let text = look.keys().open(PURPOSE, id.0, &row.body_sealed)?;
    let text = String::from_utf8(text).map_err(|e| Fault::from_error(FaultKind::Sealed, "a reply that is not text", e))?;
    Ok(views(look, vec![row]).await?.pop().map(|view| (view, text)))
}

/// Marks a reply as read, once and for good; `false` if there is no such reply. Whoever may only read leaves it as it is.
pub async fn mark_reply_read(tx: &TenantTx, id: ReplyId) -> Result<bool, Fault> {
    let there = async || Ok(tx.find::<reply_table::Entity>().filter(reply_table::Column::Id.eq(id.0)).count().await? > 0);
    if tx.caller().must(Right::MarkRead).is_err() {
        return there().await;
    }
    let marked = tx
        .update::<reply_table::Entity>()
        .set(reply_table::Column::ReadAt, tx.now().0)
        .filter(reply_table::Column::Id.eq(id.0))
        .filter(reply_table::Column::ReadAt.is_null())
        .exec()
        .await?;
    if marked > 0 { Ok(true) } else { there().await }
}

pub async fn unread_replies(read: &TenantRead) -> Result<u64, Fault> {
    read.find::<reply_table::Entity>().filter(reply_table::Column::ReadAt.is_null()).count().await
}

async fn views(look: &impl Look, rows: Vec<reply_table::Model>) -> Result<Vec<ReplyView>, Fault> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let from = look.find::<recipient::Entity>().filter(recipient::Column::Id.is_in(rows.iter().map(|r| r.recipient_id))).all().await?;
    let from: HashMap<_, _> = from.into_iter().map(|r| (r.id, r.address)).collect();
    let about = look.find::<message::Entity>().filter(message::Column::Id.is_in(rows.iter().map(|r| r.message_id))).all().await?;
    let about: HashMap<_, _> = about.into_iter().map(|m| (m.id, m.subject)).collect();
    let view = |row: reply_table::Model| ReplyView {
        id: ReplyId(row.id),
        message: MessageId(row.message_id),
        recipient: RecipientId(row.recipient_id),
        from: from.get(&row.recipient_id).cloned().unwrap_or_default(),
        subject: about.get(&row.message_id).cloned().unwrap_or_default(),
        created_at: Time(row.created_at),
        read_at: row.read_at.map(Time),
    };
    Ok(rows.into_iter().map(view).collect())
}
