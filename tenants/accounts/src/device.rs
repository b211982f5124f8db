//! Known browsers: those that signed in to an account before. They have guesses of their own at its password, so that a stranger's
//! guesses do not hold its owner out.
//!
//! What would surprise you: the cookie opens nothing. Who steals it has ten guesses more in a quarter of an hour, at the one membership
//! that it is known to. Anybody may sign up with somebody's address and be known there; that gives no guess at the other's.

use kernel::{DeviceId, Fault, MemberId};
use keys::Token;
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QueryOrder, Set};
use std::time::Duration;
use store::{
    Look, TenantTx,
    entity::device::{ActiveModel, Column, Entity},
};

/// A browser is known this long after it last signed in.
pub const DEVICE_LIFE: Duration = Duration::from_secs(365 * 86_400);
/// Browsers known to one member; the one that came longest ago makes room.
const MAX_DEVICES: usize = 20;

/// Writes down that the browser which holds `token` signed in as the member. Only the token's SHA-256 is kept.
pub(crate) async fn know(tx: &TenantTx, member: MemberId, token: &Token) -> Result<(), Fault> {
    let (now, hash) = (tx.now(), token.hash().to_vec());
    let own = || Column::MemberId.eq(member.0);
    tx.delete::<Entity>(own().and(Column::TokenHash.eq(hash.clone()).or(Column::ExpiresAt.lte(now.0)))).await?;
    let newest = tx.find::<Entity>().filter(own()).order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).all().await?;
    if newest.len() >= MAX_DEVICES {
        let room: Vec<_> = newest[MAX_DEVICES - 1..].iter().map(|row| row.id).collect();
        tx.delete::<Entity>(own().and(Column::Id.is_in(room))).await?;
    }
    tx.insert(ActiveModel {
        id: Set(DeviceId::new(now, tx.chance()).0),
        member_id: Set(member.0),
        token_hash: Set(hash),
        created_at: Set(now.0),
        expires_at: Set(now.plus(DEVICE_LIFE).0),
        ..Default::default()
    })
    .await
}

/// No browser is known to the member any more.
pub(crate) async fn forget_all(tx: &TenantTx, member: MemberId) -> Result<u64, Fault> {
    tx.delete::<Entity>(Column::MemberId.eq(member.0)).await
}
