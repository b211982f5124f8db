//! Sweeping: rows that nobody needs any more, once an hour. Sweeping twice, or in two processes at once, does no harm.
//!
//! What would surprise you: evidence and messages are never touched here. What a message leaves behind ends by its own
//! room's jobs (`messages::expire`), at its time and with its evidence.

use crate::App;
use kernel::{Fault, MessageId, TenantId};
use std::time::Duration;
use store::{
    TenantTx,
    entity::{draft, idempotency, session},
    sea_orm::{ColumnTrait, QueryFilter},
};
use tokio_util::sync::CancellationToken;

const FIRST_AFTER: Duration = Duration::from_secs(5 * 60);
const EVERY: Duration = Duration::from_secs(3_600);
/// An idempotency key is promised to hold this long.
const IDEMPOTENCY_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// An upload through the API that no message came of.
const HIDDEN_DRAFT_LIFE: Duration = Duration::from_secs(2 * 24 * 3_600);
const TENANTS_AT_A_TIME: u64 = 100;
/// Drafts swept of one tenant in one act; the rest waits for the next hour.
const DRAFTS_AT_A_TIME: u64 = 50;

/// What one sweep took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub sessions: u64,
    pub idempotency_keys: u64,
    pub hidden_drafts: u64,
}

impl App {
    /// Sweeps every hour until `stop`.
    pub(crate) async fn sweep_hourly(&self, stop: &CancellationToken) {
        let mut pause = FIRST_AFTER;
        loop {
            tokio::select! { () = stop.cancelled() => return, () = tokio::time::sleep(pause) => {} }
            pause = EVERY;
            match self.sweep(stop).await {
                Ok(Swept { sessions, idempotency_keys, hidden_drafts }) => {
                    tracing::info!(sessions, idempotency_keys, hidden_drafts, "swept")
                }
                Err(fault) => tracing::error!(%fault, "sweeping stopped half-way; it goes on in an hour"),
            }
        }
    }

    /// Sweeps every tenant once.
    pub async fn sweep(&self, stop: &CancellationToken) -> Result<Swept, Fault> {
        let (mut all, mut after) = (Swept::default(), None);
        loop {
            let tenants = self.db.front_desk().tenants(after, TENANTS_AT_A_TIME).await?;
            let Some(last) = tenants.last() else { return Ok(all) };
            after = Some(last.id);
            for tenant in tenants {
                if stop.is_cancelled() {
                    return Ok(all);
                }
                let swept = self.sweep_tenant(tenant.id).await?;
                all.sessions += swept.sessions;
                all.idempotency_keys += swept.idempotency_keys;
                all.hidden_drafts += swept.hidden_drafts;
            }
        }
    }

    async fn sweep_tenant(&self, tenant: TenantId) -> Result<Swept, Fault> {
        let system = self.db.front_desk().system(tenant);
        self.db.act(&system, async |tx| sweep_rows(tx).await).await
    }
}

async fn sweep_rows(tx: &TenantTx) -> Result<Swept, Fault> {
    let now = tx.now();
    let sessions = tx.delete::<session::Entity>(session::Column::ExpiresAt.lt(now.0)).await?;
    let idempotency_keys = tx.delete::<idempotency::Entity>(idempotency::Column::CreatedAt.lt(now.minus(IDEMPOTENCY_LIFE).0)).await?;
    let before = now.minus(HIDDEN_DRAFT_LIFE).0;
    let old = tx.find::<draft::Entity>().filter(draft::Column::Hidden.eq(true)).filter(draft::Column::UpdatedAt.lt(before));
    let mut hidden_drafts = 0;
    for row in old.limit(DRAFTS_AT_A_TIME).all().await? {
        hidden_drafts += u64::from(messages::discard_draft(tx, MessageId(row.id)).await?);
    }
    Ok(Swept { sessions, idempotency_keys, hidden_drafts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    #[tokio::test]
    async fn what_is_over_goes_and_what_lives_stays() {
        let town = Town::new().await;
        town.sign_up("ana@acme.example").await;
        let stop = CancellationToken::new();
        assert_eq!(town.app.sweep(&stop).await.unwrap(), Swept::default());
        town.clock.advance(accounts::SESSION_LIFE + Duration::from_secs(1));
        town.sign_up("bob@acme.example").await;
        assert_eq!(town.app.sweep(&stop).await.unwrap(), Swept { sessions: 1, ..Swept::default() });
        assert_eq!(town.app.sweep(&stop).await.unwrap(), Swept::default());
    }
}
