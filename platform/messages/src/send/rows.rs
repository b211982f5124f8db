//! The rows of an accepted message, and the evidence that it was submitted.

use super::prepare::{Addressed, Ready, SealedBody};
use crate::Proof;
use evidence::{Entry, Kind};
use kernel::{Fault, FaultKind, Time};
use sea_orm::ActiveValue::Set;
use store::{
    Look, Names, TenantTx, Who,
    entity::{attachment, message, recipient},
};

pub(crate) const HINT: &str = "hint";

pub(super) fn message_row(
    tx: &TenantTx,
    ready: &Ready,
    files: &[attachment::Model],
    names: &Names,
    release_at: Time,
    expires_at: Time,
) -> message::ActiveModel {
    let draft = &ready.draft;
    let (api_key, member) = match tx.caller().who() {
        Who::Key { id, member, .. } => (Some(id.0), member.0),
        Who::Member { id, .. } => (None, id.0),
        Who::Recipient { .. } | Who::System => unreachable!("neither may send"),
    };
    let (body_sealed, body_blob) = match &ready.body {
        SealedBody::Row { sealed, .. } => (Some(sealed.clone()), None),
        SealedBody::Blob { name, .. } => (None, Some(name.clone())),
    };
    let hint = (!draft.hint.is_empty()).then(|| tx.keys().seal(HINT, ready.id.0, draft.hint.as_bytes(), tx.chance()));
    message::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        id: Set(ready.id.0),
        member_id: Set(member),
        api_key_id: Set(api_key),
        sender_name: Set(Some(names.member.clone())),
        tenant_name: Set(Some(names.tenant.clone())),
        subject: Set(draft.subject.clone()),
        body_sealed: Set(body_sealed),
        body_blob: Set(body_blob),
        body_bytes: Set(draft.body.len() as i64),
        proof: Set(draft.proof.as_str().to_owned()),
        sender_slot: Set(ready.sender_slot.clone()),
        password_salt: Set(ready.salt.map(|salt| salt.to_vec())),
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

pub(super) fn recipient_row(tx: &TenantTx, ready: &Ready, position: i64, address: &str, to: &Addressed) -> recipient::ActiveModel {
    recipient::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        id: Set(to.id.0),
        message_id: Set(ready.id.0),
        position: Set(position),
        address: Set(address.to_owned()),
        token_hash: Set(to.token_hash.to_vec()),
        state: Set(crate::RecipientState::Waiting.as_str().to_owned()),
        slot: Set(Some(to.slot.clone())),
        tries: Set(0),
        reminded_days: Set(None),
        opened_at: Set(None),
        changed_at: Set(tx.now().0),
    }
}

/// What we took and from whom, in commitments: the hash of the sealed body and, under the message key, the names of sender and tenant and
/// the hash of each file. When the content is destroyed the key goes with it, and nobody can try a name or a file against the row any more.
pub(super) fn submitted(tx: &TenantTx, ready: &Ready, files: &[attachment::Model], names: &Names) -> Result<Entry, Fault> {
    let sealed = match &ready.body {
        SealedBody::Row { sha256, .. } | SealedBody::Blob { sha256, .. } => *sha256,
    };
    let commitments: Vec<String> =
        files.iter().map(|f| hex::encode(ready.key.commitment(f.sha256.as_deref().unwrap_or_default()))).collect();
    let factors = match tx.caller().who() {
        Who::Key { .. } => "api key",
        _ => "password",
    };
    let named = serde_json::to_vec(&[&names.member, &names.tenant]).map_err(|e| Fault::from_error(FaultKind::Other, "names to JSON", e))?;
    let mut entry = Entry::of(Kind::Submitted, ready.id)
        .because("recipients", ready.draft.to.len() as i64)
        .because("proof", ready.draft.proof.as_str())
        .because("factors", factors)
        .because("sender", hex::encode(ready.key.commitment(&named)))
        .because("sealed_sha256", hex::encode(sealed));
    if !commitments.is_empty() {
        entry = entry.because("files", commitments);
    }
    if ready.draft.proof == Proof::R2 {
        entry = entry.because("message_password", true);
    }
    Ok(entry)
}
