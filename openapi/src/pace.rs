//! Requests a minute, per tenant: a whole minute's worth at once, then evenly (GCRA, as in ITU-T I.371 Annex A).
//!
//! What would surprise you: it runs on the house's clock, so a stopped clock stops the refill; and every process counts by itself.

use crate::{problem::Problem, problem_kind::Kind};
use kernel::{TenantId, Time};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use store::{Caller, Db};

const MINUTE_MICROS: i64 = 60_000_000;
/// How old a tenant's limit may be.
const LIMIT_AGE: Duration = Duration::from_secs(5);
/// Tenants remembered before those at rest are forgotten.
const SWEEP_AT: usize = 4_096;

/// One bucket a tenant.
#[derive(Default)]
pub(crate) struct Pace(Mutex<HashMap<TenantId, Bucket>>);

#[derive(Clone, Copy)]
struct Bucket {
    /// Requests a minute; `None` is unlimited.
    limit: Option<i64>,
    read_at: Time,
    /// When the bucket is at rest again, in microseconds since the epoch ("theoretical arrival time").
    rest_at: i64,
}

impl Pace {
    /// Counts one request, or says how long to wait. A limit that cannot be read refuses.
    pub(crate) async fn check(&self, db: &Db, caller: &Caller) -> Result<(), Problem> {
        let now = db.clock().now();
        if self.needs_limit(caller.tenant(), now) {
            let limits = Box::pin(db.read(caller, async |read| quota::limits(read).await)).await?;
            self.set_limit(caller.tenant(), limits.api_per_minute, now);
        }
        self.count(caller.tenant(), now)
    }
    fn needs_limit(&self, tenant: TenantId, now: Time) -> bool {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get(&tenant).is_none_or(|b| now.since(b.read_at) > LIMIT_AGE || now < b.read_at)
    }
    fn set_limit(&self, tenant: TenantId, limit: Option<i64>, now: Time) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= SWEEP_AT && !buckets.contains_key(&tenant) {
            buckets.retain(|_, b| b.rest_at > micros(now));
        }
        let bucket = buckets.entry(tenant).or_insert(Bucket { limit, read_at: now, rest_at: 0 });
        (bucket.limit, bucket.read_at) = (limit, now);
    }
    fn count(&self, tenant: TenantId, now: Time) -> Result<(), Problem> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match buckets.get_mut(&tenant) {
            Some(bucket) => bucket.count(now),
            None => Ok(()),
        }
    }
}

impl Bucket {
    fn count(&mut self, now: Time) -> Result<(), Problem> {
        let limit = match self.limit {
            None => return Ok(()),
            Some(limit) if limit <= 0 => {
                return Err(Problem::new(Kind::PlanLimit, "Your plan does not include the API. Choose one that does."));
            }
            Some(limit) => limit,
        };
        let now = micros(now);
        // A clock set back must not lock anybody out for longer than a minute.
        let rest_at = self.rest_at.clamp(now, now + MINUTE_MICROS);
        let after = rest_at + MINUTE_MICROS / limit;
        if after - now > MINUTE_MICROS {
            self.rest_at = rest_at;
            let wait = after - now - MINUTE_MICROS;
            return Err(Problem::too_many(limit, u64::try_from(wait).unwrap_or(0).div_ceil(1_000_000).max(1)));
        }
        self.rest_at = after;
        Ok(())
    }
}

fn micros(time: Time) -> i64 {
    time.0.saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(limit: Option<i64>) -> Bucket {
        Bucket { limit, read_at: Time(0), rest_at: 0 }
    }
    fn passes(bucket: &mut Bucket, now: i64, tries: usize) -> usize {
        (0..tries).filter(|_| bucket.count(Time(now)).is_ok()).count()
    }

    #[test]
    fn a_minutes_worth_passes_at_once_and_then_one_by_one() {
        let mut b = bucket(Some(60));
        let start = 1_795_454_042_000;
        assert_eq!(passes(&mut b, start, 200), 60);
        assert_eq!(passes(&mut b, start + 999, 10), 0);
        assert_eq!(passes(&mut b, start + 1_000, 10), 1);
        assert_eq!(passes(&mut b, start + 11_000, 100), 10);
        assert_eq!(passes(&mut b, start + 600_000, 200), 60);
    }

    #[test]
    fn the_wait_is_said_in_whole_seconds() {
        let mut b = bucket(Some(6));
        passes(&mut b, 1_000_000, 6);
        let problem = b.count(Time(1_000_000)).unwrap_err();
        assert_eq!(problem.kind(), Kind::TooMany);
        assert!(problem.to_string().contains("in 10 seconds"), "{problem}");
    }

    #[test]
    fn none_is_unlimited_and_zero_is_none() {
        assert_eq!(passes(&mut bucket(None), 0, 100_000), 100_000);
        assert_eq!(bucket(Some(0)).count(Time(0)).unwrap_err().kind(), Kind::PlanLimit);
    }

    #[test]
    fn a_clock_set_back_holds_nobody_for_more_than_a_minute() {
        let mut b = bucket(Some(60));
        passes(&mut b, 10_000_000_000, 60);
        assert_eq!(passes(&mut b, 1_000_000, 1), 0);
        assert_eq!(passes(&mut b, 1_060_000, 100), 60);
    }
}
