//! How a limit says no: which one, how much of it there is, how much is used, and when it starts anew.

use kernel::{Fault, Time};

/// A refusal for the customer. Doors answer `OverQuota` with 402, `TooLarge` with 413, the others with 403.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaRefused {
    #[error("{}", over_quota(.dimension, *.limit, *.used, *.resets_at))]
    OverQuota {
        /// `sends` (messages to one recipient each), `stored_bytes` or `own_domains`.
        dimension: &'static str,
        limit: i64,
        used: i64,
        /// When the allowance starts anew; `None` where waiting does not help.
        resets_at: Option<Time>,
    },
    #[error("A message goes to at most {limit} recipients on your plan. Split it, or choose a larger plan.")]
    TooManyRecipients { limit: i64 },
    #[error("A message holds at most {} on your plan. Remove or shrink an attachment.", bytes(*.limit))]
    TooLarge { limit: i64 },
    #[error(
        "A message is kept at most {limit_days} days on your plan, the time before it leaves included. Choose an earlier expiry, or let it leave sooner."
    )]
    LifeTooLong { limit_days: i64 },
    #[error("Your plan has no domains of your own. A larger plan has some.")]
    NoDomains,
}

impl QuotaRefused {
    /// The limit's name in the API: `sends`, `stored_bytes`, `recipients`, `message_bytes`, `life_days`, `own_domains`.
    pub fn dimension(&self) -> &'static str {
        match self {
            QuotaRefused::OverQuota { dimension, .. } => dimension,
            QuotaRefused::TooManyRecipients { .. } => "recipients",
            QuotaRefused::TooLarge { .. } => "message_bytes",
            QuotaRefused::LifeTooLong { .. } => "life_days",
            QuotaRefused::NoDomains => "own_domains",
        }
    }
    pub fn limit(&self) -> i64 {
        match self {
            QuotaRefused::OverQuota { limit, .. } | QuotaRefused::TooManyRecipients { limit } | QuotaRefused::TooLarge { limit } => *limit,
            QuotaRefused::LifeTooLong { limit_days } => *limit_days,
            QuotaRefused::NoDomains => 0,
        }
    }
    /// What is used so far; `None` for limits of a single message.
    pub fn used(&self) -> Option<i64> {
        match self {
            QuotaRefused::OverQuota { used, .. } => Some(*used),
            _ => None,
        }
    }
    pub fn resets_at(&self) -> Option<Time> {
        match self {
            QuotaRefused::OverQuota { resets_at, .. } => *resets_at,
            _ => None,
        }
    }
}

/// A reservation that was not made: refused, or a fault of ours (which refuses too).
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Quota(#[from] QuotaRefused),
    #[error(transparent)]
    Fault(#[from] Fault),
}

fn over_quota(dimension: &str, limit: i64, used: i64, resets_at: Option<Time>) -> String {
    if dimension == "stored_bytes" {
        return format!(
            "Your plan stores {}, and {} are in use. Retract or wait out older messages, or choose a larger plan.",
            bytes(limit),
            bytes(used)
        );
    }
    if dimension == "own_domains" {
        let (domains, own) = (if limit == 1 { "one domain" } else { "domains" }, "of your own");
        let has = if limit == 1 { format!("{domains} {own}") } else { format!("{limit} {domains} {own}") };
        return format!("Your plan has {has}, and you have {used}. Remove one that is not used any more, or choose a larger plan.");
    }
    let left = (limit - used).max(0);
    let have = match (limit, left) {
        (0, _) => "Your plan has no sends".to_owned(),
        (_, 0) => format!("All {limit} sends of this month are used"),
        (_, left) => format!("Only {left} of {limit} sends of this month are left"),
    };
    match resets_at {
        Some(at) if limit > 0 => format!("{have}. The next {limit} come on {}. A larger plan has more.", at.utc().format("%-d %B %Y")),
        _ => format!("{have}. A larger plan has more."),
    }
}

/// Bytes for people, in the unit that reads shortest: `250 MiB`, `1.5 GiB`.
fn bytes(n: i64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n.max(0) as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let text = format!("{value:.1}");
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_names_its_limit_in_a_sentence() {
        let at = Time::parse("2026-12-01T00:00:00Z");
        let over = |limit, used| QuotaRefused::OverQuota { dimension: "sends", limit, used, resets_at: at };
        assert_eq!(
            over(10, 10).to_string(),
            "All 10 sends of this month are used. The next 10 come on 1 December 2026. A larger plan has more."
        );
        assert!(over(10, 8).to_string().starts_with("Only 2 of 10 sends of this month are left."));
        assert_eq!(over(0, 0).to_string(), "Your plan has no sends. A larger plan has more.");
        let stored = QuotaRefused::OverQuota { dimension: "stored_bytes", limit: 250 << 20, used: 3 << 29, resets_at: None };
        assert!(stored.to_string().starts_with("Your plan stores 250 MiB, and 1.5 GiB are in use."));
        let domains = |limit, used| QuotaRefused::OverQuota { dimension: "own_domains", limit, used, resets_at: None }.to_string();
        assert!(domains(1, 1).starts_with("Your plan has one domain of your own, and you have 1. Remove one"), "{}", domains(1, 1));
        assert!(domains(10, 12).starts_with("Your plan has 10 domains of your own, and you have 12."), "{}", domains(10, 12));
        assert!(QuotaRefused::TooLarge { limit: 25 << 20 }.to_string().contains("25 MiB"));
    }

    #[test]
    fn the_getters_agree_with_the_refusal() {
        let over = QuotaRefused::OverQuota { dimension: "sends", limit: 10, used: 7, resets_at: Some(Time(5)) };
        assert_eq!((over.dimension(), over.limit(), over.used(), over.resets_at()), ("sends", 10, Some(7), Some(Time(5))));
        let life = QuotaRefused::LifeTooLong { limit_days: 30 };
        assert_eq!((life.dimension(), life.limit(), life.used(), life.resets_at()), ("life_days", 30, None, None));
        assert_eq!(QuotaRefused::TooManyRecipients { limit: 5 }.dimension(), "recipients");
        assert_eq!(QuotaRefused::TooLarge { limit: 5 }.dimension(), "message_bytes");
    }
}
