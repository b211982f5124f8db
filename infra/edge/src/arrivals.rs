//! Bodies of requests that are arriving, so that whoever needs room can have the slowest of them given up.
//!
//! What would surprise you: only waiting for the peer counts, and only what came too slowly for a poor line is ever given up. While there is
//! room, a body may be as slow as `paced` lets it be.

use futures_util::task::AtomicWaker;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::Waker,
    time::Duration,
};
use tokio::time::Instant;

/// Every body is left alone for so long ...
const YOUNG: Duration = Duration::from_secs(3);
/// ... and one that comes at this pace for good: a telephone at the edge of its network.
const STEADY_BYTES_PER_SECOND: u64 = 16 * 1_024;

/// Clones share the list.
#[derive(Clone, Default)]
pub struct Arrivals(Arc<Inner>);

#[derive(Default)]
struct Inner {
    list: Mutex<HashMap<u64, Arc<Arrival>>>,
    next: AtomicU64,
}

#[derive(Default)]
struct Arrival {
    came: Mutex<Came>,
    given_up: AtomicBool,
    waker: AtomicWaker,
}

#[derive(Clone, Copy, Default)]
struct Came {
    bytes: u64,
    /// For the peer, without the wait that goes on.
    waited: Duration,
    since: Option<Instant>,
}

/// One body; over when this is dropped.
pub(crate) struct Arriving {
    of: Arrivals,
    number: u64,
    arrival: Arc<Arrival>,
}

impl Arrivals {
    pub(crate) fn begin(&self) -> Arriving {
        let (number, arrival) = (self.0.next.fetch_add(1, Relaxed), Arc::<Arrival>::default());
        self.list().insert(number, arrival.clone());
        Arriving { of: self.clone(), number, arrival }
    }

    /// Ends the wait for the one that came slowest. `false`: all of them make their way.
    pub fn give_up_slowest(&self) -> bool {
        let now = Instant::now();
        let list = self.list();
        let slow = list.values().filter(|one| !one.given_up.load(Relaxed)).filter_map(|one| Some((one.pace(now)?, one)));
        let Some((_, slowest)) = slow.min_by_key(|(pace, _)| *pace) else { return false };
        slowest.given_up.store(true, Relaxed);
        slowest.waker.wake();
        true
    }

    fn list(&self) -> MutexGuard<'_, HashMap<u64, Arc<Arrival>>> {
        self.0.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival {
    fn came(&self) -> MutexGuard<'_, Came> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Bytes a second, of one that may be given up.
    fn pace(&self, now: Instant) -> Option<u64> {
        let Came { bytes, waited, since } = *self.came();
        let waited = waited + since.map_or(Duration::ZERO, |since| now - since);
        let pace = bytes * 1_000 / u64::try_from(waited.as_millis()).unwrap_or(u64::MAX).max(1);
        (waited >= YOUNG && pace < STEADY_BYTES_PER_SECOND).then_some(pace)
    }
}

impl Arriving {
    pub(crate) fn got(&self, bytes: u64) {
        let mut came = self.arrival.came();
        came.bytes += bytes;
        if let Some(since) = came.since.take() {
            came.waited += since.elapsed();
        }
    }
    /// The peer is waited for; whether the wait was given up. Wakes when it is.
    pub(crate) fn waits(&self, waker: &Waker) -> bool {
        self.arrival.came().since.get_or_insert_with(Instant::now);
        self.arrival.waker.register(waker);
        self.arrival.given_up.load(Relaxed)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.of.list().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }
    fn given_up(one: &Arriving) -> bool {
        one.waits(Waker::noop())
    }

    #[tokio::test(start_paused = true)]
    async fn the_slowest_goes_first_and_who_makes_their_way_stays() {
        let arrivals = Arrivals::default();
        let all: Vec<Arriving> = (0..4).map(|_| arrivals.begin()).collect();
        let [steady, slow, slowest, busy] = &all[..] else { unreachable!() };
        assert!([steady, slow, slowest].iter().all(|one| !given_up(one)));
        after(2).await;
        assert!(!arrivals.give_up_slowest(), "they have just begun");
        after(2).await;
        steady.got(4 * STEADY_BYTES_PER_SECOND);
        slow.got(2_000);
        slowest.got(1_000);
        assert!(arrivals.give_up_slowest());
        assert!(given_up(slowest) && !given_up(slow));
        assert!(arrivals.give_up_slowest());
        assert!(given_up(slow));
        after(60).await;
        assert!(!given_up(busy), "nobody has asked for its bytes, so it is we who are slow");
        steady.got(64 * STEADY_BYTES_PER_SECOND);
        assert!(!arrivals.give_up_slowest());
        drop(all);
        assert!(arrivals.list().is_empty());
    }
}
