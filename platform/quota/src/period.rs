//! When a month of allowance ends: on the tenant's billing day, clamped to the month's last day, in UTC.
//!
//! What would surprise you: each end is counted from the founding, not from the end before, so that a tenant founded
//! on the 31st has 28 February and then 31 March, not 28 March.

use chrono::{DateTime, Datelike, Months, Utc};
use kernel::Time;

/// The first end of a period after `now`, for a tenant founded at `founded`. Always later than `now`.
pub(crate) fn next_end(founded: Time, now: Time) -> Time {
    let start = founded.utc();
    let mut months = months_between(start, now.utc()).max(1);
    loop {
        let end = start.checked_add_months(Months::new(months)).map_or(Time(i64::MAX), |t| Time(t.timestamp_millis()));
        if end > now {
            return end;
        }
        months += 1;
    }
}

/// Whole months of the calendar between two instants, never too many: the months' numbers subtracted, less one.
fn months_between(from: DateTime<Utc>, to: DateTime<Utc>) -> u32 {
    let count = |t: DateTime<Utc>| i64::from(t.year()) * 12 + i64::from(t.month0());
    u32::try_from(count(to) - count(from) - 1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(founded: &str, now: &str) -> String {
        let time = |text| Time::parse(text).unwrap();
        next_end(time(founded), time(now)).rfc3339()
    }

    #[test]
    fn a_tenant_of_the_31st_turns_on_the_last_day_of_shorter_months() {
        let founded = "2027-01-31T10:00:00Z";
        assert_eq!(end(founded, founded), "2027-02-28T10:00:00.000Z");
        assert_eq!(end(founded, "2027-02-28T10:00:00Z"), "2027-03-31T10:00:00.000Z");
        assert_eq!(end(founded, "2027-03-31T10:00:00Z"), "2027-04-30T10:00:00.000Z");
        assert_eq!(end(founded, "2028-02-01T00:00:00Z"), "2028-02-29T10:00:00.000Z");
    }

    #[test]
    fn an_ordinary_day_stays_the_same_day() {
        assert_eq!(end("2026-11-23T17:14:02.123Z", "2026-11-23T17:14:02.123Z"), "2026-12-23T17:14:02.123Z");
        assert_eq!(end("2026-11-23T17:14:02.123Z", "2026-12-23T17:14:02.122Z"), "2026-12-23T17:14:02.123Z");
        assert_eq!(end("2026-11-23T17:14:02.123Z", "2026-12-23T17:14:02.123Z"), "2027-01-23T17:14:02.123Z");
    }

    #[test]
    fn years_of_silence_are_skipped_in_one_step() {
        assert_eq!(end("2026-01-31T00:00:00Z", "2036-06-15T00:00:00Z"), "2036-06-30T00:00:00.000Z");
    }

    #[test]
    fn a_clock_set_back_before_the_founding_still_gives_an_end() {
        assert_eq!(end("2026-05-10T00:00:00Z", "2026-01-01T00:00:00Z"), "2026-06-10T00:00:00.000Z");
    }
}
