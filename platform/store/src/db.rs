//! The database: opened once, then acts and reads.

use crate::{
    Blobs, Caller, FrontDesk, Jobs, TenantRead, TenantTx,
    connection::Connection,
    credentials::Credentials,
    herald::Herald,
    house::House,
    lite::Lite,
    migration,
    postgres::{Pg, PgTransaction, Reach},
};
use kernel::{Chance, Clock, Fault, FaultKind, MessageId, TenantId};
use keys::{RootKeys, TenantKey};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::sync::broadcast;

/// How long the closure of an act may take: on SQLite it keeps everybody else from writing.
pub const ACT_LIMIT: Duration = Duration::from_secs(5);
/// Times an act is run again after a serialization failure or deadlock (PostgreSQL).
const RETRIES: u32 = 3;
/// Pause before the first of them; each further one waits this much longer.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// What the store stands on.
#[derive(Clone)]
pub struct Ground {
    pub clock: Clock,
    pub chance: Chance,
    pub roots: RootKeys,
    pub blobs: Blobs,
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
pub struct Db(Arc<Open>);

struct Open {
    engine: Engine,
    house: Arc<House>,
    herald: Herald,
    credentials: Credentials,
    /// Commits on PostgreSQL, one an act; SQLite's writer counts its own.
    pg_commits: AtomicU64,
}

enum Engine {
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
        let db = Db(Arc::new(Open { engine, house, herald, credentials: Credentials::new(), pg_commits: AtomicU64::new(0) }));
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

    /// One business act: all of `f` or nothing, durable when this answers `Ok`. May run `f` again (PostgreSQL, serialization failure).
    pub async fn act<T, E, F>(&self, who: &Caller, f: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut TenantTx) -> Result<T, E> + Clone,
        E: From<Fault>,
    {
        self.act_with_key(who, None, f).await
    }

    /// `key`: the tenant's, where its row is only being written.
    pub(crate) async fn act_with_key<T, E, F>(&self, who: &Caller, key: Option<TenantKey>, f: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut TenantTx) -> Result<T, E> + Clone,
        E: From<Fault>,
    {
        match &self.0.engine {
            Engine::Lite(lite) => self.act_lite(lite, who, key, f).await,
            Engine::Pg(pg) => {
                let mut tries = 0;
                loop {
                    match self.act_pg(pg, who, key.clone(), f.clone()).await {
                        Attempt::Over(out) => return out,
                        Attempt::Again(out) if tries == RETRIES => return Err(out),
                        Attempt::Again(_) => tries += 1,
                    }
                    tokio::time::sleep(RETRY_PAUSE * tries).await;
                }
            }
        }
    }

    async fn act_lite<T, E, F>(&self, lite: &Lite, who: &Caller, key: Option<TenantKey>, f: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut TenantTx) -> Result<T, E>,
        E: From<Fault>,
    {
        let connection = Connection::Act(lite.writer.turn().await?);
        let mut tx = TenantTx::new(TenantRead::begin(&self.0.house, connection, who, key).await?);
        let out = within(ACT_LIMIT, f(&mut tx)).await;
        let (Connection::Act(turn), news) = tx.into_parts() else { unreachable!("begun as an act above") };
        match out {
            Ok(value) => turn.keep(news).await.map(|()| value).map_err(E::from),
            Err(refused) => {
                turn.undo().await?;
                Err(refused)
            }
        }
    }

    async fn act_pg<T, E, F>(&self, pg: &Pg, who: &Caller, key: Option<TenantKey>, f: F) -> Attempt<T, E>
    where
        F: AsyncFnOnce(&mut TenantTx) -> Result<T, E>,
        E: From<Fault>,
    {
        let transaction = match PgTransaction::begin(&pg.pool, &Reach::Tenant(who.tenant()), false).await {
            Ok(transaction) => transaction,
            Err(fault) => return Attempt::Over(Err(fault.into())),
        };
        let mut tx = match TenantRead::begin(&self.0.house, Connection::Postgres(transaction), who, key).await {
            Ok(read) => TenantTx::new(read),
            Err(fault) => return Attempt::Over(Err(fault.into())),
        };
        let out = within(ACT_LIMIT, f(&mut tx)).await;
        let (Connection::Postgres(transaction), news) = tx.into_parts() else { unreachable!("begun on PostgreSQL above") };
        let again = transaction.wants_retry();
        match out {
            // A statement met a deadlock and the room went on: PostgreSQL would turn the COMMIT into a ROLLBACK without an error.
            Ok(_) if again => Attempt::Again(Fault::new(FaultKind::Retry, "the act met a serialization failure").into()),
            Ok(value) => match transaction.commit().await {
                Ok(()) => {
                    self.0.pg_commits.fetch_add(1, SeqCst);
                    self.0.herald.tell(news);
                    Attempt::Over(Ok(value))
                }
                Err(fault) if fault.kind() == FaultKind::Retry => Attempt::Again(fault.into()),
                Err(fault) => Attempt::Over(Err(fault.into())),
            },
            Err(refused) => {
                // Dropping the transaction rolls back, without waiting for a statement that hangs.
                drop(transaction);
                if again { Attempt::Again(refused) } else { Attempt::Over(Err(refused)) }
            }
        }
    }

    /// One snapshot of the tenant's rows.
    pub async fn read<T, E, F>(&self, who: &Caller, f: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&TenantRead) -> Result<T, E>,
        E: From<Fault>,
    {
        let connection = self.begin_read(&Reach::Tenant(who.tenant())).await?;
        let read = TenantRead::begin(&self.0.house, connection, who, None).await?;
        let out = f(&read).await;
        end_read(read.connection).await;
        out
    }

    /// A read that no tenant bounds; for the front desk and the jobs alone.
    pub(crate) async fn across_read<T, F>(&self, reach: &Reach, f: F) -> Result<T, Fault>
    where
        F: AsyncFnOnce(&Connection) -> Result<T, Fault>,
    {
        let connection = self.begin_read(reach).await?;
        let out = f(&connection).await;
        end_read(connection).await;
        out
    }

    /// An act that no tenant bounds; for the front desk and the jobs alone.
    pub(crate) async fn across<T, F>(&self, reach: &Reach, news: crate::herald::News, f: F) -> Result<T, Fault>
    where
        F: AsyncFnOnce(&Connection) -> Result<T, Fault>,
    {
        match &self.0.engine {
            Engine::Lite(lite) => {
                let connection = Connection::Act(lite.writer.turn().await?);
                let out = within(ACT_LIMIT, f(&connection)).await;
                let Connection::Act(turn) = connection else { unreachable!("begun as an act above") };
                match out {
                    Ok(value) => turn.keep(news).await.map(|()| value),
                    Err(fault) => turn.undo().await.and(Err(fault)),
                }
            }
            Engine::Pg(pg) => {
                let connection = Connection::Postgres(PgTransaction::begin(&pg.pool, reach, false).await?);
                let value = within(ACT_LIMIT, f(&connection)).await?;
                let Connection::Postgres(transaction) = connection else { unreachable!("begun on PostgreSQL above") };
                transaction.commit().await?;
                self.0.herald.tell(news);
                Ok(value)
            }
        }
    }

    async fn begin_read(&self, reach: &Reach) -> Result<Connection, Fault> {
        Ok(match &self.0.engine {
            Engine::Lite(lite) => Connection::Read(lite.readers.borrow().await?),
            Engine::Pg(pg) => Connection::Postgres(PgTransaction::begin(&pg.pool, reach, true).await?),
        })
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
    /// Commits what is open; acts and reads fail from now on.
    pub async fn close(&self) {
        match &self.0.engine {
            Engine::Lite(lite) => lite.close().await,
            Engine::Pg(pg) => pg.close().await,
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
}

/// One run of an act on PostgreSQL.
enum Attempt<T, E> {
    Over(Result<T, E>),
    Again(E),
}

async fn end_read(connection: Connection) {
    if let Connection::Postgres(transaction) = connection {
        PgTransaction::rollback(transaction).await;
    }
}

async fn within<T, E: From<Fault>>(limit: Duration, act: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    match tokio::time::timeout(limit, act).await {
        Ok(out) => out,
        Err(_) => Err(Fault::new(FaultKind::Unavailable, "an act took longer than it may").into()),
    }
}
