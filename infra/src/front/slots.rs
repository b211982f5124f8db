//! Requests that are worked on at one time, in all and of one address: a request holds its slot while its body arrives, and somebody who
//! sends slowly must not hold them all. When all are taken, the body that arrives slowest is given up for whoever comes.

use edge::Arrivals;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A host is usually given so many bits of an IPv6 address (RFC 6177 §2).
const IPV6_NETWORK: u32 = 64;
/// For a request that was given up to be answered.
const ROOM_TIME: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(super) struct Slots {
    all: Arc<Semaphore>,
    each: usize,
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    arrivals: Arrivals,
}

/// Given back when dropped.
pub(super) struct Slot {
    _one: OwnedSemaphorePermit,
    _share: Option<Share>,
}

/// One of those that an address has.
struct Share {
    of: Slots,
    network: IpAddr,
}

impl Slots {
    /// `each`: of one address. This machine, from where a proxy may come, is not counted by address.
    pub(super) fn new(all: usize, each: usize, arrivals: Arrivals) -> Slots {
        Slots { all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))), each, held: Arc::default(), arrivals }
    }
    /// `None`: all are taken, or all that this address may have.
    pub(super) async fn take(&self, from: Option<IpAddr>) -> Option<Slot> {
        let network = from.map(network).filter(|ip| !ip.is_loopback());
        let share = match network {
            Some(network) => Some(self.share(network)?),
            None => None,
        };
        let one = match self.all.clone().try_acquire_owned() {
            Ok(one) => one,
            Err(_) if self.arrivals.give_up_slowest() => {
                tokio::time::timeout(ROOM_TIME, self.all.clone().acquire_owned()).await.ok()?.ok()?
            }
            Err(_) => return None,
        };
        Some(Slot { _one: one, _share: share })
    }
    fn share(&self, network: IpAddr) -> Option<Share> {
        let mut held = self.held();
        let count = held.entry(network).or_default();
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some(Share { of: self.clone(), network })
    }
    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.of.held();
        if let Some(count) = held.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.network);
            }
        }
    }
}

fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> (128 - IPV6_NETWORK) << (128 - IPV6_NETWORK)))
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    async fn take(slots: &Slots, text: &str) -> Option<Slot> {
        slots.take(ip(text)).await
    }

    #[tokio::test]
    async fn one_address_leaves_slots_for_the_others() {
        let slots = Slots::new(4, 2, Arrivals::default());
        let mut hers = vec![take(&slots, "192.0.2.1").await.unwrap(), take(&slots, "192.0.2.1").await.unwrap()];
        assert!(take(&slots, "192.0.2.1").await.is_none() && take(&slots, "::ffff:192.0.2.1").await.is_none());
        let _his = take(&slots, "192.0.2.2").await.unwrap();
        hers.pop();
        let _again = take(&slots, "192.0.2.1").await.unwrap();
        let last = take(&slots, "192.0.2.3").await.unwrap();
        assert!(take(&slots, "192.0.2.4").await.is_none(), "four in all");
        drop((hers, last));
        assert_eq!(slots.all.available_permits(), 2);
        assert_eq!(slots.held().len(), 2, "nothing is kept of who holds none");
    }

    #[tokio::test]
    async fn neighbours_in_one_ipv6_network_are_one_and_this_machine_is_not_counted() {
        let slots = Slots::new(9, 1, Arrivals::default());
        let _one = take(&slots, "2001:db8::1").await.unwrap();
        assert!(take(&slots, "2001:db8::2").await.is_none());
        let _two = take(&slots, "2001:db8:0:1::2").await.unwrap();
        let mut local = Vec::new();
        for text in ["127.0.0.1", "127.0.0.1", "::1", "::1"] {
            local.push(take(&slots, text).await);
        }
        assert!(local.iter().all(Option::is_some));
    }
}
