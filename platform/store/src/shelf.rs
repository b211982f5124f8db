//! A small cache of what every request of a tenant needs (plan limits and the like), one value a type.

use kernel::TenantId;
use moka::sync::Cache;
use std::{
    any::{Any, TypeId},
    sync::Arc,
    time::{Duration, Instant},
};

const VALUES: u64 = 50_000;
const OLDEST: Duration = Duration::from_secs(600);

/// Values by tenant and type. Cheap to clone; clones share the shelf.
#[derive(Clone)]
pub struct Shelf {
    values: Cache<(TenantId, TypeId), Kept>,
}

/// The value repeats the tenant: a mix-up of keys would give nothing rather than a neighbour's value.
#[derive(Clone)]
struct Kept {
    tenant: TenantId,
    since: Instant,
    value: Arc<dyn Any + Send + Sync>,
}

impl Shelf {
    pub(crate) fn new() -> Shelf {
        Shelf { values: Cache::builder().max_capacity(VALUES).time_to_live(OLDEST).build() }
    }
    /// The tenant's `T`, if one was put there less than `max_age` ago. Ages by real time, not by the house's clock.
    pub fn get<T: Any + Send + Sync>(&self, tenant: TenantId, max_age: Duration) -> Option<Arc<T>> {
        let kept = self.values.get(&(tenant, TypeId::of::<T>()))?;
        let fresh = kept.tenant == tenant && kept.since.elapsed() < max_age;
        if fresh { kept.value.downcast().ok() } else { None }
    }
    pub fn put<T: Any + Send + Sync>(&self, tenant: TenantId, value: Arc<T>) {
        self.values.insert((tenant, TypeId::of::<T>()), Kept { tenant, since: Instant::now(), value });
    }
    pub fn forget<T: Any + Send + Sync>(&self, tenant: TenantId) {
        self.values.invalidate(&(tenant, TypeId::of::<T>()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_value_is_one_tenants_and_of_one_type() {
        let (shelf, a, b) = (Shelf::new(), TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let long = Duration::from_secs(60);
        shelf.put(a, Arc::new(7_i64));
        assert_eq!(shelf.get::<i64>(a, long).as_deref(), Some(&7));
        assert_eq!(shelf.get::<i64>(b, long), None);
        assert_eq!(shelf.get::<u8>(a, long), None);
        assert_eq!(shelf.get::<i64>(a, Duration::ZERO), None);
        shelf.forget::<i64>(a);
        assert_eq!(shelf.get::<i64>(a, long), None);
    }
}
