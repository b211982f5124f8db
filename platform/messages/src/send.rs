//! Sending: everything checked, sealed and reserved in one act; the answer leaves after it is durable.
//!
//! What would surprise you: with a message password (R2) no slot is left that the server could open by itself, not even
//! the sender's own.

use crate::{Draft, FieldError, Outline, Post, Proof, attach, draft, jobs};
use evidence::{Entry, Kind};
use kernel::{AttachmentId, Fault, FaultKind, MAX_BODY_IN_ROW, MessageId, RecipientId, Time};
use keys::{Busy, MessageKey, Part, Slot, StretchedPassword};
use quota::QuotaRefused;
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder};
use store::{
    Blobs, Caller, Role, TenantRead, TenantTx, Who,
    entity::{attachment, draft as draft_table, idempotency, message, recipient},
};

pub(crate) const HINT: &str = "hint";
const MAX_KEY_CHARS: usize = 200;

/// A draft with its slow work done: password stretched, body sealed, a large one stored.
#[derive(Clone)]
pub struct Ready {
    draft: Draft,
    id: MessageId,
    key: MessageKey,
    /// The message comes of a draft row, which this send ends.
    of_draft: bool,
    body: SealedBody,
    password: Option<Password>,
    idempotency: Option<(String, [u8; 32])>,
}

#[derive(Clone)]
enum SealedBody {
    Row(Vec<u8>),
    Blob { name: String, sha256: [u8; 32] },
}

#[derive(Clone)]
struct Password {
    salt: [u8; 16],
    stretched: StretchedPassword,
}

/// An accepted message.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: MessageId,
    pub recipients: Vec<SentRecipient>,
    pub expires_at: Time,
    pub release_at: Time,
    /// The same request had been accepted before.
    pub repeated: bool,
    /// Waits until the sender's address is proven.
    pub held: bool,
}

#[derive(Clone, Debug)]
pub struct SentRecipient {
    pub id: RecipientId,
    pub address: String,
}

#[derive(Debug, thiserror::Error)]
pub enum SendRefused {
    #[error("Some fields need another look.")]
    Fields(Vec<FieldError>),
    #[error(transparent)]
    Quota(#[from] QuotaRefused),
    #[error("This draft is not here any more: it was discarded.")]
    NoDraft,
    #[error("This idempotency key was used for another request.")]
    KeyReused,
    #[error("Your role may read but not send.")]
    NotAllowed,
    #[error("We are busy right now. Nothing was sent; try again in a moment.")]
    Busy,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Busy> for SendRefused {
    fn from(_: Busy) -> SendRefused {
        SendRefused::Busy
    }
}
impl From<quota::Refused> for SendRefused {
    fn from(refused: quota::Refused) -> SendRefused {
        match refused {
            quota::Refused::Quota(q) => SendRefused::Quota(q),
            quota::Refused::Fault(f) => SendRefused::Fault(f),
        }
    }
}

/// Parse, prepare and send. `idempotency`: key and hash of the request; a second one answers what the first did.
/// A draft that was sent already answers its message (`repeated`), so a double click sends once.
pub async fn submit(post: &Post, who: &Caller, outline: &Outline, idempotency: Option<(&str, [u8; 32])>) -> Result<Sent, SendRefused> {
    if let Some((key, hash)) = idempotency {
        check_key(key)?;
        if let Some(before) = answered_before(post, who, key, &hash).await? {
            return Ok(before);
        }
    }
    let parsed = Draft::parse(outline, post.db.clock().now()).map_err(SendRefused::Fields)?;
    let draft_id = parsed.draft;
    let sent = async {
        let mut ready = prepare(post, who, parsed).await?;
        ready.idempotency = idempotency.map(|(key, hash)| (key.to_owned(), hash));
        post.db.act(who, async |tx| send(tx, &ready).await).await
    }
    .await;
    match (sent, draft_id, idempotency) {
        (Err(SendRefused::NoDraft), Some(id), _) => {
            post.db.read(who, async |read| sent_before(read, id).await).await?.ok_or(SendRefused::NoDraft)
        }
        (Err(SendRefused::Fault(f)), _, Some((key, hash))) if f.kind() == FaultKind::Unique => {
            answered_before(post, who, key, &hash).await?.ok_or(SendRefused::Fault(f))
        }
        (sent, ..) => sent,
    }
}

/// What is slow: reads the draft's key, stretches the message password, stores a large body. Outside any act.
pub async fn prepare(post: &Post, who: &Caller, mut draft: Draft) -> Result<Ready, SendRefused> {
    let drafted = if draft.draft.is_some() || !draft.attachments.is_empty() { Some(of_draft(post, who, &mut draft).await?) } else { None };
    let of_draft = drafted.is_some();
    let (id, key) = match drafted {
        Some(found) => found,
        None => post.db.read(who, async |read| Ok::<_, Fault>(new_message(read))).await?,
    };
    let password = match &draft.password {
        Some(password) => {
            let salt = post.db.chance().bytes();
            Some(Password { salt, stretched: post.hasher.stretch(password, &salt).await? })
        }
        None => None,
    };
    let sealed = key.part(Part::Body).seal_afresh(draft.body.as_bytes(), post.db.chance());
    let body = if sealed.len() <= MAX_BODY_IN_ROW { SealedBody::Row(sealed) } else { store_body(post, sealed).await? };
    Ok(Ready { draft, id, key, of_draft, body, password, idempotency: None })
}

pub async fn send(tx: &TenantTx, ready: &Ready) -> Result<Sent, SendRefused> {
    let held = may_send(tx.caller())?;
    let draft = &ready.draft;
    let files = if ready.of_draft { take_draft(tx, ready).await? } else { Vec::new() };
    let life = check_limits(tx, draft, &files, ready).await?;
    let release_at = draft.send_at.unwrap_or(tx.now());
    let expires_at = release_at.plus_days(life);
    tx.insert(message_row(tx, ready, &files, release_at, expires_at)).await?;
    let recipients: Vec<(RecipientId, recipient::ActiveModel)> =
        (0..).zip(&draft.to).map(|(n, to)| recipient_row(tx, ready, n, to.as_str())).collect();
    let sent: Vec<SentRecipient> =
        recipients.iter().zip(&draft.to).map(|((id, _), to)| SentRecipient { id: *id, address: to.to_string() }).collect();
    tx.insert_many(recipients.into_iter().map(|(_, row)| row)).await?;
    leave_jobs(tx, ready, &sent, release_at, expires_at, held).await?;
    remember_key(tx, ready).await?;
    quota::reserve_sends(tx, draft.to.len() as i64).await?;
    evidence::record(tx, submitted(tx, ready, &files)).await?;
    tx.changed(ready.id);
    Ok(Sent { id: ready.id, recipients: sent, expires_at, release_at, repeated: false, held })
}

/// Whether the message is held until the sender's address is proven.
fn may_send(who: &Caller) -> Result<bool, SendRefused> {
    match who.who() {
        Who::Member { role: Role::Auditor | Role::Billing, .. } | Who::Recipient { .. } | Who::System => Err(SendRefused::NotAllowed),
        Who::Member { proven, .. } | Who::Key { proven, .. } => Ok(!proven),
    }
}

fn new_message(read: &TenantRead) -> (MessageId, MessageKey) {
    let id = MessageId::new(read.now(), read.chance());
    (id, read.keys().new_message_key(id, read.chance()))
}

/// The draft this message comes of, by itself or by the files it names; and that its files are all here.
async fn of_draft(post: &Post, who: &Caller, draft: &mut Draft) -> Result<(MessageId, MessageKey), SendRefused> {
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
    if wrong.is_empty() { Ok((id, key)) } else { Err(SendRefused::Fields(wrong)) }
}

async fn message_of(read: &TenantRead, files: &[AttachmentId]) -> Result<MessageId, SendRefused> {
    let first = files.first().ok_or(SendRefused::NoDraft)?;
    let row = read.find::<attachment::Entity>().filter(attachment::Column::Id.eq(first.0)).one().await?;
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

async fn store_body(post: &Post, sealed: Vec<u8>) -> Result<SealedBody, Fault> {
    let name = Blobs::new_name(post.db.chance());
    let sha256 = keys::sha256(&[&sealed]);
    post.db.blobs().put(&name, 0, sealed.into()).await?;
    Ok(SealedBody::Blob { name, sha256 })
}

/// Ends the draft (once: the second of two submits finds none) and answers the files that go along; the others are dropped.
async fn take_draft(tx: &TenantTx, ready: &Ready) -> Result<Vec<attachment::Model>, SendRefused> {
    if tx.delete::<draft_table::Entity>(draft_table::Column::Id.eq(ready.id.0)).await? == 0 {
        return Err(SendRefused::NoDraft);
    }
    let (keep, dropped): (Vec<_>, Vec<_>) =
        attach::rows(tx, ready.id).await?.into_iter().partition(|f| ready.draft.attachments.iter().any(|a| a.0 == f.id));
    attach::drop_files(tx, &dropped).await?;
    if keep.len() == ready.draft.attachments.len() && keep.iter().all(|f| f.sha256.is_some()) {
        Ok(keep)
    } else {
        Err(SendRefused::NoDraft)
    }
}

/// Days that the content lives.
async fn check_limits(tx: &TenantTx, draft: &Draft, files: &[attachment::Model], ready: &Ready) -> Result<i64, SendRefused> {
    let limits = quota::limits(tx).await?;
    quota::check_recipients(&limits, draft.to.len() as i64)?;
    quota::check_message_bytes(&limits, attach::total_bytes(files) + ready.draft.body.len() as i64)?;
    let life = draft.life_days();
    if draft.expires_days.is_none() {
        return Ok(limits.life_days.map_or(life, |most| life.min(most)));
    }
    quota::check_life(&limits, life)?;
    Ok(life)
}

fn message_row(tx: &TenantTx, ready: &Ready, files: &[attachment::Model], release_at: Time, expires_at: Time) -> message::ActiveModel {
    let draft = &ready.draft;
    let (api_key, member) = match tx.caller().who() {
        Who::Key { id, member, .. } => (Some(id.0), member.0),
        Who::Member { id, .. } => (None, id.0),
        Who::Recipient { .. } | Who::System => unreachable!("refused by may_send"),
    };
    let (body_sealed, body_blob) = match &ready.body {
        SealedBody::Row(sealed) => (Some(sealed.clone()), None),
        SealedBody::Blob { name, .. } => (None, Some(name.clone())),
    };
    let sender_slot = ready.password.is_none().then(|| tx.keys().wrap(Slot::Sender, &ready.key, tx.chance()));
    let hint = (!draft.hint.is_empty()).then(|| tx.keys().seal(HINT, ready.id.0, draft.hint.as_bytes(), tx.chance()));
    message::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        id: Set(ready.id.0),
        member_id: Set(member),
        api_key_id: Set(api_key),
        subject: Set(draft.subject.clone()),
        body_sealed: Set(body_sealed),
        body_blob: Set(body_blob),
        body_bytes: Set(draft.body.len() as i64),
        proof: Set(draft.proof.as_str().to_owned()),
        sender_slot: Set(sender_slot),
        password_salt: Set(ready.password.as_ref().map(|p| p.salt.to_vec())),
        hint_sealed: Set(hint),
        accept_first: Set(draft.accept_first),
        hide_sender: Set(draft.hide_sender),
        show_subject: Set(draft.show_subject),
        notify_opened: Set(draft.notify_opened),
        remind_days: Set(draft.remind_days.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        recipients: Set(draft.to.len() as i64),
        attachments: Set(files.len() as i64),
        attachment_bytes: Set(files.iter().map(|f| f.received_bytes).sum()),
        created_at: Set(tx.now().0),
        release_at: Set(release_at.0),
        expires_at: Set(expires_at.0),
        retracted_at: Set(None),
        shredded_at: Set(None),
    }
}

fn recipient_row(tx: &TenantTx, ready: &Ready, position: i64, address: &str) -> (RecipientId, recipient::ActiveModel) {
    let id = RecipientId::new(tx.now(), tx.chance());
    let slot = match &ready.password {
        Some(password) => tx.keys().wrap_with_password(id, &ready.key, &password.stretched, tx.chance()),
        None => tx.keys().wrap(Slot::Recipient(id), &ready.key, tx.chance()),
    };
    let row = recipient::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        id: Set(id.0),
        message_id: Set(ready.id.0),
        position: Set(position),
        address: Set(address.to_owned()),
        token_hash: Set(tx.keys().pickup_token(id).hash().to_vec()),
        state: Set(crate::RecipientState::Waiting.as_str().to_owned()),
        slot: Set(Some(slot)),
        tries: Set(0),
        reminded_days: Set(None),
        opened_at: Set(None),
        changed_at: Set(tx.now().0),
    };
    (id, row)
}

async fn leave_jobs(
    tx: &TenantTx,
    ready: &Ready,
    to: &[SentRecipient],
    release_at: Time,
    expires_at: Time,
    held: bool,
) -> Result<(), Fault> {
    let mut later = Vec::with_capacity(to.len() + 1);
    for recipient in to {
        later.push(jobs::notice(recipient.id, release_at, held)?);
    }
    for days in &ready.draft.remind_days {
        later.push(jobs::reminder(ready.id, *days, expires_at.plus_days(-days))?);
    }
    later.push(jobs::expiry(ready.id, expires_at)?);
    tx.later_many(later).await
}

/// What we took, in commitments: the hash of the sealed body and, salted with it, of each file. When the content is
/// destroyed the salt goes with it, and the row proves nothing about anyone any more.
fn submitted(tx: &TenantTx, ready: &Ready, files: &[attachment::Model]) -> Entry {
    let sealed = match &ready.body {
        SealedBody::Row(sealed) => keys::sha256(&[sealed]),
        SealedBody::Blob { sha256, .. } => *sha256,
    };
    let commitments: Vec<String> = files.iter().map(|f| hex(&keys::sha256(&[&sealed, f.sha256.as_deref().unwrap_or_default()]))).collect();
    let factors = match tx.caller().who() {
        Who::Key { .. } => "api key",
        _ => "password",
    };
    let mut entry = Entry::of(Kind::Submitted, ready.id)
        .because("recipients", ready.draft.to.len() as i64)
        .because("proof", ready.draft.proof.as_str())
        .because("factors", factors)
        .because("sealed_sha256", hex(&sealed));
    if !commitments.is_empty() {
        entry = entry.because("files", commitments);
    }
    if ready.draft.proof == Proof::R2 {
        entry = entry.because("message_password", true);
    }
    entry
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn check_key(key: &str) -> Result<(), SendRefused> {
    let fits = !key.is_empty() && key.len() <= MAX_KEY_CHARS && key.bytes().all(|b| (0x20..0x7f).contains(&b));
    let sentence = format!("An Idempotency-Key has 1 to {MAX_KEY_CHARS} printable ASCII characters.");
    if fits { Ok(()) } else { Err(SendRefused::Fields(vec![FieldError::new("idempotency_key", sentence)])) }
}

async fn remember_key(tx: &TenantTx, ready: &Ready) -> Result<(), Fault> {
    let Some((key, hash)) = &ready.idempotency else { return Ok(()) };
    tx.insert(idempotency::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        key: Set(key.clone()),
        request_hash: Set(hash.to_vec()),
        message_id: Set(ready.id.0),
        created_at: Set(tx.now().0),
    })
    .await
}

async fn answered_before(post: &Post, who: &Caller, key: &str, hash: &[u8; 32]) -> Result<Option<Sent>, SendRefused> {
    post.db
        .read(who, async |read| {
            let row = read.find::<idempotency::Entity>().filter(idempotency::Column::Key.eq(key)).one().await?;
            match row {
                None => Ok(None),
                Some(row) if row.request_hash != hash => Err(SendRefused::KeyReused),
                Some(row) => sent_before(read, MessageId(row.message_id)).await,
            }
        })
        .await
}

async fn sent_before(read: &TenantRead, id: MessageId) -> Result<Option<Sent>, SendRefused> {
    let Some(row) = read.find::<message::Entity>().filter(message::Column::Id.eq(id.0)).one().await? else { return Ok(None) };
    let to = read
        .find::<recipient::Entity>()
        .filter(recipient::Column::MessageId.eq(id.0))
        .order_by_asc(recipient::Column::Position)
        .all()
        .await?;
    let recipients = to.into_iter().map(|r| SentRecipient { id: RecipientId(r.id), address: r.address }).collect();
    Ok(Some(Sent { id, recipients, expires_at: Time(row.expires_at), release_at: Time(row.release_at), repeated: true, held: false }))
}
