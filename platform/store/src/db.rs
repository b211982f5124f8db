//! The database: opened once, then acts and reads.

use crate::{
    Blobs, Disk, FrontDesk, Jobs,
    credentials::Credentials,
    herald::Herald,
    house::House,
    lite::Lite,
    migration,
    postgres::{Pg, Reach},
};
use kernel::{Chance, Clock, Fault, MessageId, TenantId};
use keys::RootKeys;
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};
use tokio::sync::broadcast;
use uuid::Uuid;

/// What the store stands on.
#[derive(Clone)]
pub struct Ground {
    pub clock: Clock,
    pub chance: Chance,
    pub roots: RootKeys,
    pub blobs: Blobs,
    pub disk: Disk,
}

/// Where the rows are.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    Sqlite { path: PathBuf },
    Postgres { url: String, connections: u32 },
}

/// Something about a message is new; sent after the commit, and lossy: whoever hears it reads again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub tenant: TenantId,
    pub message: MessageId,
}

/// Counted since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Durable commits.
    pub commits: u64,
    /// Acts that were kept; on SQLite several share a commit.
    pub acts: u64,
    /// Acts that wait for the writer now (SQLite).
    pub writer_waiting: u64,
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db(pub(crate) Arc<Open>);

pub(crate) struct Open {
    pub engine: Engine,
    pub house: Arc<House>,
    pub herald: Herald,
    credentials: Credentials,
    /// Commits on PostgreSQL, one an act; SQLite's writer counts its own.
    pub pg_commits: AtomicU64,
    turn: Mutex<Uuid>,
}

pub(crate) enum Engine {
    Lite(Lite),
    Pg(Pg),
}

impl Db {
    /// Opens and checks: every pragma, or the role and the policies. Does not migrate, and refuses a database that was not.
    pub async fn open(database: &Database, ground: Ground) -> Result<Db, Fault> {
        let (engine, herald) = match database {
            Database::Sqlite { path } => {
                let herald = Herald::new(None);
                (Engine::Lite(Lite::open(path, herald.clone())?), herald)
            }
            Database::Postgres { url, connections } => {
                let (pg, herald) = Pg::open(url, *connections, &ground.chance).await?;
                (Engine::Pg(pg), herald)
            }
        };
        let house = Arc::new(House::new(ground));
        let (credentials, turn) = (Credentials::new(), Mutex::default());
        let db = Db(Arc::new(Open { engine, house, herald, credentials, pg_commits: AtomicU64::new(0), turn }));
        let pending = db.across_read(&Reach::Nobody, async |rows| migration::pending(rows).await).await?;
        if pending.is_empty() {
            Ok(db)
        } else {
            Err(Fault::other(format!("the database lacks {}; run `countersign migrate`", pending.join(", "))))
        }
    }
    /// Brings the schema up to date, on PostgreSQL as the owner in the address; answers what was applied.
    pub async fn migrate(database: &Database) -> Result<Vec<String>, Fault> {
        migration::migrate(database).await
    }
    /// What `migrate` would apply.
    pub async fn pending_migrations(database: &Database) -> Result<Vec<String>, Fault> {
        migration::pending_of(database).await
    }

    pub fn clock(&self) -> &Clock {
        &self.0.house.ground.clock
    }
    pub fn chance(&self) -> &Chance {
        &self.0.house.ground.chance
    }
    pub fn roots(&self) -> &RootKeys {
        &self.0.house.ground.roots
    }
    pub fn blobs(&self) -> &Blobs {
        &self.0.house.ground.blobs
    }
    pub fn disk(&self) -> &Disk {
        &self.0.house.ground.disk
    }
    pub fn front_desk(&self) -> FrontDesk<'_> {
        FrontDesk::new(self)
    }
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs::new(self)
    }
    /// Changes from now on, of this process and (PostgreSQL) of the others.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.herald.changes()
    }
    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.across_read(&Reach::Nobody, async |rows| migration::pending(rows).await.map(|_| ())).await
    }
    /// SQLite: empties the log, so that what was deleted or overwritten is nowhere in the database's files any more (pages are cleared as
    /// they are freed). Nothing is done on PostgreSQL: its VACUUM gives the room to other rows, in its time.
    pub async fn forget_deleted(&self) {
        if let Engine::Lite(lite) = &self.0.engine {
            lite.writer.empty_log().await;
        }
    }
    /// Commits what is open; acts and reads fail from now on.
    pub async fn close(&self) {
        match &self.0.engine {
            Engine::Lite(lite) => lite.close().await,
            Engine::Pg(pg) => pg.close(),
        }
    }
    pub fn stats(&self) -> Stats {
        match &self.0.engine {
            Engine::Lite(lite) => Stats { commits: lite.writer.commits(), acts: lite.writer.acts(), writer_waiting: lite.writer.waiting() },
            Engine::Pg(_) => {
                let commits = self.0.pg_commits.load(SeqCst);
                Stats { commits, acts: commits, writer_waiting: 0 }
            }
        }
    }

    pub(crate) fn herald(&self) -> &Herald {
        &self.0.herald
    }
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }
    /// The tenant after which the next claim of jobs goes on.
    pub(crate) fn turn(&self) -> &Mutex<Uuid> {
        &self.0.turn
    }
}
