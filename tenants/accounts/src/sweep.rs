//! Sweeping: sessions that are over, browsers that did not come back, hand-off codes that were spent.

use kernel::Fault;
use sea_orm::ColumnTrait;
use store::{
    TenantTx,
    entity::{device, hand_off, session},
};

/// Sweeps one tenant's sessions and known browsers; answers how many went. Twice does no harm.
pub async fn sweep(tx: &TenantTx) -> Result<u64, Fault> {
    let now = tx.now().0;
    let sessions = tx.delete::<session::Entity>(session::Column::ExpiresAt.lt(now)).await?;
    let codes = tx.delete::<hand_off::Entity>(hand_off::Column::ExpiresAt.lt(now)).await?;
    Ok(sessions + codes + tx.delete::<device::Entity>(device::Column::ExpiresAt.lt(now)).await?)
}
