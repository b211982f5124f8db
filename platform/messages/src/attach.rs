//! Attachments of a draft: begin, list, remove. The bytes come by `receive`.
//!
//! What would surprise you: whoever changes what files a draft has holds the draft's row first, so that beginning, receiving, removing,
//! sending and discarding come one after the other. The order is draft, attachments, allowance, evidence.

use crate::{DraftRefused, DraftText, draft, jobs};
use kernel::{AttachmentId, BadFileName, Fault, FileName, MAX_ATTACHMENTS, MessageId};
use keys::ResumableSha256;
use quota::QuotaRefused;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder};
use store::{
    Blobs, Look, NotAllowed, Right, TenantRead, TenantTx,
    entity::{attachment, draft as draft_table},
};

const MAX_MEDIA_TYPE: usize = 100;

/// A file of a draft or message.
#[derive(Clone, Debug)]
pub struct AttachmentView {
    pub id: AttachmentId,
    pub message: MessageId,
    pub name: String,
    pub media_type: String,
    /// Bytes durably here.
    pub received: u64,
    pub declared: Option<u64>,
    /// Hex SHA-256 of the whole file, once it is complete and until it is destroyed.
    pub sha256: Option<String>,
    complete: bool,
}

impl AttachmentView {
    pub fn complete(&self) -> bool {
        self.complete
    }
    pub(crate) fn of(row: &attachment::Model) -> AttachmentView {
        AttachmentView {
            id: AttachmentId(row.id),
            message: MessageId(row.message_id),
            name: row.name.clone(),
            media_type: row.media_type.clone(),
            received: u64::try_from(row.received_bytes).unwrap_or(0),
            declared: row.declared_bytes.and_then(|n| u64::try_from(n).ok()),
            sha256: row.sha256.as_ref().filter(|h| !h.is_empty()).map(|h| h.iter().map(|b| format!("{b:02x}")).collect()),
            complete: row.sha256.is_some(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AttachRefused {
    #[error("This message is not here any more: it was sent or discarded.")]
    NotFound,
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error("{0}")]
    Name(#[from] BadFileName),
    #[error("“{0}” is empty (0 bytes). Choose the file again.")]
    Empty(String),
    #[error("A message takes at most {0} files.")]
    TooMany(usize),
    #[error(
        "{} uploads wait for a message already. Send them, remove some, or wait: after two days those that nobody sent are removed.",
        draft::MAX_HIDDEN
    )]
    TooManyWaiting,
    #[error("The file has more bytes than it said it would ({0}). Start the upload again.")]
    MoreThanDeclared(u64),
    /// The offset does not fit: this many bytes are here.
    #[error("{0} bytes of this file are here. Go on from there.")]
    Offset(u64),
    #[error("This file is complete already.")]
    Complete,
    #[error("The connection broke before the file was complete. What arrived is kept: go on from there.")]
    Broken,
    /// Bytes are kept by whole segments, so such a piece would never get the upload any further.
    #[error("A piece that does not end the file must have at least {} bytes. Nothing of it was kept.", crate::segment::SEGMENT)]
    PieceTooSmall,
    #[error("We have no room for new files right now. Try again later; what was uploaded before is kept.")]
    NoRoom,
    #[error(transparent)]
    Quota(#[from] QuotaRefused),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Begins an upload; without `message` a new, hidden draft is made for it (the API's way).
pub async fn begin_attachment(
    tx: &TenantTx,
    message: Option<MessageId>,
    name: &FileName,
    media_type: &str,
    declared: Option<u64>,
) -> Result<AttachmentView, AttachRefused> {
    tx.caller().must(Right::Attach)?;
    if declared == Some(0) {
        return Err(AttachRefused::Empty(name.to_string()));
    }
    if tx.disk().is_low() {
        return Err(AttachRefused::NoRoom);
    }
    let message = match message {
        Some(id) => hold_draft(tx, id).await?,
        None => hidden_draft(tx).await?,
    };
    let others = rows(tx, message).await?;
    if others.len() >= MAX_ATTACHMENTS {
        return Err(AttachRefused::TooMany(MAX_ATTACHMENTS));
    }
    let limits = quota::limits(tx).await?;
    quota::check_message_bytes(&limits, total_bytes(&others).saturating_add(as_bytes(declared.unwrap_or(1))))?;
    let row = attachment::Model {
        tenant_id: tx.tenant().0,
        id: AttachmentId::new(tx.now(), tx.chance()).0,
        message_id: message.0,
        name: name.to_string(),
        media_type: media_type_or_unknown(media_type),
        declared_bytes: declared.map(as_bytes),
        received_bytes: 0,
        hash_state: ResumableSha256::new().state()?,
        sha256: None,
        blob: Blobs::new_name(tx.chance()),
        places: Vec::new(),
        created_at: tx.now().0,
        updated_at: tx.now().0,
    };
    let view = AttachmentView::of(&row);
    tx.insert(attachment::ActiveModel::from(row)).await?;
    Ok(view)
}

/// In the order in which they were begun.
pub async fn attachments(look: &impl Look, message: MessageId) -> Result<Vec<AttachmentView>, Fault> {
    Ok(rows(look, message).await?.iter().map(AttachmentView::of).collect())
}

/// Only while the message is a draft; false when there is none. A hidden draft ends with its last file.
pub async fn remove_attachment(tx: &TenantTx, message: MessageId, id: AttachmentId) -> Result<bool, AttachRefused> {
    tx.caller().must(Right::Attach)?;
    match hold_draft(tx, message).await {
        Err(AttachRefused::NotFound) => return Ok(false),
        held => held?,
    };
    let all = rows(tx, message).await?;
    let Some(row) = all.iter().find(|row| row.id == id.0) else { return Ok(false) };
    if all.len() == 1 {
        let hidden = Condition::all().add(draft_table::Column::Id.eq(message.0)).add(draft_table::Column::Hidden.eq(true));
        tx.delete::<draft_table::Entity>(hidden).await?;
    }
    drop_files(tx, std::slice::from_ref(row)).await?;
    Ok(true)
}

/// One upload, complete or not, of a draft or a message.
pub async fn find_attachment(read: &TenantRead, id: AttachmentId) -> Result<Option<AttachmentView>, Fault> {
    let row = read.get::<attachment::Entity>(id.0).await?;
    Ok(row.as_ref().map(AttachmentView::of))
}

pub(crate) async fn rows(look: &impl Look, message: MessageId) -> Result<Vec<attachment::Model>, Fault> {
    look.find::<attachment::Entity>().filter(attachment::Column::MessageId.eq(message.0)).order_by_asc(attachment::Column::Id).all().await
}

/// Declared sizes where known, else what has arrived.
pub(crate) fn total_bytes(rows: &[attachment::Model]) -> i64 {
    rows.iter().map(|r| r.declared_bytes.unwrap_or(r.received_bytes)).fold(0, i64::saturating_add)
}

/// Removes rows, gives their bytes back and leaves a job to delete what was stored.
pub(crate) async fn drop_files(tx: &TenantTx, files: &[attachment::Model]) -> Result<(), Fault> {
    if files.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = files.iter().map(|f| f.id).collect();
    tx.delete::<attachment::Entity>(attachment::Column::Id.is_in(ids)).await?;
    jobs::delete_blobs_later(tx, files.iter().map(|f| f.blob.clone()).collect()).await?;
    quota::release_bytes(tx, files.iter().map(|f| f.received_bytes).sum()).await
}

/// The draft is this act's until it ends: its files stay what they are, and it is not sent.
pub(crate) async fn hold_draft(tx: &TenantTx, id: MessageId) -> Result<MessageId, AttachRefused> {
    let found = tx.hold::<draft_table::Entity>(id.0).await?;
    found.map(|_| id).ok_or(AttachRefused::NotFound)
}

async fn hidden_draft(tx: &TenantTx) -> Result<MessageId, AttachRefused> {
    draft::found_draft(tx, &DraftText::default(), true).await.map_err(|e| match e {
        DraftRefused::Fault(fault) => AttachRefused::Fault(fault),
        DraftRefused::TooMany | DraftRefused::Full => AttachRefused::TooManyWaiting,
        _ => AttachRefused::NotFound,
    })
}

pub(crate) fn as_bytes(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// RFC 9110 §8.3.1 `type/subtype` in plain tokens; anything else is unknown bytes.
fn media_type_or_unknown(text: &str) -> String {
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    let fits = essence.len() <= MAX_MEDIA_TYPE && essence.split_once('/').is_some_and(|(a, b)| token(a) && token(b));
    if fits { essence } else { "application/octet-stream".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_a_plain_pair_or_unknown() {
        assert_eq!(media_type_or_unknown("Application/PDF; name=x"), "application/pdf");
        for odd in ["", "pdf", "a/b/c", "text/html\r\nX: y", "é/x", &format!("a/{}", "b".repeat(200))] {
            assert_eq!(media_type_or_unknown(odd), "application/octet-stream", "{odd}");
        }
    }
}
