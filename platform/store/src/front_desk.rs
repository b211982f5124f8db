//! The front desk: the one file that looks at rows without knowing the tenant yet. It turns a credential into a `Caller`.

use crate::{Caller, Db, Origin, TenantTx};
use kernel::{EmailAddress, Fault, MailedLinkId, MemberId, TenantId, Time};
use keys::Token;
use std::time::Duration;

/// Turns credentials into callers.
pub struct FrontDesk<'d> {
    db: &'d Db,
}

/// A tenant as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    pub id: TenantId,
    pub name: String,
    /// active, suspended, closed.
    pub state: String,
    pub plan: String,
    pub created_at: Time,
    /// The first owner's address; empty if there is none.
    pub owner_email: String,
}

/// What a brake answers; a fault must be read as held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brake {
    /// This use counts; so many are left in the window.
    Free { left: i64 },
    /// Too many; free again at this time.
    Held { until: Time },
}

impl FrontDesk<'_> {
    /// A signed-in browser: session alive, member and tenant active, epoch equal. Revocation is seen within a second.
    pub async fn session(&self, token: &Token, origin: Origin) -> Result<Option<Caller>, Fault> {
        let _ = (self.db, token, origin);
        todo!()
    }
    /// An API key: not revoked, member and tenant active.
    pub async fn api_key(&self, token: &Token, origin: Origin) -> Result<Option<Caller>, Fault> {
        let _ = (token, origin);
        todo!()
    }
    /// A pickup link. Works whatever the tenant's state: recipients never pay.
    pub async fn pickup(&self, token: &Token, origin: Origin) -> Result<Option<Caller>, Fault> {
        let _ = (token, origin);
        todo!()
    }
    /// A link mailed to a member; spent or not, expired or not is for the room to decide.
    pub async fn mailed_link(&self, token: &Token, origin: Origin) -> Result<Option<(Caller, MailedLinkId)>, Fault> {
        let _ = (token, origin);
        todo!()
    }
    /// Everybody with this address, with a caller (System) and the tenant's name, for signing in.
    pub async fn members_with(&self, email: &EmailAddress, origin: Origin) -> Result<Vec<(Caller, MemberId, String)>, Fault> {
        let _ = (email, origin);
        todo!()
    }
    /// Founds a tenant with a key of its own and runs `f` as its System caller, all in one act.
    pub async fn found<T, E, F>(&self, name: &str, plan: &str, origin: Origin, f: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut TenantTx) -> Result<T, E> + Clone,
        E: From<Fault>,
    {
        let _ = (name, plan, origin, f);
        todo!()
    }
    /// For jobs and the operator's commands.
    pub fn system(&self, tenant: TenantId) -> Caller {
        let _ = tenant;
        todo!()
    }
    /// Tenants in the order of their ids, after `after`.
    pub async fn tenants(&self, after: Option<TenantId>, limit: u64) -> Result<Vec<TenantRow>, Fault> {
        let _ = (after, limit);
        todo!()
    }
    /// Suspends or restores; `false`: no such tenant.
    pub async fn set_tenant_state(&self, id: TenantId, state: &str) -> Result<bool, Fault> {
        let _ = (id, state);
        todo!()
    }
    /// Counts one use of `name` (hashed before it is stored) against `limit` in fixed windows.
    pub async fn brake(&self, name: &str, limit: i64, window: Duration) -> Result<Brake, Fault> {
        let _ = (name, limit, window);
        todo!()
    }
}
