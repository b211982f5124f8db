//! The pool. Every connection of it starts with `role=countersign_app` and bounds on how long a statement may take.
//!
//! What would surprise you: sqlx's own pool asks every connection that comes back whether it still answers, a round trip more for each
//! transaction; here a dead one shows when it is used, and the next is tried.

use super::{abroad::Abroad, walls};
use crate::{fault, herald::Herald};
use deadpool::{
    Runtime,
    managed::{Manager, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult},
};
use kernel::{Chance, Fault, FaultKind};
use sqlx::{
    ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

/// The role that every runtime connection acts as. It cannot log in, and owns nothing.
pub(crate) const RUNTIME_ROLE: &str = "countersign_app";
/// How long an act waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// After which a connection is replaced: what the server keeps for each one grows.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

pub(crate) type Pool = deadpool::managed::Pool<Opener>;
/// A connection in use. It goes back as it is when this is dropped.
pub(super) type Lent = Object<Opener>;

pub(crate) struct Pg {
    pub pool: Pool,
    abroad: Abroad,
}

pub(crate) struct Opener {
    options: PgConnectOptions,
}

impl Manager for Opener {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        // On the heap: whatever touches the database would be as large as this, also where there is no PostgreSQL, and it is moved often.
        Box::pin(self.options.connect()).await
    }
    async fn recycle(&self, _: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() < LIFETIME { Ok(()) } else { Err(RecycleError::message("it is old")) }
    }
}

impl Pg {
    /// Connects, checks the role and the walls, and begins to listen to other processes.
    pub async fn open(url: &str, connections: u32, chance: &Chance) -> Result<(Pg, Herald), Fault> {
        let options = options(url)?.options([
            ("role", RUNTIME_ROLE),
            ("statement_timeout", "8s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "15s"),
        ]);
        // One connection by itself first: a pool would say no more than that it timed out.
        let refused = |e| fault::of_pg(&format!("PostgreSQL does not let us in as {RUNTIME_ROLE}; has `countersign migrate` run?"), e);
        let mut first = match tokio::time::timeout(PATIENCE, options.connect()).await {
            Ok(first) => first.map_err(refused)?,
            Err(_) => return Err(Fault::new(FaultKind::Unavailable, "PostgreSQL did not answer within 10 seconds")),
        };
        walls::check(&mut first).await?;
        first.close().await.map_err(refused)?;
        // sqlx's listener wants a pool of its own kind, to come back by itself.
        let listening = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).connect_lazy_with(options.clone());
        // One of them listens.
        let pool = pool(options, connections.saturating_sub(1).max(1) as usize)?;
        let (abroad, herald) = Abroad::start(&listening, pool.clone(), chance).await?;
        Ok((Pg { pool, abroad }, herald))
    }

    pub fn close(&self) {
        self.abroad.stop();
        self.pool.close();
    }
}

pub(crate) fn pool(options: PgConnectOptions, connections: usize) -> Result<Pool, Fault> {
    Pool::builder(Opener { options })
        .max_size(connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(PATIENCE))
        .create_timeout(Some(PATIENCE))
        // Those used last are the warmest.
        .queue_mode(QueueMode::Lifo)
        .build()
        .map_err(|e| Fault::from_error(FaultKind::Other, "making a pool", e))
}

pub(super) async fn lend(pool: &Pool) -> Result<Lent, Fault> {
    pool.get().await.map_err(|error| match error {
        PoolError::Backend(error) => fault::of_pg("connecting", error),
        other => Fault::from_error(FaultKind::Unavailable, "waiting for a connection", other),
    })
}

/// The options in the address, as its login role; statements are not logged, they hold customers' data.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, Fault> {
    PgConnectOptions::from_str(url)
        .map(|o| o.application_name("countersign").disable_statement_logging())
        .map_err(|e| Fault::from_error(FaultKind::Other, "this is not a PostgreSQL address", e))
}
