//! A visit's row, one a browser and recipient, and the frame of its acts.

use crate::{
    Passed, PickupRefused, Post,
    pick_up::{self, DoorState, Letter},
};
use kernel::{Fault, Time, VisitId};
use keys::Token;
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter};
use std::time::Duration;
use store::{Caller, Look, TenantTx, entity::visit};

/// From the gesture until the browser has to ask again.
const VISIT_LIFE: Duration = Duration::from_secs(12 * 3600);

/// Visits of one recipient that are kept at a time.
const MAX_VISITS: usize = 50;

/// A try that failed but has to be kept.
pub(super) type Kept = Result<Passed, PickupRefused>;

/// Runs an act whose refusals may have to be kept: `Ok(Err(…))` commits, `Err(…)` undoes.
pub(super) async fn keep<F>(post: &Post, who: &Caller, f: F) -> Kept
where
    F: AsyncFnOnce(&mut TenantTx) -> Result<Kept, Fault> + Clone,
{
    // On the heap: the futures of the doors are moved a few times before they run, and would be as large as this one.
    Box::pin(post.db.act(who, f)).await?
}

/// Of every browser that came for this recipient.
pub(super) async fn all(look: &impl Look, letter: &Letter) -> Result<Vec<visit::Model>, Fault> {
    look.find::<visit::Entity>().filter(visit::Column::RecipientId.eq(letter.recipient.id)).all().await
}

pub(super) fn is_of(visit: &visit::Model, cookie: &Token, now: Time) -> bool {
    visit.cookie_hash == cookie.hash() && visit.expires_at > now.0
}

pub(super) async fn find(look: &impl Look, cookie: &Token) -> Result<Option<visit::Model>, Fault> {
    let store::Who::Recipient { id, .. } = *look.caller().who() else { return Ok(None) };
    look.find::<visit::Entity>()
        .filter(visit::Column::RecipientId.eq(id.0))
        .filter(visit::Column::CookieHash.eq(cookie.hash().to_vec()))
        .filter(visit::Column::ExpiresAt.gt(look.now().0))
        .one()
        .await
}

/// The letter and this browser's visit, or what to answer instead.
pub(super) async fn come_in(tx: &TenantTx, cookie: &Token) -> Result<Result<(Letter, visit::Model), PickupRefused>, Fault> {
    let letter = Letter::held(tx).await?;
    if let Some(refused) = closed(tx, &letter).await? {
        return Ok(Err(refused));
    }
    Ok(find(tx, cookie).await?.map(|visit| (letter, visit)).ok_or(PickupRefused::NoVisit))
}

/// Why this door is closed, recorded as an opening that came too late.
pub(super) async fn closed(tx: &TenantTx, letter: &Letter) -> Result<Option<PickupRefused>, Fault> {
    match letter.state(tx.now())? {
        DoorState::Sealed | DoorState::Opened => Ok(None),
        state => {
            pick_up::record_too_late(tx, letter, state).await?;
            Ok(Some(PickupRefused::Closed(state)))
        }
    }
}

/// A new visit, not yet written, in the place of those that never got anywhere. `None`: too many browsers came for this recipient.
pub(super) async fn begin(tx: &TenantTx, letter: &Letter, cookie: &Token, visits: usize) -> Result<Option<visit::Model>, Fault> {
    if visits >= MAX_VISITS {
        let over = visit::Column::CreatedAt.lt(tx.now().plus_days(-1).0).and(visit::Column::ExpiresAt.lt(tx.now().0));
        let idle = visit::Column::CodesSent.eq(0).and(visit::Column::OpenedAt.is_null());
        if tx.delete::<visit::Entity>(visit::Column::RecipientId.eq(letter.recipient.id).and(over.or(idle))).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(visit::Model {
        tenant_id: tx.tenant().0,
        id: VisitId::new(tx.now(), tx.chance()).0,
        message_id: letter.message.id,
        recipient_id: letter.recipient.id,
        cookie_hash: cookie.hash().to_vec(),
        codes_sent: 0,
        code_sent_at: None,
        code_tries: 0,
        code_proven_at: None,
        accepted_at: None,
        opened_at: None,
        key_wrapped: None,
        certificate_hash: None,
        created_at: tx.now().0,
        expires_at: tx.now().plus(VISIT_LIFE).0,
    }))
}

pub(super) async fn write(tx: &TenantTx, visit: visit::Model) -> Result<(), Fault> {
    tx.insert_along([visit::ActiveModel::from(visit)]).await
}
