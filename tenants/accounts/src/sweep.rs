//! Sweeping: sessions that are over.

use kernel::Fault;
use sea_orm::ColumnTrait;
use store::{TenantTx, entity::session};

/// Sweeps one tenant's sessions; answers how many went. Twice does no harm.
pub async fn sweep(tx: &TenantTx) -> Result<u64, Fault> {
    tx.delete::<session::Entity>(session::Column::ExpiresAt.lt(tx.now().0)).await
}
