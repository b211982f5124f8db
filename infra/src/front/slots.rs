//! Requests that are worked on at one time, in all and of one address: a request holds its slot while its body arrives, and somebody who
//! sends slowly must not hold them all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A host is usually given so many bits of an IPv6 address (RFC 6177 §2).
const IPV6_NETWORK: u32 = 64;

#[derive(Clone)]
pub(super) struct Slots {
    all: Arc<Semaphore>,
    each: usize,
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// Given back when dropped.
pub(super) struct Slot {
    _one: OwnedSemaphorePermit,
    of: Option<(Slots, IpAddr)>,
}

impl Slots {
    /// `each`: of one address. This machine, from where a proxy may come, is not counted by address.
    pub(super) fn new(all: usize, each: usize) -> Slots {
        Slots { all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))), each, held: Arc::default() }
    }
    /// `None`: all are taken, or all that this address may have.
    pub(super) fn take(&self, from: Option<IpAddr>) -> Option<Slot> {
        let one = self.all.clone().try_acquire_owned().ok()?;
        let Some(network) = from.map(network).filter(|ip| !ip.is_loopback()) else { return Some(Slot { _one: one, of: None }) };
        let mut held = self.held();
        let count = held.entry(network).or_default();
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some(Slot { _one: one, of: Some((self.clone(), network)) })
    }
    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some((slots, network)) = &self.of else { return };
        let mut held = slots.held();
        if let Some(count) = held.get_mut(network) {
            *count -= 1;
            if *count == 0 {
                held.remove(network);
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

    #[test]
    fn one_address_leaves_slots_for_the_others() {
        let slots = Slots::new(4, 2);
        let mut hers: Vec<Slot> = (0..2).map(|_| slots.take(ip("192.0.2.1")).unwrap()).collect();
        assert!(slots.take(ip("192.0.2.1")).is_none() && slots.take(ip("::ffff:192.0.2.1")).is_none());
        let _his = slots.take(ip("192.0.2.2")).unwrap();
        hers.pop();
        let _again = slots.take(ip("192.0.2.1")).unwrap();
        let last = slots.take(ip("192.0.2.3")).unwrap();
        assert!(slots.take(ip("192.0.2.4")).is_none(), "four in all");
        drop((hers, last));
        assert_eq!(slots.all.available_permits(), 2);
        assert_eq!(slots.held().len(), 2, "nothing is kept of who holds none");
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_and_this_machine_is_not_counted() {
        let slots = Slots::new(9, 1);
        let _one = slots.take(ip("2001:db8::1")).unwrap();
        assert!(slots.take(ip("2001:db8::2")).is_none() && slots.take(ip("2001:db8:0:1::2")).is_some());
        let local: Vec<_> = ["127.0.0.1", "127.0.0.1", "::1", "::1"].iter().map(|text| slots.take(ip(text))).collect();
        assert!(local.iter().all(Option::is_some));
    }
}
