//! PostgreSQL: a pool of connections that act as a role which owns nothing, and row-level security as the second wall.

mod abroad;
mod along;
mod pool;
mod transaction;
mod walls;

pub(crate) use pool::{Pg, Pool, RUNTIME_ROLE, options, pool};
pub(crate) use transaction::{PgTransaction, Reach};

/// What `app.tenant` is set to where no tenant is known yet: no tenant has it, so the tenants' own policies show nothing.
pub(crate) const NOBODY: uuid::Uuid = uuid::Uuid::nil();
