//! The button on the first page.

use super::{
    code::first_code,
    hand_over::{Browser, hand_over, own_key},
    row::{all, begin, closed, is_of, keep, write},
    stands::stands,
};
use crate::{Passed, PickupRefused, Post, Proof, Step, message, pick_up::Letter};
use evidence::Kind;
use keys::Token;
use store::{Caller, TenantTx};

/// Seconds after which the visits of too many browsers are cleared away.
const A_DAY: u64 = 86_400;

/// The button was pressed in the browser that holds `cookie`.
pub async fn gesture(post: &Post, who: &Caller, cookie: &Token) -> Result<Passed, PickupRefused> {
    keep(post, who, async |tx: &mut TenantTx| {
        let letter = Letter::held(tx).await?;
        if let Some(refused) = closed(tx, &letter).await? {
            return Ok(Err(refused));
        }
        let visits = all(tx, &letter).await?;
        if let Some(visit) = visits.iter().find(|visit| is_of(visit, cookie, tx.now())) {
            return Ok(stands(tx, &letter, visit).await);
        }
        let Some(visit) = begin(tx, &letter, cookie, visits.len()).await? else {
            return Ok(Err(PickupRefused::NoMoreCodes { again_in: A_DAY }));
        };
        match message::proof(&letter.message)? {
            Proof::R0 if letter.message.accept_first => {
                write(tx, visit).await?;
                Ok(Ok(Step::Accept.into()))
            }
            Proof::R0 => {
                let key = own_key(tx, &letter)?;
                hand_over(tx, &letter, Browser::New(Box::new(visit)), &key, cookie).await
            }
            Proof::R1 | Proof::R2 => {
                write(tx, visit.clone()).await?;
                first_code(tx, &letter, &visit).await
            }
            Proof::R4 => {
                write(tx, visit.clone()).await?;
                evidence::record(tx, letter.entry(Kind::Gesture)).await?;
                tx.changed(letter.message_id());
                Ok(stands(tx, &letter, &visit).await)
            }
        }
    })
    .await
}
