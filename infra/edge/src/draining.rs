//! Whether the server is on its way out.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Set once; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on `/ready` answers 503.
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
    pub fn begun(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
