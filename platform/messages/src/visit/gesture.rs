//! The button on the first page.

use super::{
    code::first_code,
    hand_over::{hand_over, own_key},
    row::{begin, closed, find, keep},
    stands::stands,
};
use crate::{PickupRefused, Post, Proof, Step, message, pick_up::Letter};
use keys::Token;
use store::{Caller, TenantTx};

/// The button was pressed in the browser that holds `cookie`.
pub async fn gesture(post: &Post, who: &Caller, cookie: &Token) -> Result<Step, PickupRefused> {
    keep(post, who, async |tx: &mut TenantTx| {
        let letter = Letter::of(tx).await?;
        if let Some(refused) = closed(tx, &letter).await? {
            return Ok(Err(refused));
        }
        if let Some(visit) = find(tx, cookie).await? {
            return Ok(stands(tx, &letter, &visit).await);
        }
        let Some(visit) = begin(tx, &letter, cookie).await? else { return Ok(Err(PickupRefused::NoMoreCodes)) };
        match message::proof(&letter.message)? {
            Proof::R0 if letter.message.accept_first => Ok(Ok(Step::Accept)),
            Proof::R0 => {
                let key = own_key(tx, &letter)?;
                hand_over(tx, &letter, &visit, &key, cookie).await
            }
            Proof::R1 | Proof::R2 => first_code(tx, &letter, &visit).await,
        }
    })
    .await
}
