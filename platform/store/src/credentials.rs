//! What the front desk remembers of credentials, for at most a second, and not past a change of any of them in this process; and
//! whose a pickup link is, which never changes.

use crate::{Names, Who};
use kernel::{MessageId, RecipientId, TenantId, Time};
use moka::sync::Cache;
use std::{sync::Arc, time::Duration};

const REMEMBERED: u64 = 100_000;
/// Another process may revoke without our hearing of it; this is how long we may go on.
pub(crate) const REMEMBERED_FOR: Duration = Duration::from_secs(1);
/// Links remembered, about 150 bytes each.
const LINKS: u64 = 50_000;
/// A visit has several requests within minutes.
const LINK_IDLE: Duration = Duration::from_secs(600);

/// A credential that was found good.
#[derive(Clone)]
pub(crate) struct Known {
    pub tenant: TenantId,
    pub who: Who,
    pub names: Arc<Names>,
    /// The one host that a session is for; empty: the account host.
    pub host: Arc<str>,
    /// Sessions end; keys do not.
    pub expires_at: Option<Time>,
    /// When its use was last written down.
    pub seen_at: Time,
    /// `Herald::credentials` before the rows were read: if it has gone up since, they may have changed.
    pub as_of: u64,
}

/// Whose a pickup link is. It says nothing of what the link still opens: that is read each time.
#[derive(Clone, Copy)]
pub(crate) struct Addressee {
    pub tenant: TenantId,
    pub recipient: RecipientId,
    pub message: MessageId,
}

pub(crate) struct Credentials {
    known: Cache<[u8; 32], Known>,
    links: Cache<[u8; 32], Addressee>,
}

impl Credentials {
    pub fn new() -> Credentials {
        Credentials {
            known: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build(),
            links: Cache::builder().max_capacity(LINKS).time_to_idle(LINK_IDLE).build(),
        }
    }
    pub fn get(&self, token_hash: &[u8; 32], as_of: u64) -> Option<Known> {
        self.known.get(token_hash).filter(|known| known.as_of == as_of)
    }
    pub fn put(&self, token_hash: [u8; 32], known: Known) {
        self.known.insert(token_hash, known);
    }
    pub fn addressee(&self, token_hash: &[u8; 32]) -> Option<Addressee> {
        self.links.get(token_hash)
    }
    pub fn put_addressee(&self, token_hash: [u8; 32], addressee: Addressee) {
        self.links.insert(token_hash, addressee);
    }
}
