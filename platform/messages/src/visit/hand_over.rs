//! Acceptance and hand-over, which decides against retraction.

use super::{
    content::Held,
    row::{self, Kept, closed, come_in, keep},
    stands::stands,
};
use crate::{Passed, PickupRefused, Post, Proof, RecipientState, Step, jobs, message, pick_up::Letter, tell::Tell};
use evidence::Kind;
use kernel::{Fault, FaultKind, VisitId};
use keys::{MessageKey, Slot, Token};
use sea_orm::{ColumnTrait, QueryFilter};
use store::{
    Caller, Look, TenantTx,
    entity::{recipient, visit},
};

pub async fn accept(post: &Post, who: &Caller, cookie: &Token) -> Result<Passed, PickupRefused> {
    keep(post, who, async |tx: &mut TenantTx| {
        let (letter, visit) = match come_in(tx, cookie).await? {
            Ok(found) => found,
            Err(refused) => return Ok(Err(refused)),
        };
        match stands(tx, &letter, &visit).await {
            Ok(passed) if passed.step == Step::Accept => {}
            other => return Ok(other),
        }
        let key = match message::proof(&letter.message)? {
            Proof::R2 => waiting_key(tx, &letter, &visit, cookie)?,
            Proof::R0 | Proof::R1 | Proof::R4 => own_key(tx, &letter)?,
        };
        hand_over(tx, &letter, Browser::Known(&visit), &key, cookie).await
    })
    .await
}

/// To whom content is handed over.
pub(super) enum Browser<'v> {
    /// Its visit is written with the hand-over.
    New(Box<visit::Model>),
    Known(&'v visit::Model),
}

impl Browser<'_> {
    /// SHA-256 of the certificate that was shown from it, in hexadecimal.
    fn certificate(&self) -> Option<String> {
        let visit: &visit::Model = match self {
            Browser::New(visit) => visit,
            Browser::Known(visit) => visit,
        };
        visit.certificate_hash.as_ref().map(hex::encode)
    }
}

/// The one conditional update that decides against retraction; then the evidence. Commits before any content leaves.
pub(super) async fn hand_over(
    tx: &TenantTx,
    letter: &Letter,
    browser: Browser<'_>,
    key: &MessageKey,
    cookie: &Token,
) -> Result<Kept, Fault> {
    let held = Held::of(tx, letter.clone(), tx.now(), key.clone()).await?;
    let first = letter.recipient.opened_at.is_none();
    let mut change = tx
        .update::<recipient::Entity>()
        .set(recipient::Column::State, RecipientState::Opened.as_str())
        .filter(recipient::Column::Id.eq(letter.recipient.id))
        .filter(recipient::Column::State.is_in(RecipientState::SEALED.into_iter().chain(["opened"])));
    if first {
        change = change.set(recipient::Column::OpenedAt, tx.now().0).set(recipient::Column::ChangedAt, tx.now().0);
    }
    if !change.exec_one().await? {
        let now = Letter::of(tx).await?;
        return Ok(Err(closed(tx, &now).await?.unwrap_or(PickupRefused::NoVisit)));
    }
    let certificate = browser.certificate();
    opened_by(tx, browser, key, cookie).await?;
    if first && letter.message.notify_opened {
        jobs::tell_later(tx, Tell::Opened { recipient: letter.id() }).await?;
    }
    let grade = message::proof(&letter.message)?.assurance();
    let entry = |kind| {
        let entry = letter.entry(kind).because("assurance", grade);
        certificate.iter().fold(entry, |entry, sha256| entry.because("certificate", sha256.as_str()))
    };
    let mut entries = Vec::with_capacity(2);
    if letter.message.accept_first {
        entries.push(entry(Kind::Accepted));
    }
    entries.push(entry(Kind::HandedOver));
    evidence::record_many(tx, entries).await?;
    tx.changed(letter.message_id());
    Ok(Ok(Passed { step: Step::Open, held }))
}

/// The message key waits in the visit for this browser's next requests.
async fn opened_by(tx: &TenantTx, browser: Browser<'_>, key: &MessageKey, cookie: &Token) -> Result<(), Fault> {
    let wrapped = |id| key.wrap_for_browser(VisitId(id), cookie, tx.chance());
    match browser {
        Browser::New(visit) => {
            row::write(tx, visit::Model { opened_at: Some(tx.now().0), key_wrapped: Some(wrapped(visit.id)), ..*visit }).await
        }
        Browser::Known(visit) => {
            let change = tx.update::<visit::Entity>().set(visit::Column::OpenedAt, tx.now().0);
            let change = change.set(visit::Column::KeyWrapped, wrapped(visit.id));
            change.filter(visit::Column::Id.eq(visit.id)).exec().await.map(|_| ())
        }
    }
}

/// The recipient's slot under the tenant key (R0, R1, R4).
pub(super) fn own_key(look: &impl Look, letter: &Letter) -> Result<MessageKey, Fault> {
    let slot = letter.recipient.slot.as_ref().ok_or_else(|| Fault::new(FaultKind::Sealed, "the recipient's slot is empty"))?;
    look.keys().unwrap(letter.message_id(), Slot::Recipient(letter.id()), slot)
}

/// The key that waits under this browser's cookie for acceptance (R2).
fn waiting_key(look: &impl Look, letter: &Letter, visit: &visit::Model, cookie: &Token) -> Result<MessageKey, Fault> {
    let wrapped = visit.key_wrapped.as_ref().ok_or_else(|| Fault::new(FaultKind::Sealed, "no key waits in this visit"))?;
    MessageKey::unwrap_for_browser(look.tenant(), letter.message_id(), VisitId(visit.id), wrapped, cookie)
}
