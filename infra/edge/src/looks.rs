//! A table in memory follows what is written down, and whoever misses something in it waits for a look that began after they asked.

use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// Longest wait for a look: the database may be away.
const LOOK_TIME: Duration = Duration::from_secs(3);

#[derive(Default)]
pub struct Looks {
    /// Looks that were asked for.
    asked: AtomicU64,
    wanted: Notify,
    /// The newest of them that is done.
    looked: watch::Sender<u64>,
}

/// A look at what is written down, begun before it was read.
pub struct Look(u64);

impl Looks {
    /// Ends when somebody waits for a look.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }
    /// To be called before what is written down is read.
    pub fn begin(&self) -> Look {
        Look(self.asked.load(SeqCst))
    }
    /// The table is what that look found.
    pub fn done(&self, look: Look) {
        self.looked.send_if_modified(|done| std::mem::replace(done, look.0.max(*done)) < look.0);
    }

    /// Waits, three seconds at most, until a look that begins after this call is done.
    pub async fn fresh(&self) {
        let (number, mut looked) = (self.asked.fetch_add(1, SeqCst) + 1, self.looked.subscribe());
        self.wanted.notify_one();
        let _ = tokio::time::timeout(LOOK_TIME, looked.wait_for(|done| *done >= number)).await;
    }
}
