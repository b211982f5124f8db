//! How long to wait after an order came to nothing, and when to renew.

use kernel::{Chance, Time};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
/// Of a name that the CA refused: 1, 3, 9, 27 minutes and so on, so that an hour sees no more than five (Let's Encrypt's limit).
const FIRST: Duration = Duration::from_secs(60);
const GROWTH: u32 = 3;
/// While the CA is away everybody waits, at most so long.
const AWAY_FIRST: Duration = Duration::from_secs(5);
const AWAY_MOST: Duration = Duration::from_secs(15 * 60);
/// Even if the new certificate should have been renewed already (clocks that disagree).
const RENEWAL_LEAST: Duration = Duration::from_secs(3_600);

/// After the `tries`th refusal in a row (from 1): growing to a day.
pub fn after_refusal(tries: u32, chance: &Chance) -> Duration {
    jittered(FIRST.saturating_mul(GROWTH.saturating_pow(tries.saturating_sub(1))).min(DAY), chance)
}

/// After the `times`th time in a row (from 1) that the CA did not answer.
pub fn while_away(times: u32, chance: &Chance) -> Duration {
    jittered(AWAY_FIRST.saturating_mul(2_u32.saturating_pow(times.saturating_sub(1))).min(AWAY_MOST), chance)
}

/// Three quarters of `most` to all of it.
pub fn jittered(most: Duration, chance: &Chance) -> Duration {
    let quarter = u64::try_from(most.as_millis() / 4).unwrap_or(u64::MAX).max(1);
    most.saturating_sub(Duration::from_millis(chance.below(quarter)))
}

/// With a third of its life left, a little earlier by chance, so that what was ordered together is not renewed together.
pub fn renew_at(not_before: Time, not_after: Time, now: Time, chance: &Chance) -> Time {
    let life = not_after.since(not_before);
    let early = Duration::from_millis(chance.below(u64::try_from(life.as_millis() / 30).unwrap_or(u64::MAX).max(1)));
    not_after.minus(life / 3 + early).max(now.plus(RENEWAL_LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(m: u64) -> Duration {
        Duration::from_secs(m * 60)
    }
    fn about(most: Duration, pause: Duration) {
        assert!(pause <= most && pause >= most * 3 / 4, "{pause:?} is not about {most:?}");
    }

    #[test]
    fn pauses_grow_to_a_day_and_no_further() {
        let chance = Chance::seeded(1);
        for (tries, most) in [(0, 1), (1, 1), (2, 3), (3, 9), (4, 27), (5, 81), (8, 1_440), (9, 1_440), (u32::MAX, 1_440)] {
            about(minutes(most), after_refusal(tries, &chance));
        }
        about(AWAY_FIRST, while_away(1, &chance));
        about(AWAY_FIRST * 4, while_away(3, &chance));
        about(AWAY_MOST, while_away(u32::MAX, &chance));
        let many: std::collections::HashSet<_> = (0..50).map(|_| after_refusal(9, &chance)).collect();
        assert!(many.len() > 40, "names that failed together are not tried together");
    }

    #[test]
    fn five_tries_of_a_name_are_all_that_an_hour_sees() {
        // The shortest that the pauses can be.
        let times: Vec<Duration> =
            (1..6).scan(Duration::ZERO, |at, n| Some(std::mem::replace(at, *at + FIRST * 3_u32.pow(n - 1) * 3 / 4))).collect();
        assert!(times.len() == 5 && times[4] + FIRST * 81 * 3 / 4 > minutes(60), "{times:?}");
    }

    #[test]
    fn renewal_comes_with_a_third_of_life_left() {
        let (chance, from) = (Chance::seeded(1), Time(1_790_000_000_000));
        for days in [90, 6] {
            let at = renew_at(from, from.plus_days(days), from, &chance);
            let left = from.plus_days(days).since(at).as_secs_f64() / (days * 86_400) as f64;
            assert!((0.333..0.367).contains(&left), "{left}");
        }
        let late = from.plus_days(80);
        assert_eq!(renew_at(from, from.plus_days(90), late, &chance), late.plus(RENEWAL_LEAST), "never in a tight loop");
    }
}
