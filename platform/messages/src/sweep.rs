//! Sweeping: rows of this room that nobody needs any more, and jobs that are held for a proof that is there. Messages and evidence are not
//! among them: those end by jobs of their own.

use crate::draft;
use kernel::Fault;
use sea_orm::{ColumnTrait, QueryFilter};
use std::time::Duration;
use store::{
    TenantTx,
    entity::{idempotency, job, member},
};

/// An idempotency key is promised to hold this long.
const IDEMPOTENCY_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// An upload through the API that no message came of.
const HIDDEN_DRAFT_LIFE: Duration = Duration::from_secs(2 * 24 * 3_600);

/// What was taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub idempotency_keys: u64,
    pub hidden_drafts: u64,
}

/// Sweeps one tenant's rows. Twice does no harm.
pub async fn sweep(tx: &TenantTx) -> Result<Swept, Fault> {
    let old = idempotency::Column::CreatedAt.lt(tx.now().minus(IDEMPOTENCY_LIFE).0);
    let idempotency_keys = tx.delete::<idempotency::Entity>(old).await?;
    let hidden_drafts = draft::sweep_hidden(tx, tx.now().minus(HIDDEN_DRAFT_LIFE)).await?;
    release_proven(tx).await?;
    Ok(Swept { idempotency_keys, hidden_drafts })
}

/// Where everybody's address is proven nothing is to be held. The proof itself lets go what is there; this is a second net.
async fn release_proven(tx: &TenantTx) -> Result<(), Fault> {
    if tx.find::<job::Entity>().filter(store::is_held()).count().await? == 0 {
        return Ok(());
    }
    if tx.find::<member::Entity>().filter(member::Column::EmailProvenAt.is_null()).count().await? == 0 {
        let jobs = tx.release_held().await?;
        tracing::warn!(tenant = %tx.tenant(), jobs, "jobs were held for a proof that was there");
    }
    Ok(())
}
