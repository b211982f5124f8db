//! Acts and reads: how a closure meets its transaction, on either database.

use crate::{
    Caller, Db, TenantRead, TenantTx,
    connection::Connection,
    db::Engine,
    herald::News,
    lite::Lite,
    postgres::{Pg, PgTransaction, Reach},
    still_stands::still_stands,
};
use kernel::{Fault, FaultKind};
use keys::TenantKey;
use std::{
    pin::{Pin, pin},
    sync::atomic::Ordering::SeqCst,
    time::Duration,
};

/// How long the closure of an act may take: on SQLite it keeps everybody else from writing.
pub const ACT_LIMIT: Duration = Duration::from_secs(5);
/// Times an act is run again after a serialization failure or deadlock (PostgreSQL), or after another one rolled back what both shared
/// (SQLite).
const RETRIES: u32 = 3;
/// Pause before the first of them; each further one waits this much longer.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

impl Db {
    /// One business act: all of `f` or nothing, durable when this answers `Ok`. May run `f` again, of whose first run nothing is left then.
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
        let mut tries = 0;
        loop {
            let attempt = match &self.0.engine {
                Engine::Lite(lite) => self.act_lite(lite, who, key.clone(), f.clone()).await,
                Engine::Pg(pg) => self.act_pg(pg, who, key.clone(), tries == 0, f.clone()).await,
            };
            match attempt {
                Attempt::Over(out) => return out,
                Attempt::Again(out) if tries == RETRIES => return Err(out),
                Attempt::Again(_) => tries += 1,
            }
            tokio::time::sleep(RETRY_PAUSE * tries).await;
        }
    }

    async fn act_lite<T, E, F>(&self, lite: &Lite, who: &Caller, key: Option<TenantKey>, f: F) -> Attempt<T, E>
    where
        F: AsyncFnOnce(&mut TenantTx) -> Result<T, E>,
        E: From<Fault>,
    {
        let turn = match lite.writer.turn().await {
            Ok(turn) => turn,
            Err(fault) => return Attempt::Over(Err(fault.into())),
        };
        let mut tx = match self.begin_act(Connection::Act(turn), who, key).await {
            Ok(tx) => tx,
            Err(fault) => return Attempt::Over(Err(fault.into())),
        };
        let out = within(ACT_LIMIT, pin!(f(&mut tx))).await;
        let (Connection::Act(turn), news) = tx.into_parts() else { unreachable!("begun as an act above") };
        let (ended, out) = match out {
            Ok(value) => (turn.keep(news).await, Ok(value)),
            Err(refused) => (turn.undo().await, Err(refused)),
        };
        match ended {
            Ok(()) => Attempt::Over(out),
            Err(fault) if fault.kind() == FaultKind::Retry => Attempt::Again(fault.into()),
            Err(fault) => Attempt::Over(Err(fault.into())),
        }
    }

    async fn act_pg<T, E, F>(&self, pg: &Pg, who: &Caller, key: Option<TenantKey>, hopeful: bool, f: F) -> Attempt<T, E>
    where
        F: AsyncFnOnce(&mut TenantTx) -> Result<T, E>,
        E: From<Fault>,
    {
        let transaction = match PgTransaction::begin(&pg.pool, &Reach::Tenant(who.tenant()), hopeful).await {
            Ok(transaction) => transaction,
            Err(fault) => return Attempt::Over(Err(fault.into())),
        };
        let mut tx = match self.begin_act(Connection::Postgres(transaction), who, key).await {
            Ok(tx) => tx,
            Err(fault) => return Attempt::Over(Err(fault.into())),
        };
        let out = within(ACT_LIMIT, pin!(f(&mut tx))).await;
        let (Connection::Postgres(transaction), news) = tx.into_parts() else { unreachable!("begun on PostgreSQL above") };
        let again = transaction.wants_retry();
        match out {
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

    async fn begin_act(&self, connection: Connection, who: &Caller, key: Option<TenantKey>) -> Result<TenantTx, Fault> {
        let read = TenantRead::begin(&self.0.house, connection, who, key).await?;
        still_stands(&read, self.0.herald.credentials()).await?;
        Ok(TenantTx::new(read))
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

    /// The caller's tenant's key, for sealing before an act. Usually known, and then nothing is read.
    pub async fn keys(&self, who: &Caller) -> Result<TenantKey, Fault> {
        match self.0.house.known_key(who.tenant()) {
            Some(key) => Ok(key),
            None => Box::pin(self.read(who, async |read| Ok(read.keys().clone()))).await,
        }
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

    /// An act that no tenant bounds; for the front desk and the jobs alone. May run `f` again, as `act` does.
    pub(crate) async fn across<T, F>(&self, reach: &Reach, news: News, f: F) -> Result<T, Fault>
    where
        F: AsyncFnOnce(&Connection) -> Result<T, Fault> + Clone,
    {
        let mut tries = 0;
        loop {
            match self.across_once(reach, news.clone(), f.clone()).await {
                Err(fault) if fault.kind() == FaultKind::Retry && tries < RETRIES => tries += 1,
                out => return out,
            }
            tokio::time::sleep(RETRY_PAUSE * tries).await;
        }
    }

    async fn across_once<T, F>(&self, reach: &Reach, news: News, f: F) -> Result<T, Fault>
    where
        F: AsyncFnOnce(&Connection) -> Result<T, Fault>,
    {
        match &self.0.engine {
            Engine::Lite(lite) => {
                let connection = Connection::Act(lite.writer.turn().await?);
                let out = within(ACT_LIMIT, pin!(f(&connection))).await;
                let Connection::Act(turn) = connection else { unreachable!("begun as an act above") };
                match out {
                    Ok(value) => turn.keep(news).await.map(|()| value),
                    Err(fault) => turn.undo().await.and(Err(fault)),
                }
            }
            Engine::Pg(pg) => {
                let connection = Connection::Postgres(PgTransaction::begin(&pg.pool, reach, false).await?);
                let value = within(ACT_LIMIT, pin!(f(&connection))).await?;
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
            Engine::Pg(pg) => Connection::Postgres(PgTransaction::begin_read(&pg.pool, reach).await?),
        })
    }
}

/// One run of an act.
enum Attempt<T, E> {
    Over(Result<T, E>),
    Again(E),
}

async fn end_read(connection: Connection) {
    if let Connection::Postgres(transaction) = connection {
        PgTransaction::rollback(transaction).await;
    }
}

/// `act` stays where it is: it may be large.
async fn within<T, E: From<Fault>>(limit: Duration, act: Pin<&mut impl Future<Output = Result<T, E>>>) -> Result<T, E> {
    match tokio::time::timeout(limit, act).await {
        Ok(out) => out,
        Err(_) => Err(Fault::new(FaultKind::Unavailable, "an act took longer than it may").into()),
    }
}
