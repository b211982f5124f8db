//! Sweeping: rows that nobody needs any more, once an hour. Sweeping twice, or in two processes at once, does no harm.
//!
//! What would surprise you: each room sweeps its own rows, and nothing here knows which. Evidence and messages are never touched: what
//! a message leaves behind ends by its own room's jobs (`messages::expire`), at its time and with its evidence.

use crate::{App, orphans::Orphans};
use kernel::{Fault, TenantId};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const FIRST_AFTER: Duration = Duration::from_secs(5 * 60);
const EVERY: Duration = Duration::from_secs(3_600);
/// The blob store is looked through in every so many-th sweep: that reads every file's row.
const BLOBS_EVERY: u32 = 24;
const TENANTS_AT_A_TIME: u64 = 100;

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
        let (mut pause, mut orphans, mut turns) = (FIRST_AFTER, Orphans::default(), 0_u32);
        loop {
            tokio::select! { () = stop.cancelled() => return, () = tokio::time::sleep(pause) => {} }
            pause = EVERY;
            match self.sweep(stop).await {
                Ok(Swept { sessions, idempotency_keys, hidden_drafts }) => {
                    tracing::info!(sessions, idempotency_keys, hidden_drafts, "swept")
                }
                Err(fault) => tracing::error!(%fault, "sweeping stopped half-way; it goes on in an hour"),
            }
            self.db.forget_deleted().await;
            if turns.is_multiple_of(BLOBS_EVERY) {
                match self.sweep_blobs(&mut orphans).await {
                    Ok(0) => {}
                    Ok(orphans) => tracing::info!(orphans, "blobs that nobody names were deleted"),
                    Err(fault) => tracing::error!(%fault, "the blobs were not looked through; it goes on in a day"),
                }
            }
            turns = turns.wrapping_add(1);
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

    /// Some hidden drafts an act, until none is left: uploads that nothing came of hold room on the disk.
    async fn sweep_tenant(&self, tenant: TenantId) -> Result<Swept, Fault> {
        let system = self.db.front_desk().system(tenant);
        let mut all = Swept::default();
        loop {
            let act = self.db.act(&system, async |tx| Ok::<_, Fault>((accounts::sweep(tx).await?, messages::sweep(tx).await?)));
            let (sessions, swept) = act.await?;
            all.sessions += sessions;
            all.idempotency_keys += swept.idempotency_keys;
            all.hidden_drafts += swept.hidden_drafts;
            if swept.hidden_drafts == 0 {
                return Ok(all);
            }
        }
    }
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
