//! Times, sizes and counts as people say them. Times are UTC here; a script on the page turns them into the reader's own zone.

use askama::filters::HtmlSafe;
use kernel::Time;
use quota::{Limits, Usage};
use std::fmt;

/// A moment as `<time>`: "yesterday 17:02" to read, the exact UTC instant on hover and for machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    at: Time,
    words: String,
    /// How the page's script says it again in the reader's zone: `near`, `exact`, `full`.
    manner: &'static str,
}

impl When {
    /// Near days by their name, others by date: "today 09:14", "yesterday 17:02", "Monday 08:00", "23 November", "3 May 2024".
    pub fn near(at: Time, now: Time) -> When {
        When { at, words: near(at, now), manner: "near" }
    }
    /// For a register: "22 Nov 17:02:11".
    pub fn exact(at: Time) -> When {
        When { at, words: at.utc().format("%-d %b %H:%M:%S").to_string(), manner: "exact" }
    }
    /// For what is still to come, to the minute: "1 December 2026 09:30 UTC".
    pub fn full(at: Time) -> When {
        When { at, words: at.utc().format("%-d %B %Y %H:%M UTC").to_string(), manner: "full" }
    }
    /// Without the element, for plain text.
    pub fn words(&self) -> &str {
        &self.words
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (exact, machine) = (self.at.utc().format("%-d %B %Y %H:%M:%S UTC"), self.at.rfc3339());
        write!(f, r#"<time datetime="{machine}" title="{exact}" data-manner="{}">{}</time>"#, self.manner, self.words)
    }
}
/// Digits, month names and words of ours alone.
impl HtmlSafe for When {}

fn near(at: Time, now: Time) -> String {
    let (then, today) = (at.utc(), now.utc().date_naive());
    let days = (today - then.date_naive()).num_days();
    let clock = then.format("%H:%M");
    match days {
        0 => format!("today {clock}"),
        1 => format!("yesterday {clock}"),
        -1 => format!("tomorrow {clock}"),
        2..=6 => format!("{} {clock}", then.format("%A")),
        _ if then.format("%Y").to_string() == now.utc().format("%Y").to_string() => then.format("%-d %B").to_string(),
        _ => then.format("%-d %B %Y").to_string(),
    }
}

/// Bytes in the unit that reads shortest: "1.4 MiB".
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return count(bytes as i64, "byte", "bytes");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let text = format!("{value:.1}");
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), UNITS[unit])
}

/// With thousands apart: "1,312".
pub fn number(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::from(if n < 0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 file", "2 files".
pub fn count(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// "8 of 10 sends left".
pub fn sends_left(usage: &Usage) -> String {
    match (usage.sends_left(), usage.limits.sends) {
        (Some(left), Some(limit)) => format!("{} of {} left", number(left), count(limit, "send", "sends")),
        _ => "no limit on sends".to_owned(),
    }
}

/// What a plan gives: "10 sends a month", "any number of sends".
pub fn sends_a_month(limits: &Limits) -> String {
    limits.sends.map_or("any number of sends".to_owned(), |n| format!("{} a month", count(n, "send", "sends")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    #[test]
    fn days_nearby_have_names() {
        let now = at("2026-11-24T10:00:00Z"); // a Tuesday
        let said = |text| When::near(at(text), now).words().to_owned();
        assert_eq!(said("2026-11-24T09:14:02Z"), "today 09:14");
        assert_eq!(said("2026-11-23T17:02:11Z"), "yesterday 17:02");
        assert_eq!(said("2026-11-20T08:00:00Z"), "Friday 08:00");
        assert_eq!(said("2026-11-17T08:00:00Z"), "17 November");
        assert_eq!(said("2025-11-24T08:00:00Z"), "24 November 2025");
        assert_eq!(said("2026-11-25T08:00:00Z"), "tomorrow 08:00");
        assert_eq!(said("2026-12-24T08:00:00Z"), "24 December");
    }

    #[test]
    fn a_moment_carries_its_exact_instant() {
        let html = When::exact(at("2026-11-22T17:02:11.5Z")).to_string();
        assert_eq!(
            html,
            r#"<time datetime="2026-11-22T17:02:11.500Z" title="22 November 2026 17:02:11 UTC" data-manner="exact">22 Nov 17:02:11</time>"#
        );
    }

    #[test]
    fn sizes_and_numbers_read_well() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(1024), "1 KiB");
        assert_eq!(size(1_468_006), "1.4 MiB");
        assert_eq!(size(1 << 30), "1 GiB");
        assert_eq!(number(1312), "1,312");
        assert_eq!(number(-1_000_000), "-1,000,000");
        assert_eq!(count(1, "file", "files"), "1 file");
    }
}
