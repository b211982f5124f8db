//! Opening an allowance, when a tenant is founded.

use crate::{Limits, period};
use kernel::Fault;
use sea_orm::Set;
use store::{TenantTx, entity::allowance};

/// Writes the tenant's allowance with nothing used; the first period ends one month from now. `Fault` (unique) if it has one.
pub async fn open_allowance(tx: &TenantTx, limits: &Limits) -> Result<(), Fault> {
    let now = tx.now();
    tx.insert(allowance::ActiveModel {
        sends_used: Set(0),
        sends_limit: Set(limits.sends),
        period_ends_at: Set(period::next_end(now, now).0),
        recipients_limit: Set(limits.recipients),
        message_bytes_limit: Set(limits.message_bytes),
        stored_bytes: Set(0),
        stored_limit: Set(limits.stored_bytes),
        life_days_limit: Set(limits.life_days),
        api_per_minute: Set(limits.api_per_minute),
        own_domains_limit: Set(limits.own_domains),
        ..Default::default()
    })
    .await?;
    Ok(())
}
