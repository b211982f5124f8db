//! The moment from which open connections begin nothing new: looked at with every request, so looking takes no lock.

use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture, WaitForCancellationFutureOwned};

/// Set once.
#[derive(Default)]
pub struct Closing {
    begun: AtomicBool,
    token: CancellationToken,
}

impl Closing {
    pub fn begin(&self) {
        // Whoever is woken by the token sees it.
        self.begun.store(true, Ordering::SeqCst);
        self.token.cancel();
    }
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }
    pub fn wait(&self) -> WaitForCancellationFuture<'_> {
        self.token.cancelled()
    }
    pub fn wait_owned(&self) -> WaitForCancellationFutureOwned {
        self.token.clone().cancelled_owned()
    }
}
