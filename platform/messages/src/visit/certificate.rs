//! The recipient's certificate (R4): found to be theirs at the host that asks for it, told here, in the browser of the gesture.
//!
//! What would surprise you: this room looks at no certificate. The door has it looked at elsewhere, and brings what was found.

use super::{
    hand_over::{Browser, hand_over, own_key},
    row::{Kept, come_in, keep},
    stands::stands,
};
use crate::{
    Passed, PickupRefused, Post, Proof, Step, message,
    pick_up::{DoorState, Letter, MAX_TELEMETRY, of_kind},
};
use evidence::{Entry, Kind};
use kernel::{Fault, VisitId};
use keys::Token;
use sea_orm::{ColumnTrait, QueryFilter};
use store::{Caller, TenantTx, entity::visit};

/// A certificate as evidence names it. Whose it is was found by whoever hands this over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the certificate as it was sent (DER).
    pub sha256: [u8; 32],
    /// Distinguished names, to be shown; empty where it could not be read.
    pub subject: String,
    pub issuer: String,
}

impl Certificate {
    fn on(&self, entry: Entry) -> Entry {
        entry
            .because("certificate", hex::encode(self.sha256))
            .because("certificate_subject", self.subject.clone())
            .because("certificate_issuer", self.issuer.clone())
    }
}

/// The recipient's own certificate was shown for `visit`, which must be this browser's; told twice, it counts once.
pub async fn prove_certificate(
    post: &Post,
    who: &Caller,
    cookie: &Token,
    visit: VisitId,
    certificate: &Certificate,
) -> Result<Passed, PickupRefused> {
    keep(post, who, async |tx: &mut TenantTx| match come_in(tx, cookie).await? {
        Ok((_, found)) if found.id != visit.0 => Ok(Err(PickupRefused::NotShown)),
        Ok((letter, found)) => prove(tx, &letter, found, certificate, cookie).await,
        Err(refused) => Ok(Err(refused)),
    })
    .await
}

async fn prove(tx: &TenantTx, letter: &Letter, mut visit: visit::Model, shown: &Certificate, cookie: &Token) -> Result<Kept, Fault> {
    match stands(tx, letter, &visit).await {
        Ok(Passed { step: Step::Certificate { .. }, .. }) => {}
        other => return Ok(other),
    }
    visit.certificate_hash = Some(shown.sha256.to_vec());
    let change = tx.update::<visit::Entity>().set(visit::Column::CertificateHash, visit.certificate_hash.clone());
    change.filter(visit::Column::Id.eq(visit.id)).exec().await?;
    evidence::record(tx, shown.on(letter.entry(Kind::CertificateProven))).await?;
    tx.changed(letter.message_id());
    if letter.message.accept_first {
        return Ok(stands(tx, letter, &visit).await);
    }
    let key = own_key(tx, letter)?;
    hand_over(tx, letter, Browser::Known(&visit), &key, cookie).await
}

/// A certificate was shown for this message and does not count, `why` being the sentence that was answered. Recorded a bounded number of
/// times; no try is counted, since a certificate cannot be guessed.
pub async fn certificate_refused(post: &Post, who: &Caller, certificate: &Certificate, why: &str) -> Result<(), Fault> {
    post.db
        .act(who, async |tx| {
            let letter = Letter::of(tx).await?;
            let open = matches!(letter.state(tx.now())?, DoorState::Sealed | DoorState::Opened);
            if !open || message::proof(&letter.message)? != Proof::R4 {
                return Ok(());
            }
            evidence::in_turn(tx).await?;
            if (of_kind(tx, letter.id(), Kind::CertificateRefused).await?.len() as u64) < MAX_TELEMETRY {
                evidence::record(tx, certificate.on(letter.entry(Kind::CertificateRefused)).because("why", why)).await?;
                tx.changed(letter.message_id());
            }
            Ok(())
        })
        .await
}
