//! What an act and a read have in common: scoped finds, and the instant, caller, chance and keys that go with them.

use crate::{Blobs, Caller, Disk, Shelf, by_key, connection::Connection, entity::TenantOwned, house::House, statements::Find};
use kernel::{Chance, Fault, TenantId, Time};
use keys::TenantKey;
use std::sync::Arc;
use uuid::Uuid;

/// One tenant's rows as of one instant. A `TenantTx` derefs to it, so a function that takes `&TenantRead` serves both.
pub struct TenantRead {
    pub(crate) connection: Connection,
    house: Arc<House>,
    caller: Caller,
    now: Time,
    key: TenantKey,
}

impl TenantRead {
    /// Opens the tenant's key (unless it is known, as when a tenant is being founded) and looks at the clock.
    pub(crate) async fn begin(
        house: &Arc<House>,
        connection: Connection,
        caller: &Caller,
        key: Option<TenantKey>,
    ) -> Result<TenantRead, Fault> {
        let key = match key {
            Some(key) => key,
            None => house.tenant_key(&connection, caller.tenant()).await?,
        };
        Ok(TenantRead { connection, house: house.clone(), caller: caller.clone(), now: house.ground.clock.now(), key })
    }
    /// Rows of this tenant; filter, order and limit follow.
    pub fn find<E: TenantOwned>(&self) -> Find<'_, E> {
        Find::new(self)
    }
    /// The row of this tenant with this id.
    pub async fn get<E: TenantOwned>(&self, id: Uuid) -> Result<Option<E::Model>, Fault> {
        by_key::row::<E>(&self.connection, self.tenant(), Some(id), false).await
    }
    /// This tenant's row of a table that has one for each tenant.
    pub async fn own<E: TenantOwned>(&self) -> Result<Option<E::Model>, Fault> {
        by_key::row::<E>(&self.connection, self.tenant(), None, false).await
    }
    /// One instant for the whole act: rows and evidence agree.
    pub fn now(&self) -> Time {
        self.now
    }
    pub fn tenant(&self) -> TenantId {
        self.caller.tenant()
    }
    pub fn caller(&self) -> &Caller {
        &self.caller
    }
    pub fn chance(&self) -> &Chance {
        &self.house.ground.chance
    }
    /// The tenant's key, opened before the closure ran.
    pub fn keys(&self) -> &TenantKey {
        &self.key
    }
    pub fn blobs(&self) -> &Blobs {
        &self.house.ground.blobs
    }
    pub fn disk(&self) -> &Disk {
        &self.house.ground.disk
    }
    pub fn shelf(&self) -> &Shelf {
        &self.house.shelf
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::TenantRead {}
    impl Sealed for crate::TenantTx {}
}

/// For functions that serve an act and a read alike: `async fn get(look: &impl Look, id: MessageId)`.
pub trait Look: sealed::Sealed + Sync {
    fn view(&self) -> &TenantRead;
    fn find<E: TenantOwned>(&self) -> Find<'_, E> {
        self.view().find()
    }
    fn get<E: TenantOwned>(&self, id: Uuid) -> impl Future<Output = Result<Option<E::Model>, Fault>> + Send {
        self.view().get::<E>(id)
    }
    fn own<E: TenantOwned>(&self) -> impl Future<Output = Result<Option<E::Model>, Fault>> + Send {
        self.view().own::<E>()
    }
    fn now(&self) -> Time {
        self.view().now()
    }
    fn tenant(&self) -> TenantId {
        self.view().tenant()
    }
    fn caller(&self) -> &Caller {
        self.view().caller()
    }
    fn chance(&self) -> &Chance {
        self.view().chance()
    }
    fn keys(&self) -> &TenantKey {
        self.view().keys()
    }
    fn blobs(&self) -> &Blobs {
        self.view().blobs()
    }
    fn shelf(&self) -> &Shelf {
        self.view().shelf()
    }
}

impl Look for TenantRead {
    fn view(&self) -> &TenantRead {
        self
    }
}
impl Look for crate::TenantTx {
    fn view(&self) -> &TenantRead {
        self
    }
}
