//! What the doors and the site behind them know of each other.

use crate::{Arrivals, Draining};

/// Given to both. Clones are the same.
#[derive(Clone, Default)]
pub struct Shared {
    /// The doors say it, the site's `/ready` tells it.
    pub draining: Draining,
    /// The doors keep the list, the site makes room with it.
    pub arrivals: Arrivals,
}
