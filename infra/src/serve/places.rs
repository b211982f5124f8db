//! How many connections are open, in all and of one address.

use std::{
    collections::HashMap,
    future::Future,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Open connections of each address that has any.
type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Room for connections. When it is full, new ones wait in the kernel's queue; one address over its share is hung up on.
pub struct Places {
    all: Arc<Semaphore>,
    per_address: usize,
    addresses: Counts,
}

/// One open connection; its place is free again when this is dropped.
pub struct Place {
    _permit: OwnedSemaphorePermit,
    counted: Option<(IpAddr, Counts)>,
}

impl Places {
    pub fn new(all: usize, per_address: usize) -> Places {
        Places { all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))), per_address, addresses: Arc::default() }
    }
    /// Runs `accept` once there is room.
    pub async fn room<T>(&self, accept: impl Future<Output = T>) -> T {
        let free = self.all.acquire().await.expect("the semaphore is never closed");
        drop(free);
        accept.await
    }
    /// A place for a connection from `ip`, unless it has its share. `uncounted`: a proxy, behind which many sit.
    pub fn take(&self, ip: IpAddr, uncounted: bool) -> Option<Place> {
        let permit = self.all.clone().try_acquire_owned().ok()?;
        let counted = if uncounted || ip.to_canonical().is_loopback() {
            None
        } else {
            let key = network(ip);
            let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            let open = addresses.entry(key).or_default();
            if *open >= self.per_address {
                return None;
            }
            *open += 1;
            drop(addresses);
            Some((key, self.addresses.clone()))
        };
        Some(Place { _permit: permit, counted })
    }
}

/// One household has an IPv6 /64, so that counts as one address.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => std::net::Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((key, addresses)) = &self.counted {
            let mut addresses = addresses.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(open) = addresses.get_mut(key) {
                *open -= 1;
                if *open == 0 {
                    addresses.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_its_share_and_no_more() {
        let places = Places::new(100, 2);
        let (a, b): (IpAddr, IpAddr) = ("203.0.113.1".parse().unwrap(), "203.0.113.2".parse().unwrap());
        let first = places.take(a, false);
        let _second = places.take(a, false).unwrap();
        assert!(places.take(a, false).is_none());
        assert!(places.take(b, false).is_some());
        drop(first);
        assert!(places.take(a, false).is_some());
    }

    #[test]
    fn one_ipv6_household_counts_once_and_a_proxy_never() {
        let places = Places::new(100, 1);
        let _one = places.take("2001:db8:0:1::1".parse().unwrap(), false).unwrap();
        assert!(places.take("2001:db8:0:1:ffff::2".parse().unwrap(), false).is_none());
        assert!(places.take("2001:db8:0:2::1".parse().unwrap(), false).is_some());
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let held: Vec<_> = (0..10).map(|_| places.take(proxy, true)).collect();
        assert!(held.iter().all(Option::is_some));
    }

    #[test]
    fn all_together_are_bounded() {
        let places = Places::new(1, 9);
        let held = places.take("203.0.113.1".parse().unwrap(), false);
        assert!(places.take("203.0.113.2".parse().unwrap(), false).is_none());
        drop(held);
        assert!(places.take("203.0.113.2".parse().unwrap(), false).is_some());
    }
}
