//! What every act of one open database shares: clock, chance, keys, blobs, the shelf, and tenants' keys in their open form.

use crate::{Ground, Shelf, connection::Connection, entity::tenant};
use kernel::{Fault, TenantId};
use keys::{TenantKey, WrappedTenantKey};
use moka::sync::Cache;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use std::time::Duration;

const TENANTS_REMEMBERED: u64 = 10_000;
/// A tenant's key never changes, only its wrapping does; after this long it is read again all the same.
const KEY_REMEMBERED: Duration = Duration::from_secs(60);

pub(crate) struct House {
    pub ground: Ground,
    pub shelf: Shelf,
    keys: Cache<TenantId, TenantKey>,
}

impl House {
    pub fn new(ground: Ground) -> House {
        let keys = Cache::builder().max_capacity(TENANTS_REMEMBERED).time_to_live(KEY_REMEMBERED).build();
        House { ground, shelf: Shelf::new(), keys }
    }

    /// The tenant's key, if it was opened a moment ago.
    pub fn known_key(&self, id: TenantId) -> Option<TenantKey> {
        self.keys.get(&id)
    }

    /// Fault: there is no such tenant, or its key does not open.
    pub async fn tenant_key(&self, connection: &Connection, id: TenantId) -> Result<TenantKey, Fault> {
        match self.known_key(id) {
            Some(key) => Ok(key),
            // On the heap: each act and read would be as large as this, and it is rare.
            None => Box::pin(self.read_key(connection, id)).await,
        }
    }

    async fn read_key(&self, connection: &Connection, id: TenantId) -> Result<TenantKey, Fault> {
        let find = tenant::Entity::find().filter(tenant::Column::TenantId.eq(id.0)).build(connection.backend());
        let row = connection.one::<tenant::Model>(find).await?.ok_or_else(|| Fault::other(format!("there is no tenant {id}")))?;
        let wrapped = WrappedTenantKey { version: row.key_version, bytes: row.key_wrapped };
        let key = self.ground.roots.open_tenant_key(id, &wrapped)?;
        // A row that is not committed yet is its own act's alone, and that one knows its key (`FrontDesk::found`).
        self.keys.insert(id, key.clone());
        Ok(key)
    }
}
