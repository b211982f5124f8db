//! Drafts: a message being written, saved as typed, sealed under the tenant's key.
//!
//! What would surprise you: a draft has the id of the message that it becomes and already holds its message key, so that
//! files are sealed once, while they arrive.

use crate::{AttachmentView, Cursor, Page, attach};
use kernel::{Fault, FaultKind, MessageId, Time};
use keys::{MessageKey, Slot};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder};
use store::{
    Look, NotAllowed, Right, TenantRead, TenantTx,
    entity::{attachment, draft},
};

const PURPOSE: &str = "draft";
/// Hidden drafts removed in one act; the rest waits for the next sweep.
const DRAFTS_SWEPT: u64 = 50;
/// Saved text, as JSON.
const MAX_TEXT_BYTES: usize = 2 * kernel::MAX_BODY_BYTES;
/// Drafts of a tenant.
const MAX_DRAFTS: u64 = 200;
/// Hidden drafts of a tenant: uploads that no message came for yet.
pub(crate) const MAX_HIDDEN: u64 = 500;
/// The text of all drafts of a tenant together, sealed.
const MAX_TEXTS_MIB: u64 = 20;

/// A draft exactly as typed. The message password is never part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct DraftText {
    /// Addresses as typed, separated by commas, semicolons, spaces or line breaks.
    pub to: String,
    pub subject: String,
    pub body: String,
    pub proof: String,
    pub hint: String,
    pub expires_days: String,
    pub remind_days: String,
    pub accept_first: bool,
    pub hide_sender: bool,
    pub show_subject: bool,
    pub notify_opened: bool,
    /// RFC 3339, or what the browser's date field gives (`2026-11-24T09:30`, taken as UTC).
    pub send_at: String,
}

#[derive(Clone, Debug)]
pub struct DraftView {
    pub id: MessageId,
    pub text: DraftText,
    pub revision: i64,
    pub updated_at: Time,
    pub attachments: Vec<AttachmentView>,
}

#[derive(Clone, Debug)]
pub struct DraftRow {
    pub id: MessageId,
    pub to: String,
    pub subject: String,
    pub updated_at: Time,
    pub attachments: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum DraftRefused {
    #[error("This draft is not here any more: it was sent or discarded.")]
    NotFound,
    #[error("This draft was changed in another window, so what stands here was not saved.")]
    Newer,
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error("This draft is too long to save.")]
    TooLong,
    #[error("There are {MAX_DRAFTS} drafts already, and no more are kept. Send or discard one of them, then save this one.")]
    TooMany,
    #[error(
        "All drafts together hold {MAX_TEXTS_MIB} MiB of text at most, and with this one it would be more. Send or discard one of them."
    )]
    Full,
    #[error(transparent)]
    Fault(#[from] Fault),
}

pub async fn start_draft(tx: &TenantTx, text: &DraftText) -> Result<MessageId, DraftRefused> {
    tx.caller().must(Right::Write)?;
    found_draft(tx, text, false).await
}

/// `hidden`: made by an upload of the API, not shown among the drafts.
pub(crate) async fn found_draft(tx: &TenantTx, text: &DraftText, hidden: bool) -> Result<MessageId, DraftRefused> {
    let member = tx.caller().member().ok_or(DraftRefused::NotFound)?;
    let id = MessageId::new(tx.now(), tx.chance());
    let sealed = seal(tx, id, text)?;
    let most = if hidden { MAX_HIDDEN } else { MAX_DRAFTS };
    quota::in_turn(tx).await?;
    if tx.find::<draft::Entity>().filter(draft::Column::Hidden.eq(hidden)).count().await? >= most {
        return Err(DraftRefused::TooMany);
    }
    check_texts(tx, sealed.len()).await?;
    let key = tx.keys().new_message_key(id, tx.chance());
    tx.insert(draft::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        id: Set(id.0),
        member_id: Set(member.0),
        hidden: Set(hidden),
        content_sealed: Set(sealed),
        message_key: Set(tx.keys().wrap(Slot::Draft, &key, tx.chance())),
        revision: Set(1),
        created_at: Set(tx.now().0),
        updated_at: Set(tx.now().0),
    })
    .await?;
    Ok(id)
}

/// Whether so many more bytes of text may be kept.
async fn check_texts(tx: &TenantTx, more: usize) -> Result<(), DraftRefused> {
    let kept = tx.find::<draft::Entity>().bytes(draft::Column::ContentSealed).await?;
    if kept + more as u64 > MAX_TEXTS_MIB << 20 { Err(DraftRefused::Full) } else { Ok(()) }
}

/// `seen` is the revision that the window last saw; `None` overwrites. Returns the new revision.
pub async fn save_draft(tx: &TenantTx, id: MessageId, text: &DraftText, seen: Option<i64>) -> Result<i64, DraftRefused> {
    tx.caller().must(Right::Write)?;
    let sealed = seal(tx, id, text)?;
    let row = tx.hold::<draft::Entity>(id.0).await?.ok_or(DraftRefused::NotFound)?;
    if seen.is_some_and(|seen| seen != row.revision) {
        // The same text from elsewhere, or from a button that was pressed twice, takes nothing away.
        return if open(tx, &row)? == *text { Ok(row.revision) } else { Err(DraftRefused::Newer) };
    }
    let grown = sealed.len().saturating_sub(row.content_sealed.len());
    if grown > 0 {
        quota::in_turn(tx).await?;
        check_texts(tx, grown).await?;
    }
    let saved = tx
        .update::<draft::Entity>()
        .set(draft::Column::ContentSealed, sealed)
        .set(draft::Column::Revision, row.revision + 1)
        .set(draft::Column::UpdatedAt, tx.now().0)
        .filter(draft::Column::Id.eq(id.0))
        .filter(draft::Column::Revision.eq(row.revision))
        .exec()
        .await?;
    if saved == 1 { Ok(row.revision + 1) } else { Err(DraftRefused::Newer) }
}

pub async fn draft(read: &TenantRead, id: MessageId) -> Result<Option<DraftView>, Fault> {
    let Some(row) = read.get::<draft::Entity>(id.0).await? else { return Ok(None) };
    let attachments = attach::attachments(read, id).await?;
    Ok(Some(DraftView { id, text: open(read, &row)?, revision: row.revision, updated_at: Time(row.updated_at), attachments }))
}

/// Newest first. Cut by id, so a draft keeps its place while it is edited.
pub async fn drafts(read: &TenantRead, after: Cursor, limit: u64) -> Result<Page<DraftRow>, Fault> {
    let limit = limit.clamp(1, kernel::MAX_PAGE);
    let mut find = read.find::<draft::Entity>().filter(draft::Column::Hidden.eq(false));
    if let Some(after) = after {
        find = find.filter(draft::Column::Id.lt(after));
    }
    let rows = find.order_by_desc(draft::Column::Id).limit(limit + 1).all().await?;
    let page = Page::cut(rows, limit as usize, |row| row.id);
    let ids: Vec<_> = page.rows.iter().map(|r| r.id).collect();
    let files = read.find::<attachment::Entity>().filter(attachment::Column::MessageId.is_in(ids)).all().await?;
    let mut out = Vec::with_capacity(page.rows.len());
    for row in &page.rows {
        let text = open(read, row)?;
        let attachments = files.iter().filter(|f| f.message_id == row.id).count() as u64;
        out.push(DraftRow { id: MessageId(row.id), to: text.to, subject: text.subject, updated_at: Time(row.updated_at), attachments });
    }
    Ok(Page { rows: out, next: page.next })
}

/// False when there was none. Its files go with it.
pub async fn discard_draft(tx: &TenantTx, id: MessageId) -> Result<bool, DraftRefused> {
    tx.caller().must(Right::Write)?;
    let ended = end_draft(tx, id).await?;
    if ended {
        drop_files(tx, id).await?;
    }
    Ok(ended)
}

/// Takes the draft's row away, once: false for whoever comes second. Its files are for whoever ended it, and nobody else changes them.
pub(crate) async fn end_draft(tx: &TenantTx, id: MessageId) -> Result<bool, Fault> {
    Ok(tx.delete::<draft::Entity>(draft::Column::Id.eq(id.0)).await? > 0)
}

async fn drop_files(tx: &TenantTx, id: MessageId) -> Result<(), Fault> {
    let files = attach::rows(tx, id).await?;
    attach::drop_files(tx, &files).await
}

/// The message key of a draft; `None` when the draft is gone.
pub(crate) async fn draft_key(look: &impl Look, id: MessageId) -> Result<Option<MessageKey>, Fault> {
    let row = look.get::<draft::Entity>(id.0).await?;
    row.map(|row| look.keys().unwrap(id, Slot::Draft, &row.message_key)).transpose()
}

fn seal(tx: &TenantTx, id: MessageId, text: &DraftText) -> Result<Vec<u8>, DraftRefused> {
    let json = serde_json::to_vec(text).map_err(|e| Fault::from_error(FaultKind::Other, "draft to JSON", e))?;
    if json.len() > MAX_TEXT_BYTES {
        return Err(DraftRefused::TooLong);
    }
    Ok(tx.keys().seal(PURPOSE, id.0, &json, tx.chance()))
}

pub(crate) fn open(look: &impl Look, row: &draft::Model) -> Result<DraftText, Fault> {
    let json = look.keys().open(PURPOSE, row.id, &row.content_sealed)?;
    serde_json::from_slice(&json).map_err(|e| Fault::from_error(FaultKind::Sealed, "draft from JSON", e))
}

/// Removes hidden drafts (uploads that no message came for) older than `before`, with their files; some at a time.
pub(crate) async fn sweep_hidden(tx: &TenantTx, before: Time) -> Result<u64, Fault> {
    let old = tx
        .find::<draft::Entity>()
        .filter(draft::Column::Hidden.eq(true))
        .filter(draft::Column::UpdatedAt.lt(before.0))
        .order_by_asc(draft::Column::Id)
        .limit(DRAFTS_SWEPT)
        .all()
        .await?;
    // All drafts go before the first of their files, which gives its room back: whoever holds a draft asks for the allowance after it.
    let mut gone = Vec::with_capacity(old.len());
    for id in old.iter().map(|row| MessageId(row.id)) {
        // One that was sent or discarded since that look is not ours any more, and nor are its files.
        if end_draft(tx, id).await? {
            gone.push(id);
        }
    }
    for id in &gone {
        drop_files(tx, *id).await?;
    }
    Ok(gone.len() as u64)
}
