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
    counted: Option<IpAddr>,
    per_address: usize,
    addresses: Counts,
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
    /// A place that belongs to no address yet; `None` when all are taken.
    pub fn take(&self) -> Option<Place> {
        let permit = self.all.clone().try_acquire_owned().ok()?;
        Some(Place { _permit: permit, counted: None, per_address: self.per_address, addresses: self.addresses.clone() })
    }
}

impl Place {
    /// Counts the place as one of `ip`'s; false: that address has its share already. This machine is not counted.
    pub fn belongs_to(&mut self, ip: IpAddr) -> bool {
        if ip.to_canonical().is_loopback() {
            return true;
        }
        let key = network(ip);
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let open = addresses.entry(key).or_default();
        if *open >= self.per_address {
            return false;
        }
        *open += 1;
        self.counted = Some(key);
        true
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
        if let Some(key) = &self.counted {
            let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
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

    fn place(places: &Places, ip: &str) -> Option<Place> {
        places.take().and_then(|mut place| place.belongs_to(ip.parse().unwrap()).then_some(place))
    }

    #[test]
    fn an_address_gets_its_share_and_no_more() {
        let places = Places::new(100, 2);
        let first = place(&places, "203.0.113.1");
        let _second = place(&places, "203.0.113.1").unwrap();
        assert!(place(&places, "203.0.113.1").is_none());
        assert!(place(&places, "203.0.113.2").is_some());
        drop(first);
        assert!(place(&places, "203.0.113.1").is_some());
    }

    #[test]
    fn one_ipv6_household_counts_once() {
        let places = Places::new(100, 1);
        let _one = place(&places, "2001:db8:0:1::1").unwrap();
        assert!(place(&places, "2001:db8:0:1:ffff::2").is_none());
        assert!(place(&places, "2001:db8:0:2::1").is_some());
    }

    #[test]
    fn all_together_are_bounded() {
        let places = Places::new(1, 9);
        let held = place(&places, "203.0.113.1");
        assert!(place(&places, "203.0.113.2").is_none());
        drop(held);
        assert!(place(&places, "203.0.113.2").is_some());
    }
}
