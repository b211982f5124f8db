//! The database: opened once, then acts and reads.

use crate::{Blobs, Caller, FrontDesk, Jobs, TenantRead, TenantTx};
use kernel::{Chance, Clock, Fault, MessageId, TenantId};
use keys::RootKeys;
use std::path::PathBuf;
use tokio::sync::broadcast;

/// What the store stands on.
#[derive(Clone)]
pub struct Ground {
    pub clock: Clock,
    pub chance: Chance,
    pub roots: RootKeys,
    pub blobs: Blobs,
}

/// Where the rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
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
pub struct Db {
    _p: (),
}

impl Database {
    /// Reads `sqlite:/path/file.db` or `postgres://…`; the latter may end in `?connections=N`.
    pub fn parse(url: &str) -> Result<Database, Fault> {
        let _ = url;
        todo!()
    }
}

impl Db {
    /// Opens and checks: every pragma, or the role and the policies. Does not migrate.
    pub async fn open(database: &Database, ground: Ground) -> Result<Db, Fault> {
        let _ = (database, ground);
        todo!()
    }
    /// Brings the schema up to date; answers what was applied.
    pub async fn migrate(database: &Database) -> Result<Vec<String>, Fault> {
        let _ = database;
        todo!()
    }
    pub async fn pending_migrations(database: &Database) -> Result<Vec<String>, Fault> {
        let _ = database;
        todo!()
    }
    /// One business act: all of `f` or nothing, durable when this answers `Ok`. May run `f` again (PostgreSQL, serialization failure).
    pub async fn act<T, E, F>(&self, who: &Caller, f: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut TenantTx) -> Result<T, E> + Clone,
        E: From<Fault>,
    {
        let _ = (who, f);
        todo!()
    }
    /// One snapshot of the tenant's rows.
    pub async fn read<T, E, F>(&self, who: &Caller, f: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&TenantRead) -> Result<T, E>,
        E: From<Fault>,
    {
        let _ = (who, f);
        todo!()
    }
    pub fn clock(&self) -> &Clock {
        todo!()
    }
    pub fn chance(&self) -> &Chance {
        todo!()
    }
    pub fn roots(&self) -> &RootKeys {
        todo!()
    }
    pub fn blobs(&self) -> &Blobs {
        todo!()
    }
    pub fn front_desk(&self) -> FrontDesk<'_> {
        todo!()
    }
    pub fn jobs(&self) -> Jobs<'_> {
        todo!()
    }
    /// Changes from now on, of this process and (PostgreSQL) of the others.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        todo!()
    }
    pub async fn ping(&self) -> Result<(), Fault> {
        todo!()
    }
    pub async fn close(&self) {
        todo!()
    }
    pub fn stats(&self) -> Stats {
        todo!()
    }
}
