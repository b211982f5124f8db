//! How a job ends that mailed one letter for which nobody waits at a page, or can ask for another one there.

use crate::Outcome;
use kernel::JobEnd;
use std::time::Duration;

/// First pause after a letter that was not taken; it doubles with each try.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

impl Outcome {
    /// A letter refused for good is done; one that may have been taken goes again under the same Message-ID. `attempts` counts from 1.
    pub fn job_end(self, attempts: i64) -> JobEnd {
        let again = |why: String| JobEnd::Again { after: pause(attempts), why };
        match self {
            Outcome::Relayed(_) => JobEnd::Done,
            Outcome::Failed(answer) => {
                tracing::info!(code = answer.code, "the letter was refused");
                JobEnd::Done
            }
            Outcome::TryLater(why) => again(why.to_string()),
            Outcome::Unknown(why) => again(why),
        }
    }
}

/// How long a job waits that has been tried `attempts` times, counted from 1: 30 seconds to an hour.
pub fn pause(attempts: i64) -> Duration {
    let doublings = attempts.saturating_sub(1).clamp(0, 16);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        assert_eq!([1, 2, 3].map(pause), [30, 60, 120].map(Duration::from_secs));
        assert_eq!([8, 100, i64::MAX].map(pause), [LONGEST_PAUSE; 3]);
        assert_eq!(pause(0), FIRST_PAUSE);
    }
}
