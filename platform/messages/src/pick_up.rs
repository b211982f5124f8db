//! The recipient's side of the door: what the page shows before anything happened, and refusing.

use crate::{AttachmentView, Post, Proof, RecipientState, expire, jobs, message, retract, tell::Tell};
use evidence::{Entry, Kind};
use kernel::{Fault, Line, MAX_REASON_CHARS, MessageId, RecipientId, Time, VisitId};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use std::time::Duration;
use store::{
    Caller, Look, TenantRead, TenantTx, Who,
    entity::{evidence as evidence_table, member, message as message_table, recipient, tenant},
};

/// The same address and program within this time is one fetch.
const SAME_FETCH: Duration = Duration::from_secs(3600);
/// Fetches (and, apart, late pickups and refused certificates) recorded for one recipient.
pub(crate) const MAX_TELEMETRY: u64 = 50;

/// What the first page shows; looking changes nothing.
#[derive(Clone, Debug)]
pub struct Door {
    pub recipient: RecipientId,
    pub address: String,
    /// Sender's name and tenant's name; `None` while the sender wants to stay unnamed until accepted.
    pub sender: Option<(String, String)>,
    pub proof: Proof,
    pub accept_first: bool,
    /// Only when the sender chose to show it.
    pub subject: Option<String>,
    pub sent_at: Time,
    pub expires_at: Time,
    pub state: DoorState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoorState {
    Sealed,
    /// Opened before; can be opened again until it expires.
    Opened,
    Refused,
    Retracted,
    Expired,
    Locked,
    /// To be sent later, or the sender's address is not proven yet: nothing to see, answered as unknown.
    NotYet,
}

/// Where a visit stands after a gesture or a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A code that we mail to this (masked) address is to be typed.
    Code {
        masked: String,
        /// One was mailed for this browser and works still. If not, another has to be asked for.
        works: bool,
        tries_left: i64,
        /// Seconds until another may be asked for.
        again_in: u64,
    },
    Password {
        hint: Option<String>,
        tries_left: i64,
    },
    /// The recipient's certificate is asked for, at another host, on behalf of this visit.
    Certificate {
        visit: VisitId,
    },
    /// Everything is proven; the recipient has to accept or refuse before seeing it.
    Accept,
    /// Handed over (committed): go and fetch the content.
    Open,
}

#[derive(Debug, thiserror::Error)]
pub enum PickupRefused {
    /// No visit in this browser, or it is over: start again from the first page.
    #[error("This page has been open for too long, or cookies are off. Open the link in the mail again.")]
    NoVisit,
    /// Too short or too long to be one; it costs no try and is not recorded.
    #[error("A code has six digits. Copy it from the mail that we sent you.")]
    NoCode,
    #[error("This code is not right. {}.", tries(*.tries_left))]
    WrongCode { tries_left: i64 },
    #[error("This code was tried too often or is too old. Ask for a new one.")]
    CodeSpent,
    #[error("A code was sent a moment ago. You can ask for another in {again_in} seconds.")]
    CodeTooSoon { again_in: u64 },
    #[error("No more codes can be sent for this message today.")]
    NoMoreCodes { again_in: u64 },
    #[error("This password is not right. {}.", tries(*.tries_left))]
    WrongPassword { tries_left: i64 },
    /// Retracted, expired, refused, locked: the page for that state.
    #[error("This message cannot be opened.")]
    Closed(DoorState),
    /// It was shown for another browser's visit, or too long ago.
    #[error("This certificate was shown too long ago or from another browser, or it does not count any more. Show it once more.")]
    NotShown,
    #[error("The reason {0}.")]
    Reason(kernel::BadLine),
    #[error("There is no such file.")]
    NoFile,
    #[error("We are busy right now. Try again in a moment.")]
    Busy,
    #[error(transparent)]
    Fault(#[from] Fault),
}

fn tries(left: i64) -> String {
    if left == 1 { "One try is left".to_owned() } else { format!("{left} tries are left") }
}

impl From<keys::Busy> for PickupRefused {
    fn from(_: keys::Busy) -> PickupRefused {
        PickupRefused::Busy
    }
}

/// What was sealed, in the hands of a browser that proved itself.
#[derive(Clone, Debug)]
pub struct Content {
    pub sender: (String, String),
    pub subject: String,
    pub text: String,
    pub attachments: Vec<AttachmentView>,
    pub expires_at: Time,
    pub opened_at: Time,
    /// R0, R1, R2, R4.
    pub assurance: &'static str,
    pub replied: bool,
}

/// The caller's recipient and message, loaded together.
#[derive(Clone)]
pub(crate) struct Letter {
    pub recipient: recipient::Model,
    pub message: message_table::Model,
}

impl Letter {
    pub(crate) async fn of(look: &impl Look) -> Result<Letter, Fault> {
        let (id, message) = whose(look.caller())?;
        Letter::with(look, message::recipient_row(look, id).await?, message).await
    }
    /// The same for an act that counts or looks before it writes: the recipient's acts come one after the other, so what was seen is still
    /// so when it is written.
    pub(crate) async fn held(tx: &TenantTx) -> Result<Letter, Fault> {
        let (id, message) = whose(tx.caller())?;
        Letter::with(tx, message::hold_recipient(tx, id).await?, message).await
    }
    async fn with(look: &impl Look, recipient: Option<recipient::Model>, message: MessageId) -> Result<Letter, Fault> {
        let recipient = recipient.ok_or_else(|| Fault::other("the recipient's row is gone"))?;
        let message = message::row(look, message).await?.ok_or_else(|| Fault::other("the recipient's message is gone"))?;
        Ok(Letter { recipient, message })
    }
    pub(crate) fn id(&self) -> RecipientId {
        RecipientId(self.recipient.id)
    }
    pub(crate) fn message_id(&self) -> MessageId {
        MessageId(self.message.id)
    }
    pub(crate) fn entry(&self, kind: Kind) -> Entry {
        Entry::of(kind, self.message_id()).to(self.id())
    }
    fn hides_the_sender(&self) -> bool {
        self.message.hide_sender && self.recipient.opened_at.is_none()
    }
    pub(crate) fn state(&self, now: Time) -> Result<DoorState, Fault> {
        let state = RecipientState::read(&self.recipient.state)?;
        Ok(match state {
            RecipientState::Retracted => DoorState::Retracted,
            RecipientState::Refused => DoorState::Refused,
            RecipientState::Expired => DoorState::Expired,
            _ if self.message.expires_at <= now.0 || self.message.shredded_at.is_some() => DoorState::Expired,
            _ if self.message.release_at > now.0 => DoorState::NotYet,
            RecipientState::Locked => DoorState::Locked,
            RecipientState::Opened => DoorState::Opened,
            RecipientState::Waiting | RecipientState::Notified | RecipientState::Failed => DoorState::Sealed,
        })
    }
}

fn whose(caller: &Caller) -> Result<(RecipientId, MessageId), Fault> {
    match *caller.who() {
        Who::Recipient { id, message } => Ok((id, message)),
        _ => Err(Fault::other("only a recipient comes to this door")),
    }
}

/// What the caller's link leads to. `None`: not there, or not yet.
pub async fn door(read: &TenantRead) -> Result<Option<Door>, Fault> {
    let letter = Letter::of(read).await?;
    let state = letter.state(read.now())?;
    let sender = names(read, &letter.message).await?;
    let Some(sender) = sender.filter(|_| state != DoorState::NotYet) else { return Ok(None) };
    let hidden = letter.hides_the_sender();
    Ok(Some(Door {
        recipient: letter.id(),
        sender: (!hidden).then_some(sender),
        proof: message::proof(&letter.message)?,
        accept_first: letter.message.accept_first,
        subject: letter.message.show_subject.then(|| letter.message.subject.clone()),
        sent_at: Time(letter.message.release_at),
        expires_at: Time(letter.message.expires_at),
        address: letter.recipient.address,
        state,
    }))
}

/// What sender and tenant were called when the message was submitted; `None` until the sender's address is proven. Of a message from before
/// this was kept, what they are called now.
pub(crate) async fn names(look: &impl Look, row: &message_table::Model) -> Result<Option<(String, String)>, Fault> {
    let sender = look.get::<member::Entity>(row.member_id).await?;
    let Some(sender) = sender.filter(|sender| sender.email_proven_at.is_some()) else { return Ok(None) };
    if let (Some(sender), Some(tenant)) = (&row.sender_name, &row.tenant_name) {
        return Ok(Some((sender.clone(), tenant.clone())));
    }
    Ok(look.own::<tenant::Entity>().await?.map(|tenant| (sender.name, tenant.name)))
}

/// Whether the caller's link is of a message whose sender is not named yet.
pub async fn sender_is_hidden(read: &TenantRead) -> Result<bool, Fault> {
    Ok(Letter::of(read).await?.hides_the_sender())
}

/// Telemetry for the timeline: something asked for the page. At most one row an hour for the same address and program, 50 in all, of which
/// the last one says so: who fetches often must not pass for the only one who did.
pub async fn link_fetched(post: &Post, who: &Caller) -> Result<(), Fault> {
    if post.db.read(who, async |read| fetches_left(read).await).await? == 0 {
        return Ok(());
    }
    Box::pin(post.db.act(who, async |tx| {
        let Who::Recipient { id, message } = *tx.caller().who() else { return Ok(()) };
        // Others may have fetched it since that look.
        evidence::in_turn(tx).await?;
        let entry = Entry::of(Kind::LinkFetched, message).to(id);
        let entry = match fetches_left(tx).await? {
            0 => return Ok(()),
            1 => entry.because("further", "not recorded"),
            _ => entry,
        };
        evidence::record(tx, entry).await?;
        tx.changed(message);
        Ok(())
    }))
    .await
}

/// How many fetches may still be recorded, this one included; none for one like an earlier one.
async fn fetches_left(look: &impl Look) -> Result<u64, Fault> {
    let Who::Recipient { id, .. } = *look.caller().who() else { return Ok(0) };
    let rows = of_kind(look, id, Kind::LinkFetched).await?;
    let since = look.now().minus(SAME_FETCH).0;
    let origin = look.caller().origin();
    let ip = origin.ip.map(|ip| ip.to_string());
    let before = rows.iter().filter(|r| r.at >= since).any(|row| {
        let grounds: serde_json::Value = serde_json::from_str(&row.grounds).unwrap_or_default();
        let said = |name: &str| grounds.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        said("ip") == ip.clone().unwrap_or_default() && said("user_agent") == origin.user_agent
    });
    Ok(if before { 0 } else { MAX_TELEMETRY.saturating_sub(rows.len() as u64) })
}

pub(crate) async fn of_kind(look: &impl Look, recipient: RecipientId, kind: Kind) -> Result<Vec<evidence_table::Model>, Fault> {
    let Who::Recipient { message, .. } = *look.caller().who() else { return Ok(Vec::new()) };
    look.find::<evidence_table::Entity>()
        .filter(evidence_table::Column::MessageId.eq(message.0))
        .filter(evidence_table::Column::RecipientId.eq(recipient.0))
        .filter(evidence_table::Column::Kind.eq(kind.as_str()))
        .order_by_desc(evidence_table::Column::Seq)
        .limit(MAX_TELEMETRY)
        .all()
        .await
}

/// The loser of a race against retraction, expiry or lock is recorded, a bounded number of times.
pub(crate) async fn record_too_late(tx: &TenantTx, letter: &Letter, state: DoorState) -> Result<(), Fault> {
    evidence::in_turn(tx).await?;
    if (of_kind(tx, letter.id(), Kind::PickupTooLate).await?.len() as u64) < MAX_TELEMETRY {
        let word = match state {
            DoorState::Refused => "refused",
            DoorState::Retracted => "retracted",
            DoorState::Expired => "expired",
            DoorState::Locked => "locked",
            DoorState::Sealed | DoorState::Opened | DoorState::NotYet => return Ok(()),
        };
        evidence::record(tx, letter.entry(Kind::PickupTooLate).because("state", word)).await?;
        tx.changed(letter.message_id());
    }
    Ok(())
}

/// The opposite gesture. Needs no proof beyond the link; the evidence says so.
pub async fn refuse(tx: &TenantTx, reason: &str) -> Result<(), PickupRefused> {
    let reason = Line::<MAX_REASON_CHARS>::parse(&reason.replace("\r\n", " ").replace('\n', " ")).map_err(PickupRefused::Reason)?;
    let letter = Letter::held(tx).await?;
    let state = letter.state(tx.now())?;
    if !matches!(state, DoorState::Sealed | DoorState::Locked) {
        return Err(PickupRefused::Closed(state));
    }
    let refused = tx
        .update::<recipient::Entity>()
        .set(recipient::Column::State, RecipientState::Refused.as_str())
        .set(recipient::Column::Slot, Option::<Vec<u8>>::None)
        .set(recipient::Column::ChangedAt, tx.now().0)
        .filter(recipient::Column::Id.eq(letter.recipient.id))
        .filter(recipient::Column::State.is_in(RecipientState::RETRACTABLE))
        .exec()
        .await?;
    if refused == 0 {
        let now = Letter::of(tx).await?.state(tx.now())?;
        return Err(PickupRefused::Closed(now));
    }
    retract::forget_keys(tx, letter.id()).await?;
    jobs::tell_later(tx, Tell::Refused { recipient: letter.id() }).await?;
    let mut entry = letter.entry(Kind::Refused).because("assurance", "R0");
    if !reason.is_empty() {
        entry = entry.because("reason", reason.into_string());
    }
    let mut entries = vec![entry];
    entries.extend(expire::shred_if_over(tx, letter.message_id()).await?);
    evidence::record_many(tx, entries).await?;
    tx.changed(letter.message_id());
    Ok(())
}
