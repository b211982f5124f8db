//! Handshakes that are worked on at one time. Each holds a turn until its client has done its part; when all are held, those whose clients take
//! long over it are given up for whoever comes.
//!
//! What would surprise you: a client that answers promptly is never given up, however many wait.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    time::Instant,
};

/// Three round trips over a satellite.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks of one who waits.
const LOOK: Duration = Duration::from_millis(250);

pub struct Turns {
    free: Semaphore,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// The oldest first.
    turns: BTreeMap<u64, (Instant, Arc<Notify>)>,
    next: u64,
}

/// Given back when dropped.
pub struct Turn<'t> {
    of: &'t Turns,
    number: u64,
    given_up: Arc<Notify>,
    _free: SemaphorePermit<'t>,
}

impl Turns {
    pub fn new(most: usize) -> Turns {
        Turns { free: Semaphore::new(most), held: Mutex::default() }
    }

    /// A turn, as soon as there is one.
    pub async fn take(&self) -> Turn<'_> {
        loop {
            match tokio::time::timeout(LOOK, self.free.acquire()).await {
                Ok(Ok(free)) => return self.begin(free),
                Ok(Err(_)) => std::future::pending().await,
                Err(_) => self.give_up_oldest(),
            }
        }
    }

    fn begin<'t>(&'t self, free: SemaphorePermit<'t>) -> Turn<'t> {
        let (mut held, given_up) = (self.held(), Arc::<Notify>::default());
        let number = held.next;
        held.next += 1;
        held.turns.insert(number, (Instant::now(), given_up.clone()));
        Turn { of: self, number, given_up, _free: free }
    }

    fn give_up_oldest(&self) {
        let mut held = self.held();
        if held.turns.first_key_value().is_some_and(|(_, (since, _))| since.elapsed() >= PATIENCE)
            && let Some((_, (_, given_up))) = held.turns.pop_first()
        {
            given_up.notify_one();
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Ends when somebody else is to have it.
    pub async fn given_up(&self) {
        self.given_up.notified().await;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.of.held().turns.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_gets_the_turn_of_one_that_takes_long_and_nobody_else_is_given_up() {
        let turns = Turns::new(2);
        let began = Instant::now();
        let slow = turns.take().await;
        tokio::time::advance(Duration::from_secs(1)).await;
        let quick = turns.take().await;
        let hold = async |turn: Turn<'_>| {
            turn.given_up().await;
            began.elapsed()
        };
        let (gone, third) = tokio::join!(hold(slow), turns.take());
        assert!(gone >= PATIENCE && gone < PATIENCE + 2 * LOOK, "{gone:?}");
        assert!(tokio::time::timeout(Duration::ZERO, quick.given_up()).await.is_err());
        drop((quick, third));
        assert!(turns.held().turns.is_empty());
        let _alone = (turns.take().await, turns.take().await);
        assert!(tokio::time::timeout(Duration::from_secs(60), _alone.0.given_up()).await.is_err(), "nobody waits");
    }
}
