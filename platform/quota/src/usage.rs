//! What is used and what is left.

use crate::{Limits, QuotaRefused, limits::allowance_row, period};
use kernel::{Fault, Time};
use store::{Look, entity::tenant};

/// A tenant's limits and what is used of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub limits: Limits,
    /// Sends of the running period.
    pub sends_used: i64,
    /// Content stored now, in bytes.
    pub stored_bytes: i64,
    pub period_ends_at: Time,
}

impl Usage {
    /// Sends left in the running period; `None` is unlimited.
    pub fn sends_left(&self) -> Option<i64> {
        self.limits.sends.map(|limit| (limit - self.sends_used).max(0))
    }
    /// Why `n` more do not fit into the running period, if they do not.
    pub fn short_of_sends(&self, n: i64) -> Option<QuotaRefused> {
        let limit = self.limits.sends.filter(|limit| self.sends_used.saturating_add(n) > *limit)?;
        Some(QuotaRefused::OverQuota { dimension: "sends", limit, used: self.sends_used, resets_at: Some(self.period_ends_at) })
    }
}

/// The caller's usage now; a period that is over reads as nothing used.
pub async fn usage(look: &impl Look) -> Result<Usage, Fault> {
    let row = allowance_row(look).await?;
    let over = row.period_ends_at <= look.now().0;
    Ok(Usage {
        limits: Limits::from(&row),
        sends_used: if over { 0 } else { row.sends_used },
        stored_bytes: row.stored_bytes,
        period_ends_at: if over { period::next_end(founded(look).await?, look.now()) } else { Time(row.period_ends_at) },
    })
}

/// When the tenant was founded: its billing day.
pub(crate) async fn founded(look: &impl Look) -> Result<Time, Fault> {
    let row = look.own::<tenant::Entity>().await?.ok_or_else(|| Fault::other("the tenant is gone"))?;
    Ok(Time(row.created_at))
}
