//! How many tries ended how, since the start of the process.

use crate::Outcome;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One counter for each outcome.
#[derive(Debug, Default)]
pub struct Tally {
    taken: AtomicU64,
    refused_for_now: AtomicU64,
    refused_for_good: AtomicU64,
    unknown: AtomicU64,
}

impl Tally {
    pub(crate) fn count(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Relayed(_) => &self.taken,
            Outcome::TryLater(_) => &self.refused_for_now,
            Outcome::Failed(_) => &self.refused_for_good,
            Outcome::Unknown(_) => &self.unknown,
        };
        counter.fetch_add(1, Relaxed);
    }
    /// `taken`: the relay took the mail; it does not say that it arrived. `refused_for_now` counts each try, also without an answer.
    pub fn counts(&self) -> [(&'static str, u64); 4] {
        [
            ("taken", self.taken.load(Relaxed)),
            ("refused_for_now", self.refused_for_now.load(Relaxed)),
            ("refused_for_good", self.refused_for_good.load(Relaxed)),
            ("unknown", self.unknown.load(Relaxed)),
        ]
    }
}
