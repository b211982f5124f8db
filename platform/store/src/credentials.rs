//! What the front desk remembers of credentials, for at most a second, and not past a change of any of them in this process.

use crate::Who;
use kernel::{TenantId, Time};
use moka::sync::Cache;
use std::time::Duration;

const REMEMBERED: u64 = 100_000;
/// Another process may revoke without our hearing of it; this is how long we may go on.
const LONGEST: Duration = Duration::from_secs(1);

/// A credential that was found good.
#[derive(Clone)]
pub(crate) struct Known {
    pub tenant: TenantId,
    pub who: Who,
    /// Sessions end; keys do not.
    pub expires_at: Option<Time>,
    /// When its use was last written down.
    pub seen_at: Time,
    /// `Herald::credentials` before the rows were read: if it has gone up since, they may have changed.
    pub as_of: u64,
}

pub(crate) struct Credentials(Cache<[u8; 32], Known>);

impl Credentials {
    pub fn new() -> Credentials {
        Credentials(Cache::builder().max_capacity(REMEMBERED).time_to_live(LONGEST).build())
    }
    pub fn get(&self, token_hash: &[u8; 32], as_of: u64) -> Option<Known> {
        self.0.get(token_hash).filter(|known| known.as_of == as_of)
    }
    pub fn put(&self, token_hash: [u8; 32], known: Known) {
        self.0.insert(token_hash, known);
    }
}
