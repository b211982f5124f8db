//! What is slow about sending, done before the act.

use super::{answer::SendRefused, certificates::site_may_ask, limits};
use crate::{Draft, FieldError, Post, attach, draft};
use kernel::{AttachmentId, Fault, MAX_BODY_IN_ROW, MessageId, RecipientId};
use keys::{MessageKey, Part, Slot, StretchedPassword, TenantKey};
use store::{Blobs, Caller, Right, TenantRead, entity::attachment};

/// A draft with its slow work done: password stretched, body sealed, a large one stored.
#[derive(Clone)]
pub struct Ready {
    pub(super) draft: Draft,
    pub(super) id: MessageId,
    /// For the commitments to the files.
    pub(super) key: MessageKey,
    /// The message key, wrapped for the sender; `None` with a message password.
    pub(super) sender_slot: Option<Vec<u8>>,
    /// One for each of the draft's addresses, in their order.
    pub(super) recipients: Vec<Addressed>,
    /// The message comes of a draft row, which this send ends.
    pub(super) of_draft: bool,
    pub(super) body: SealedBody,
    /// Salt of the message password.
    pub(super) salt: Option<[u8; 16]>,
    pub(super) idempotency: Option<(String, [u8; 32])>,
}

#[derive(Clone)]
pub(super) enum SealedBody {
    Row { sealed: Vec<u8>, sha256: [u8; 32] },
    Blob { name: String, sha256: [u8; 32] },
}

/// A recipient to be, with what opens the message for them.
#[derive(Clone)]
pub(super) struct Addressed {
    pub(super) id: RecipientId,
    pub(super) slot: Vec<u8>,
    pub(super) token_hash: [u8; 32],
}

impl Ready {
    /// Deletes what was stored for a message that was not sent.
    pub(super) async fn discard(&self, post: &Post) {
        if let SealedBody::Blob { name, .. } = &self.body
            && let Err(fault) = post.db.blobs().delete_all(name).await
        {
            tracing::warn!(%fault, "the body of a message that was not sent was not deleted");
        }
    }
}

/// What is slow: reads the draft's key, stretches the message password, seals, stores a large body. Outside any act, so that
/// nobody waits for it.
pub async fn prepare(post: &Post, who: &Caller, mut draft: Draft) -> Result<Ready, SendRefused> {
    who.must(Right::Send)?;
    site_may_ask(post, &draft)?;
    let drafted =
        if draft.draft.is_some() || !draft.attachments.is_empty() { Some(Box::pin(of_draft(post, who, &mut draft)).await?) } else { None };
    let of_draft = drafted.is_some();
    let (id, key, bytes) = match drafted {
        Some(found) => found,
        None => new_message(post, who).await?,
    };
    let password = match &draft.password {
        Some(password) => {
            // Whoever is over a limit has no place in the queue of passwords.
            Box::pin(post.db.read(who, async |read| limits::check_early(read, &draft, bytes).await)).await?;
            let salt = post.db.chance().bytes();
            Some((salt, post.hasher.stretch(password, &salt, who.tenant()).await?))
        }
        None => None,
    };
    let (salt, stretched) = password.unzip();
    let keys = post.db.keys(who).await?;
    let recipients = draft.to.iter().map(|_| addressed(post, &keys, &key, stretched.as_ref())).collect();
    let sender_slot = stretched.is_none().then(|| keys.wrap(Slot::Sender, &key, post.db.chance()));
    let body = seal_body(post, &key, &draft.body).await?;
    Ok(Ready { draft, id, key, sender_slot, recipients, of_draft, body, salt, idempotency: None })
}

fn addressed(post: &Post, keys: &TenantKey, key: &MessageKey, password: Option<&StretchedPassword>) -> Addressed {
    let chance = post.db.chance();
    let id = RecipientId::new(post.db.clock().now(), chance);
    let slot = match password {
        Some(stretched) => keys.wrap_with_password(id, key, stretched, chance),
        None => keys.wrap(Slot::Recipient(id), key, chance),
    };
    Addressed { id, slot, token_hash: keys.pickup_token(id).hash() }
}

/// A message to be, its key, and the bytes of its files.
type Found = (MessageId, MessageKey, i64);

async fn new_message(post: &Post, who: &Caller) -> Result<Found, Fault> {
    let chance = post.db.chance();
    let id = MessageId::new(post.db.clock().now(), chance);
    Ok((id, post.db.keys(who).await?.new_message_key(id, chance), 0))
}

/// The draft this message comes of, by itself or by the files it names; and that its files are all here.
async fn of_draft(post: &Post, who: &Caller, draft: &mut Draft) -> Result<Found, SendRefused> {
    let wanted = draft.attachments.clone();
    let named = draft.draft;
    let (id, key, files) = post
        .db
        .read(who, async |read| {
            let id = match named {
                Some(id) => id,
                None => message_of(read, &wanted).await?,
            };
            let key = draft::draft_key(read, id).await?.ok_or(SendRefused::NoDraft)?;
            Ok::<_, SendRefused>((id, key, attach::rows(read, id).await?))
        })
        .await?;
    if named.is_some() && wanted.is_empty() {
        draft.attachments = files.iter().map(|f| AttachmentId(f.id)).collect();
    }
    let wrong: Vec<FieldError> = draft.attachments.iter().enumerate().filter_map(|(i, id)| check_file(i, *id, &files)).collect();
    let bytes = files.iter().filter(|f| draft.attachments.iter().any(|a| a.0 == f.id)).map(|f| f.received_bytes).sum();
    if wrong.is_empty() { Ok((id, key, bytes)) } else { Err(SendRefused::Fields(wrong)) }
}

async fn message_of(read: &TenantRead, files: &[AttachmentId]) -> Result<MessageId, SendRefused> {
    let first = files.first().ok_or(SendRefused::NoDraft)?;
    let row = read.get::<attachment::Entity>(first.0).await?;
    let unknown = || {
        SendRefused::Fields(vec![FieldError {
            field: "attachments",
            index: Some(0),
            sentence: "There is no such file. Upload it first.".into(),
        }])
    };
    row.map(|row| MessageId(row.message_id)).ok_or_else(unknown)
}

fn check_file(index: usize, id: AttachmentId, files: &[attachment::Model]) -> Option<FieldError> {
    let sentence = match files.iter().find(|f| f.id == id.0) {
        None => "There is no such file for this message. Upload all its files with the same `message`.".to_owned(),
        Some(f) if f.sha256.is_none() => format!("“{}” has not arrived in full. Finish the upload, or remove the file.", f.name),
        Some(_) => return None,
    };
    Some(FieldError { field: "attachments", index: Some(index), sentence })
}

async fn seal_body(post: &Post, key: &MessageKey, body: &str) -> Result<SealedBody, Fault> {
    let sealed = key.part(Part::Body).seal_afresh(body.as_bytes(), post.db.chance());
    let sha256 = keys::sha256(&[&sealed]);
    if sealed.len() <= MAX_BODY_IN_ROW {
        return Ok(SealedBody::Row { sealed, sha256 });
    }
    let name = Blobs::new_name(post.db.chance());
    post.db.blobs().put(&name, 0, sealed.into()).await?;
    Ok(SealedBody::Blob { name, sha256 })
}
