//! Sweeping: sessions that are over, browsers that did not come back.

use kernel::Fault;
use sea_orm::ColumnTrait;
use store::{
    TenantTx,
    entity::{device, session},
};

/// Sweeps one tenant's sessions and known browsers; answers how many went. Twice does no harm.
pub async fn sweep(tx: &TenantTx) -> Result<u64, Fault> {
    let now = tx.now().0;
    let sessions = tx.delete::<session::Entity>(session::Column::ExpiresAt.lt(now)).await?;
    Ok(sessions + tx.delete::<device::Entity>(device::Column::ExpiresAt.lt(now)).await?)
}
