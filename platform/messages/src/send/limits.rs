//! The limits of the plan that a message meets: all of them are told at once.

use super::answer::SendRefused;
use crate::{
    Draft,
    outline::{days_ahead, kept_days},
};
use kernel::Time;
use quota::{Limits, QuotaRefused};
use store::{Look, TenantRead, TenantTx};

/// Days that the content lives from when it leaves. `bytes`: of its files.
pub(super) async fn check(tx: &TenantTx, draft: &Draft, bytes: i64) -> Result<i64, SendRefused> {
    let limits = quota::limits(tx).await?;
    let mut met = met(&limits, draft, bytes, tx.now());
    if !met.is_empty() {
        met.extend(quota::usage(tx).await?.short_of_sends(draft.to.len() as i64));
        return Err(SendRefused::Quota(met));
    }
    let (life, ahead) = (draft.life_days(), days_ahead(draft.send_at, tx.now()));
    Ok(draft.expires_days.or(limits.life_days.map(|most| life.min(most - ahead))).unwrap_or(life))
}

/// As it looks before anything dear is done for the message; the act has the last word.
pub(super) async fn check_early(read: &TenantRead, draft: &Draft, bytes: i64) -> Result<(), SendRefused> {
    let usage = quota::usage(read).await?;
    let mut met = met(&usage.limits, draft, bytes, read.now());
    met.extend(usage.short_of_sends(draft.to.len() as i64));
    if met.is_empty() { Ok(()) } else { Err(SendRefused::Quota(met)) }
}

/// The text has a bound of its own: a file of just the size allowed must not be refused for it.
fn met(limits: &Limits, draft: &Draft, bytes: i64, now: Time) -> Vec<QuotaRefused> {
    let bytes = bytes.max(draft.body.len() as i64);
    limits.met_by(draft.to.len() as i64, bytes, kept_days(draft.expires_days, draft.send_at, now))
}
