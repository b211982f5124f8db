//! Time comes from here: one instant an act, in milliseconds, so that rows and evidence agree.

use chrono::{DateTime, SecondsFormat, Utc};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds smeared as the operating system does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// RFC 3339 in UTC with milliseconds: `2026-11-23T09:14:02.123Z`.
    pub fn rfc3339(self) -> String {
        self.utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }
    /// For formatting; out-of-range values (none are made here) become the epoch.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }
    pub fn plus(self, d: Duration) -> Time {
        Time(self.0.saturating_add(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }
    pub fn minus(self, d: Duration) -> Time {
        Time(self.0.saturating_sub(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }
    pub fn plus_days(self, days: i64) -> Time {
        Time(self.0.saturating_add(days.saturating_mul(86_400_000)))
    }
    /// Time from `earlier` to `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
    /// Parses RFC 3339.
    pub fn parse(text: &str) -> Option<Time> {
        DateTime::parse_from_rfc3339(text).ok().map(|t| Time(t.timestamp_millis()))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// The clock of the house: the system's, or a stopped one that a test moves by hand. Clones share the hand.
#[derive(Clone, Debug)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    pub fn system() -> Clock {
        Clock(None)
    }
    pub fn stopped(at: Time) -> Clock {
        Clock(Some(Arc::new(AtomicI64::new(at.0))))
    }
    #[allow(clippy::disallowed_methods)] // the one place that asks
    pub fn now(&self) -> Time {
        match &self.0 {
            None => Time(Utc::now().timestamp_millis()),
            Some(hand) => Time(hand.load(Ordering::SeqCst)),
        }
    }
    /// Moves a stopped clock; the system's clock does not move for us.
    pub fn advance(&self, by: Duration) {
        if let Some(hand) = &self.0 {
            hand.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
    pub fn is_stopped(&self) -> bool {
        self.0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_by_hand() {
        let clock = Clock::stopped(Time(1_000));
        assert_eq!(clock.now(), Time(1_000));
        clock.clone().advance(Duration::from_secs(2));
        assert_eq!(clock.now(), Time(3_000));
    }

    #[test]
    fn rfc3339_is_read_and_written() {
        assert_eq!(Time(1_795_454_042_123).rfc3339(), "2026-11-23T17:14:02.123Z");
        assert_eq!(Time::parse("2026-11-23T17:14:02.123Z"), Some(Time(1_795_454_042_123)));
        assert_eq!(Time::parse("yesterday"), None);
    }
}
