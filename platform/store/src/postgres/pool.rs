//! The pool. Every connection of it starts with `role=countersign_app` and bounds on how long a statement may take.

use super::{abroad::Abroad, walls};
use crate::{fault, herald::Herald};
use kernel::{Chance, Fault, FaultKind};
use sqlx::{
    ConnectOptions, Connection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

/// The role that every runtime connection acts as. It cannot log in, and owns nothing.
pub(crate) const RUNTIME_ROLE: &str = "countersign_app";
/// How long an act waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Pg {
    pub pool: PgPool,
    abroad: Abroad,
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
        // One connection by itself first: the pool would say no more than that it timed out.
        let refused = |e| fault::of_pg(&format!("PostgreSQL does not let us in as {RUNTIME_ROLE}; has `countersign migrate` run?"), e);
        match tokio::time::timeout(PATIENCE, options.connect()).await {
            Ok(first) => first.map_err(refused)?.close().await.map_err(refused)?,
            Err(_) => return Err(Fault::new(FaultKind::Unavailable, "PostgreSQL did not answer within 10 seconds")),
        }
        let pool = PgPoolOptions::new()
            .max_connections(connections.max(2))
            .acquire_timeout(PATIENCE)
            // A broken connection shows in the first statement, and PATIENCE covers the reconnect.
            .test_before_acquire(false)
            .connect_with(options)
            .await
            .map_err(refused)?;
        walls::check(&pool).await?;
        let (abroad, herald) = Abroad::start(pool.clone(), chance).await?;
        Ok((Pg { pool, abroad }, herald))
    }

    pub async fn close(&self) {
        self.abroad.stop();
        self.pool.close().await;
    }
}

/// The options in the address, as its login role; statements are not logged, they hold customers' data.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, Fault> {
    PgConnectOptions::from_str(url)
        .map(|o| o.application_name("countersign").disable_statement_logging())
        .map_err(|e| Fault::from_error(FaultKind::Other, "this is not a PostgreSQL address", e))
}
