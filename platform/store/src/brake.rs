//! Brakes: counters in the database that every process shares, for guesses and floods. A fault must be read as held.
//!
//! A brake belongs to no tenant: it brakes addresses and networks. Its name is hashed with a key of ours before it is stored.

use crate::{FrontDesk, herald::News, postgres::Reach};
use kernel::{Fault, Time};
use sea_orm::FromQueryResult;
use std::time::Duration;

/// One use in so many sweeps away counters whose window is over.
const SWEEP_ONE_IN: u64 = 128;

const COUNT: &str = "INSERT INTO brake (name_hash, ends_at, count) VALUES ($1, $2, 1)
    ON CONFLICT (name_hash) DO UPDATE SET
        count = CASE WHEN brake.ends_at <= $3 THEN 1 WHEN brake.count > $4 THEN brake.count ELSE brake.count + 1 END,
        ends_at = CASE WHEN brake.ends_at <= $3 THEN excluded.ends_at ELSE brake.ends_at END
    RETURNING count, ends_at";
const SWEEP: &str = "DELETE FROM brake WHERE ends_at <= $1";

/// What a brake answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brake {
    /// This use counts; so many are left in the window.
    Free { left: i64 },
    /// Too many; free again at this time.
    Held { until: Time },
}

#[derive(FromQueryResult)]
struct Counter {
    count: i64,
    ends_at: i64,
}

impl FrontDesk<'_> {
    /// Counts one use of `name` against `limit` in fixed windows; a window begins with the first use.
    pub async fn brake(&self, name: &str, limit: i64, window: Duration) -> Result<Brake, Fault> {
        let db = self.db();
        let now = db.clock().now();
        let hash = keys::mac(&db.roots().derive("brakes"), &[name.as_bytes()]);
        let sweep = db.chance().below(SWEEP_ONE_IN) == 0;
        let counted = db.across(&Reach::Nobody, News::default(), async |rows| {
            if sweep {
                rows.run(rows.words(SWEEP, [now.0.into()])).await?;
            }
            let values = [hash.to_vec().into(), now.plus(window).0.into(), now.0.into(), limit.into()];
            rows.one::<Counter>(rows.words(COUNT, values)).await
        });
        let counter = counted.await?.ok_or_else(|| Fault::other("a brake did not count"))?;
        Ok(match limit - counter.count {
            left if left >= 0 => Brake::Free { left },
            _ => Brake::Held { until: Time(counter.ends_at) },
        })
    }
}
