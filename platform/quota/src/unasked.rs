//! Mail that nobody asked for: how much of it one address gets, from all tenants together.
//!
//! What would surprise you: the counters belong to no tenant, and nobody is told how they stand. A sender whose letter waits learns
//! that it waits, not whose letters went before it.

use kernel::{EmailAddress, Fault, Time};
use std::time::Duration;
use store::{Brake, Counted, Db};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Letters to one address that never consented, over all tenants, in windows that begin with the first letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnaskedMail {
    pub an_hour: i64,
    pub a_day: i64,
}

impl Default for UnaskedMail {
    fn default() -> UnaskedMail {
        UnaskedMail { an_hour: 5, a_day: 20 }
    }
}

impl UnaskedMail {
    /// No brakes: for a demo, or a machine whose senders are all known.
    pub const UNLIMITED: UnaskedMail = UnaskedMail { an_hour: i64::MAX, a_day: i64::MAX };

    /// Takes a place for one letter. `Some`: there is none before this time. A counter that cannot be read is a fault, and then
    /// nothing is mailed.
    pub async fn take(&self, db: &Db, to: &EmailAddress) -> Result<Option<Time>, Fault> {
        if *self == UnaskedMail::UNLIMITED {
            return Ok(None);
        }
        match db.front_desk().brakes(&self.counted(to)).await? {
            Brake::Free { .. } => Ok(None),
            Brake::Held { until } => Ok(Some(until)),
        }
    }

    /// The letter did not leave after all.
    pub async fn give_back(&self, db: &Db, to: &EmailAddress) -> Result<(), Fault> {
        if *self == UnaskedMail::UNLIMITED {
            return Ok(());
        }
        db.front_desk().give_back(&self.counted(to)).await
    }

    fn counted(&self, to: &EmailAddress) -> [Counted; 2] {
        let named = |window: &str| format!("unasked mail, {window}: {}", to.mailbox());
        [Counted { name: named("day"), limit: self.a_day, window: DAY }, Counted { name: named("hour"), limit: self.an_hour, window: HOUR }]
    }
}
