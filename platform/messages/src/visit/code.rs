//! The mailed code: sent, sent again, typed in.

use super::{
    hand_over::{Browser, hand_over, own_key},
    row::{Kept, come_in, keep},
    stands::{CODE_PAUSE, again_in, is_fresh, left, masked, stands},
};
use crate::{Passed, PickupRefused, Post, Proof, Step, jobs, message, pick_up::Letter};
use evidence::Kind;
use kernel::{Fault, MAX_TRIES, Time, VisitId};
use keys::Token;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use std::time::Duration;
use store::{Caller, Look, TenantTx, entity::visit};

/// A mailed code is good for this long.
pub(crate) const CODE_LIFE: Duration = Duration::from_secs(15 * 60);

/// Codes mailed for one recipient in a day, whatever the number of browsers.
const CODES_A_DAY: i64 = 10;

pub async fn resend_code(post: &Post, who: &Caller, cookie: &Token) -> Result<Passed, PickupRefused> {
    keep(post, who, async |tx: &mut TenantTx| {
        let (letter, visit) = match before_the_code(tx, cookie).await? {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        match again_in(&visit, tx.now()) {
            0 => mail_code(tx, &letter, &visit).await,
            wait => Ok(Err(PickupRefused::CodeTooSoon { again_in: wait })),
        }
    })
    .await
}

pub async fn prove_code(post: &Post, who: &Caller, cookie: &Token, code: &str) -> Result<Passed, PickupRefused> {
    let typed: String = code.chars().filter(char::is_ascii_digit).take(12).collect();
    if typed.len() != keys::CODE_DIGITS {
        return Err(PickupRefused::NoCode);
    }
    keep(post, who, async |tx: &mut TenantTx| match before_the_code(tx, cookie).await? {
        Ok((letter, visit)) => try_code(tx, &letter, visit, &typed, cookie).await,
        Err(answer) => Ok(answer),
    })
    .await
}

/// A visit that has its code still before it, or what to answer instead.
async fn before_the_code(tx: &TenantTx, cookie: &Token) -> Result<Result<(Letter, visit::Model), Kept>, Fault> {
    Ok(match come_in(tx, cookie).await? {
        Err(refused) => Err(Err(refused)),
        Ok((letter, visit)) if visit.code_proven_at.is_some() || visit.opened_at.is_some() => Err(stands(tx, &letter, &visit).await),
        Ok(found) => Ok(found),
    })
}

pub(super) async fn first_code(tx: &TenantTx, letter: &Letter, visit: &visit::Model) -> Result<Kept, Fault> {
    let step = mail_code(tx, letter, visit).await?;
    if step.is_ok() {
        evidence::record(tx, letter.entry(Kind::Gesture)).await?;
        tx.changed(letter.message_id());
    }
    Ok(step)
}

async fn mail_code(tx: &TenantTx, letter: &Letter, visit: &visit::Model) -> Result<Kept, Fault> {
    let today = tx
        .find::<visit::Entity>()
        .filter(visit::Column::RecipientId.eq(letter.recipient.id))
        .filter(visit::Column::CreatedAt.gt(tx.now().plus_days(-1).0))
        .order_by_asc(visit::Column::CreatedAt)
        .all()
        .await?;
    if let Some(free_at) = next_code_at(&today) {
        return Ok(Err(PickupRefused::NoMoreCodes { again_in: free_at.since(tx.now()).as_secs() + 1 }));
    }
    let nth = visit.codes_sent + 1;
    tx.update::<visit::Entity>()
        .set(visit::Column::CodesSent, nth)
        .set(visit::Column::CodeSentAt, tx.now().0)
        .set(visit::Column::CodeTries, 0_i64)
        .filter(visit::Column::Id.eq(visit.id))
        .exec()
        .await?;
    tx.later(jobs::code(VisitId(visit.id), nth, tx.now())?).await?;
    let masked = masked(&letter.recipient.address);
    let step = Step::Code { masked, works: true, tries_left: MAX_TRIES, again_in: CODE_PAUSE.as_secs() };
    Ok(Ok(step.into()))
}

/// When another code may be mailed, if not now; `today` are a recipient's visits of a day, the oldest first.
fn next_code_at(today: &[visit::Model]) -> Option<Time> {
    let mut sent: i64 = today.iter().map(|visit| visit.codes_sent).sum();
    let full = today.iter().take_while(|visit| {
        let full = sent >= CODES_A_DAY;
        sent -= visit.codes_sent;
        full
    });
    full.last().map(|visit| Time(visit.created_at).plus_days(1))
}

/// Counts the try first, by one conditional update, so that parallel guesses get no extra ones.
async fn try_code(tx: &TenantTx, letter: &Letter, mut visit: visit::Model, typed: &str, cookie: &Token) -> Result<Kept, Fault> {
    let counted = tx
        .update::<visit::Entity>()
        .set(visit::Column::CodeTries, Expr::col(visit::Column::CodeTries).add(1))
        .filter(visit::Column::Id.eq(visit.id))
        .filter(visit::Column::CodeTries.lt(MAX_TRIES))
        .exec()
        .await?;
    if !is_fresh(&visit, tx.now()) || counted == 0 {
        return Ok(Err(PickupRefused::CodeSpent));
    }
    let right = tx.keys().pickup_code(VisitId(visit.id), visit.codes_sent);
    if !keys::same(right.as_bytes(), typed.as_bytes()) {
        evidence::record(tx, letter.entry(Kind::CodeWrong)).await?;
        tx.changed(letter.message_id());
        let left = left(visit.code_tries + 1);
        return Ok(Err(if left == 0 { PickupRefused::CodeSpent } else { PickupRefused::WrongCode { tries_left: left } }));
    }
    visit.code_proven_at = Some(tx.now().0);
    tx.update::<visit::Entity>().set(visit::Column::CodeProvenAt, tx.now().0).filter(visit::Column::Id.eq(visit.id)).exec().await?;
    evidence::record(tx, letter.entry(Kind::CodeProven)).await?;
    tx.changed(letter.message_id());
    if message::proof(&letter.message)? == Proof::R1 && !letter.message.accept_first {
        let key = own_key(tx, letter)?;
        return hand_over(tx, letter, Browser::Known(&visit), &key, cookie).await;
    }
    Ok(stands(tx, letter, &visit).await)
}
