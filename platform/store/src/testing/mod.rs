//! Databases for tests: a SQLite file of its own for each, or a database of its own in a PostgreSQL cluster that lives as long as
//! the test process.

mod free_port;
mod moto;
mod postgres;
mod rows;
mod small_disk;

use crate::{
    Blobs, Database, Db, Disk, Ground,
    lite::{Access, LiteConnection},
};
use kernel::{Chance, Clock, Fault, Time};
use keys::RootKeys;
use tempfile::TempDir;

pub use free_port::free_port;
pub use moto::Moto;
pub use postgres::Postgres;
pub use rows::{Row, Rows};
pub use small_disk::SmallDisk;

/// When every test begins, unless it says otherwise: 2026-11-23T17:14:02.123Z.
pub const START: Time = Time(1_795_454_042_123);

/// Rows and blobs of one test; gone when it is dropped.
pub struct TestDatabase {
    pub database: Database,
    pub dir: TempDir,
}

/// A migrated SQLite file.
pub async fn fresh_sqlite() -> TestDatabase {
    let dir = tempfile::tempdir().expect("tests have a temporary directory");
    migrated(Database::Sqlite { path: dir.path().join("test.db") }, dir).await
}

/// A migrated database in the process's PostgreSQL cluster.
pub async fn fresh_postgres() -> TestDatabase {
    fresh_on(Postgres::start()).await
}

/// A migrated database in that cluster.
pub async fn fresh_on(cluster: &Postgres) -> TestDatabase {
    let url = cluster.fresh_database().await;
    migrated(Database::Postgres { url, connections: 8 }, tempfile::tempdir().expect("tests have a temporary directory")).await
}

async fn migrated(database: Database, dir: TempDir) -> TestDatabase {
    Db::migrate(&database).await.expect("a fresh database can be migrated");
    TestDatabase { database, dir }
}

impl TestDatabase {
    /// A stopped clock, seeded chance, a fixed root key, blobs beside the database.
    pub fn ground(&self, seed: u64) -> Ground {
        let blobs = Blobs::local(&self.dir.path().join("blobs")).expect("the directory is ours");
        Ground {
            clock: Clock::stopped(START),
            chance: Chance::seeded(seed),
            roots: RootKeys::new(1, [7; 32]),
            blobs,
            disk: Disk::unwatched(),
        }
    }
    /// Says something to the database behind the server's back.
    pub async fn say(&self, sql: &str) {
        match &self.database {
            Database::Sqlite { path } => {
                LiteConnection::open(path, Access::Write).and_then(|lite| lite.batch(sql)).expect("the statement is right")
            }
            Database::Postgres { url, .. } => Postgres::start().admin_in(url, sql).await,
        }
    }
    pub async fn open(&self, seed: u64) -> Result<Db, Fault> {
        Db::open(&self.database, self.ground(seed)).await
    }
}
