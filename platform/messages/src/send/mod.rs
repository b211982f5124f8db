//! Sending: everything checked, sealed and reserved in one act; the answer leaves after it is durable.
//!
//! What would surprise you: with a message password (R2) no slot is left that the server could open by itself, not even
//! the sender's own.

mod answer;
mod certificates;
mod idempotency;
mod limits;
mod prepare;
mod rows;
mod submit;

pub use answer::{SendRefused, Sent, SentRecipient};
pub use prepare::{Ready, prepare};
pub(crate) use rows::HINT;
pub use submit::submit;

use crate::{attach, draft, jobs};
use idempotency::remember_key;
use kernel::{Fault, Time};
use rows::{message_row, recipient_row, submitted};
use store::{
    Look, Names, Right, TenantTx, Who,
    entity::{attachment, member},
};

pub async fn send(tx: &TenantTx, ready: &Ready) -> Result<Sent, SendRefused> {
    tx.caller().must(Right::Send)?;
    let draft = &ready.draft;
    let files = if ready.of_draft { take_draft(tx, ready).await? } else { Vec::new() };
    let held = waits_for_proof(tx).await?;
    certificates::tenant_may_ask(tx, draft).await?;
    let life = limits::check(tx, draft, attach::total_bytes(&files)).await?;
    let release_at = draft.send_at.unwrap_or(tx.now());
    let expires_at = release_at.plus_days(life);
    let names = names(tx).await?;
    tx.insert_along([message_row(tx, ready, &files, &names, release_at, expires_at)]).await?;
    let to = || draft.to.iter().zip(&ready.recipients);
    tx.insert_along((0..).zip(to()).map(|(n, (address, to))| recipient_row(tx, ready, n, address.as_str(), to))).await?;
    let sent: Vec<SentRecipient> = to().map(|(address, to)| SentRecipient { id: to.id, address: address.to_string() }).collect();
    leave_jobs(tx, ready, &sent, release_at, expires_at, held).await?;
    remember_key(tx, ready).await?;
    quota::reserve_sends(tx, draft.to.len() as i64).await?;
    evidence::record(tx, submitted(tx, ready, &files, &names)?).await?;
    tx.changed(ready.id);
    Ok(Sent { id: ready.id, recipients: sent, expires_at, release_at, repeated: false, held })
}

/// Whether the message is held until the sender's address is proven. The caller is from the head of the request, and the address may have
/// been proven while the rest arrived. Whoever proves it changes the row that is held here: either that act finds this one's jobs and lets
/// them go, or this one finds the proof. A proof is never taken back, so a caller who has it is not looked up.
async fn waits_for_proof(tx: &TenantTx) -> Result<bool, Fault> {
    let id = match *tx.caller().who() {
        Who::Member { id, proven: false, .. } | Who::Key { member: id, proven: false, .. } => id,
        _ => return Ok(false),
    };
    Ok(tx.hold::<member::Entity>(id.0).await?.is_none_or(|row| row.email_proven_at.is_none()))
}

/// What the sender and their tenant are called when they ask: the message goes under these names, whatever they are called later.
async fn names(tx: &TenantTx) -> Result<Names, Fault> {
    let names = match tx.caller().member() {
        Some(member) => tx.names(member).await?,
        None => None,
    };
    names.ok_or_else(|| Fault::other("the sender is no member"))
}

/// Ends the draft (once: the second of two submits finds none) and answers the files that go along; the others are dropped.
async fn take_draft(tx: &TenantTx, ready: &Ready) -> Result<Vec<attachment::Model>, SendRefused> {
    if !draft::end_draft(tx, ready.id).await? {
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
        later.push(jobs::reminders(ready.id, *days, expires_at.plus_days(-days))?);
    }
    later.push(jobs::expiry(ready.id, expires_at)?);
    tx.later_many(later).await
}
