//! Brakes: counters in the database that every process shares, for guesses and floods. A fault must be read as held.
//!
//! A brake belongs to no tenant: it brakes addresses and networks. Its name is hashed with a key of ours before it is stored.

use crate::{FrontDesk, connection::Connection, herald::News, postgres::Reach};
use kernel::{Fault, Time};
use sea_orm::{FromQueryResult, Value};
use std::time::Duration;

/// One use in so many sweeps away counters whose window is over.
const SWEEP_ONE_IN: u64 = 128;

const COUNT: &str = "INSERT INTO brake (name_hash, ends_at, count) VALUES ($1, $2, 1)
    ON CONFLICT (name_hash) DO UPDATE SET
        count = CASE WHEN brake.ends_at <= $3 THEN 1 WHEN brake.count > $4 THEN brake.count ELSE brake.count + 1 END,
        ends_at = CASE WHEN brake.ends_at <= $3 THEN excluded.ends_at ELSE brake.ends_at END
    RETURNING count, ends_at";
const GIVE_BACK: &str = "UPDATE brake SET count = count - 1 WHERE name_hash = $1 AND ends_at > $2 AND count > 0";
const SWEEP: &str = "DELETE FROM brake WHERE ends_at <= $1";

/// What a brake answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brake {
    /// This use counts; so many are left in the window.
    Free { left: i64 },
    /// Too many, so this one does not count; free again at this time.
    Held { until: Time },
}

/// So many uses of a name in a window that begins with the first.
#[derive(Clone, Debug)]
pub struct Counted {
    pub name: String,
    pub limit: i64,
    pub window: Duration,
}

#[derive(FromQueryResult)]
struct Counter {
    count: i64,
    ends_at: i64,
}

impl FrontDesk<'_> {
    /// Counts one use of `name` against `limit` in fixed windows; a window begins with the first use.
    pub async fn brake(&self, name: &str, limit: i64, window: Duration) -> Result<Brake, Fault> {
        self.brakes(&[Counted { name: name.to_owned(), limit, window }]).await
    }

    /// Counts one use of each name, or of none if one of them holds.
    pub async fn brakes(&self, names: &[Counted]) -> Result<Brake, Fault> {
        let db = self.db();
        let now = db.clock().now();
        let sweep = db.chance().below(SWEEP_ONE_IN) == 0;
        db.across(&Reach::Nobody, News::default(), async |rows| {
            if sweep {
                rows.run(rows.words(SWEEP, [now.0.into()])).await?;
            }
            let mut left = i64::MAX;
            for (n, counted) in names.iter().enumerate() {
                let counter = self.count(rows, counted, now).await?;
                if counter.count > counted.limit {
                    for taken in &names[..=n] {
                        rows.run(rows.words(GIVE_BACK, [self.hashed(&taken.name), now.0.into()])).await?;
                    }
                    return Ok(Brake::Held { until: Time(counter.ends_at) });
                }
                left = left.min(counted.limit - counter.count);
            }
            Ok(Brake::Free { left })
        })
        .await
    }

    /// Takes one use of each name back: it came to nothing.
    pub async fn give_back(&self, names: &[Counted]) -> Result<(), Fault> {
        let db = self.db();
        let now = db.clock().now();
        db.across(&Reach::Nobody, News::default(), async |rows| {
            for taken in names {
                rows.run(rows.words(GIVE_BACK, [self.hashed(&taken.name), now.0.into()])).await?;
            }
            Ok(())
        })
        .await
    }

    async fn count(&self, rows: &Connection, counted: &Counted, now: Time) -> Result<Counter, Fault> {
        let values = [self.hashed(&counted.name), now.plus(counted.window).0.into(), now.0.into(), counted.limit.into()];
        rows.one::<Counter>(rows.words(COUNT, values)).await?.ok_or_else(|| Fault::other("a brake did not count"))
    }

    fn hashed(&self, name: &str) -> Value {
        keys::mac(&self.db().roots().derive("brakes"), &[name.as_bytes()]).to_vec().into()
    }
}
