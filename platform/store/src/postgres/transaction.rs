//! One PostgreSQL transaction, with its settings given in the same round trip as BEGIN.

use super::{
    NOBODY, Pool,
    along::Waiting,
    pool::{Lent, lend},
};
use crate::{connection::kind_of, fault};
use deadpool::managed::Object;
use kernel::{Fault, FaultKind, TenantId};
use sea_orm::{QueryResult, Statement, Value};
use sqlx::{Arguments, AssertSqlSafe, PgConnection, Postgres, postgres::PgArguments};
use std::{sync::OnceLock, time::Duration};
use tokio::sync::Mutex;

/// Whose rows a transaction may reach; the policies of row-level security read it.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    Tenant(TenantId),
    /// Rows that carry this credential's hash, and nothing else.
    Credential([u8; 32]),
    /// Members with this folded address, and nothing else.
    Email(String),
    /// The job table, whatever the tenant.
    Worker,
    /// The tenant table (operator's commands).
    Operator,
    /// Tables without a tenant.
    Nobody,
}

impl Reach {
    /// Name and value of each setting; every value is hex, an id or an address without quotes (checked by `setting`).
    fn settings(&self) -> Vec<(&'static str, String)> {
        let nobody = || ("app.tenant", NOBODY.to_string());
        match self {
            Reach::Tenant(tenant) => vec![("app.tenant", tenant.0.to_string())],
            Reach::Credential(hash) => vec![nobody(), ("app.credential", hex::encode(hash))],
            Reach::Email(folded) => vec![nobody(), ("app.email", hex::encode(folded))],
            Reach::Worker => vec![nobody(), ("app.worker", "yes".to_owned())],
            Reach::Operator => vec![nobody(), ("app.operator", "yes".to_owned())],
            Reach::Nobody => vec![nobody()],
        }
    }
    /// The settings for this transaction alone, as one SELECT.
    fn sql(&self) -> String {
        let settings = self.settings();
        let calls: Vec<String> = settings.iter().map(|(name, value)| format!("set_config('{name}', '{}', true)", plain(value))).collect();
        format!("SELECT {}", calls.join(", "))
    }
}

/// Values of settings go into the text of a statement; these are the only characters they are made of.
fn plain(value: &str) -> &str {
    assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "settings are hex, ids and fixed words");
    value
}

pub(crate) struct PgTransaction {
    inner: Mutex<Inner>,
    /// The first statement that failed. PostgreSQL refuses the ones after it, and turns COMMIT into ROLLBACK without an error.
    failed: OnceLock<Fault>,
    /// Whether what is hoped for may turn out wrong: somebody runs the act again then.
    hopeful: bool,
}

struct Inner {
    open: Open,
    waiting: Waiting,
}

/// A connection with a transaction on it, until that is over. One that is given up is rolled back beside what goes on.
struct Open(Option<Lent>);

/// Longer than any statement may take that is still running.
const ROLLBACK_TIME: Duration = Duration::from_secs(10);

impl Open {
    async fn begin(lent: Lent, sql: &str) -> Result<Open, sqlx::Error> {
        // Open before it is: whoever is given up while BEGIN is under way leaves a transaction behind all the same.
        let mut open = Open(Some(lent));
        let begun = say(open.connection(), sql).await;
        if begun.is_err() {
            // Whatever is left of it is not for the next one.
            drop(open.0.take().map(Object::take));
        }
        begun.map(|()| open)
    }
    fn connection(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("there until the transaction is over")
    }
    /// By COMMIT or ROLLBACK. The connection goes back if it went well.
    async fn end(mut self, how: &'static str) -> Result<(), sqlx::Error> {
        say(self.connection(), how).await?;
        self.0 = None;
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(mut lent) = self.0.take() else { return };
        let rolling_back = async move {
            let back = tokio::time::timeout(ROLLBACK_TIME, say(&mut lent, "ROLLBACK")).await;
            if !matches!(back, Ok(Ok(()))) {
                // The server rolls back by itself when the connection is gone.
                drop(Object::take(lent));
            }
        };
        // Without a runtime the future is dropped as it is, and so may be the connection: nothing else uses it then.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(rolling_back);
        }
    }
}

async fn say(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(|_| ())
}

impl PgTransaction {
    /// For an act. `hopeful`: see `hope`.
    pub async fn begin(pool: &Pool, reach: &Reach, hopeful: bool) -> Result<PgTransaction, Fault> {
        PgTransaction::begin_as(pool, reach, false, hopeful).await
    }
    pub async fn begin_read(pool: &Pool, reach: &Reach) -> Result<PgTransaction, Fault> {
        PgTransaction::begin_as(pool, reach, true, false).await
    }
    async fn begin_as(pool: &Pool, reach: &Reach, read_only: bool, hopeful: bool) -> Result<PgTransaction, Fault> {
        // A read sees one snapshot; an act relies on conditional updates and row locks instead.
        let begin = if read_only { "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" } else { "BEGIN" };
        let sql = format!("{begin}; {}", reach.sql());
        let mut dead = 0;
        loop {
            match Open::begin(lend(pool).await?, &sql).await {
                Ok(open) => {
                    let inner = Mutex::new(Inner { open, waiting: Waiting::default() });
                    return Ok(PgTransaction { inner, failed: OnceLock::new(), hopeful });
                }
                // The server was restarted while the connection lay in the pool; nothing was begun, so the next one may. Each that is
                // dead leaves the pool, so there are no more of them than it holds.
                Err(error) if is_dead(&error) && dead < pool.status().max_size => dead += 1,
                Err(error) => return Err(fault::of_pg("beginning a transaction", error)),
            }
        }
    }

    /// Points the rest of the transaction at other rows.
    pub async fn reach(&self, reach: &Reach) -> Result<(), Fault> {
        let mut inner = self.inner.lock().await;
        self.settle(&mut inner).await?;
        say(inner.open.connection(), &reach.sql()).await.map_err(|e| fault::of_pg("changing the tenant", e))
    }

    pub async fn run(&self, statement: Statement) -> Result<u64, Fault> {
        let mut inner = self.inner.lock().await;
        let statement = match inner.waiting.can_join(&statement) {
            true => inner.waiting.take(Some(statement)),
            false => {
                self.settle(&mut inner).await?;
                Some(statement)
            }
        };
        match statement {
            Some(statement) => self.execute(&mut inner, statement).await,
            None => Ok(0),
        }
    }

    /// An insert that goes with the next statement, or before the commit; what is wrong with it shows there.
    pub async fn run_along(&self, table: &'static str, insert: Statement) -> Result<(), Fault> {
        let added = self.inner.lock().await.waiting.add(table, insert);
        match added {
            Ok(()) => Ok(()),
            Err(insert) => self.run(insert).await.map(|_| ()),
        }
    }

    /// Whether `update` changes just one row. In a hopeful transaction that is taken for granted until the next statement, with which it
    /// goes: what is wrong then is a fault that has the act run again, without hopes.
    pub async fn hope(&self, table: &'static str, update: Statement) -> Result<bool, Fault> {
        if !self.hopeful {
            return Ok(self.run(update).await? == 1);
        }
        let hoped = self.inner.lock().await.waiting.hope(table, update);
        match hoped {
            Ok(()) => Ok(true),
            Err(update) => Ok(self.run(update).await? == 1),
        }
    }

    pub async fn rows(&self, statement: Statement) -> Result<Vec<QueryResult>, Fault> {
        let what = kind_of(&statement.sql).to_owned();
        let mut inner = self.inner.lock().await;
        let leads = inner.waiting.can_lead(&statement);
        let statement = match leads {
            true => inner.waiting.lead(statement),
            false => {
                if inner.waiting.hopes() || !inner.waiting.is_apart_from(&statement.sql) {
                    self.settle(&mut inner).await?;
                }
                statement
            }
        };
        let rows = query(statement)?.fetch_all(inner.open.connection()).await;
        let rows: Vec<QueryResult> =
            self.noting(rows.map(|rows| rows.into_iter().map(QueryResult::from).collect()).map_err(|e| fault::of_pg(&what, e)))?;
        // Or there are none anyway, which the next run finds out.
        if leads && rows.is_empty() { self.noting(Err(disappointed())) } else { Ok(rows) }
    }

    /// Runs what waits.
    async fn settle(&self, inner: &mut Inner) -> Result<(), Fault> {
        let hopes = inner.waiting.hopes();
        let Some(statement) = inner.waiting.take(None) else { return Ok(()) };
        let changed = self.execute(inner, statement).await?;
        if hopes && changed != 1 { self.noting(Err(disappointed())) } else { Ok(()) }
    }

    async fn execute(&self, inner: &mut Inner, statement: Statement) -> Result<u64, Fault> {
        let what = kind_of(&statement.sql).to_owned();
        let done = query(statement)?.execute(inner.open.connection()).await;
        self.noting(done.map(|d| d.rows_affected()).map_err(|e| fault::of_pg(&what, e)))
    }

    /// Fault: a statement had failed, whatever the room made of it, or the commit did.
    pub async fn commit(self) -> Result<(), Fault> {
        if let Some(failed) = self.failed.get() {
            return Err(failed.clone());
        }
        self.settle(&mut *self.inner.lock().await).await?;
        self.inner.into_inner().open.end("COMMIT").await.map_err(fault::of_pg_commit)
    }
    /// The end of a read.
    pub async fn rollback(self) {
        let _ = self.inner.into_inner().open.end("ROLLBACK").await;
    }
    /// A serialization failure or a deadlock: the whole act may be run again.
    pub fn wants_retry(&self) -> bool {
        self.failed.get().is_some_and(|fault| fault.kind() == FaultKind::Retry)
    }

    fn noting<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result {
            self.failed.get_or_init(|| fault.clone());
        }
        result
    }
}

fn disappointed() -> Fault {
    Fault::new(FaultKind::Retry, "a row was not changed that was hoped to be")
}

/// Whether the connection is gone: broken off, or ended by the server (SQLSTATE class 57P, manual appendix A).
fn is_dead(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(e) => e.code().is_some_and(|state| matches!(&*state, "57P01" | "57P02" | "08006" | "08003")),
        _ => false,
    }
}

fn query(statement: Statement) -> Result<sqlx::query::Query<'static, Postgres, PgArguments>, Fault> {
    let mut arguments = PgArguments::default();
    for value in statement.values.map(|v| v.0).unwrap_or_default() {
        bind(&mut arguments, value)?;
    }
    Ok(sqlx::query_with(AssertSqlSafe(statement.sql), arguments))
}

fn bind(arguments: &mut PgArguments, value: Value) -> Result<(), Fault> {
    let bound = match value {
        Value::Uuid(v) => Arguments::add(arguments, v),
        Value::Bytes(v) => Arguments::add(arguments, v),
        Value::String(v) => Arguments::add(arguments, v),
        Value::BigInt(v) => Arguments::add(arguments, v),
        Value::Int(v) => Arguments::add(arguments, v),
        Value::Unsigned(v) => Arguments::add(arguments, v.map(i64::from)),
        // sea-orm's LIMIT and OFFSET come as u64.
        Value::BigUnsigned(v) => Arguments::add(arguments, v.map(|i| i64::try_from(i).unwrap_or(i64::MAX))),
        Value::Bool(v) => Arguments::add(arguments, v),
        _ => return Err(Fault::other("a value of a kind that no column has")),
    };
    bound.map_err(|e| Fault::from_error(FaultKind::Other, "a value does not encode", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_can_end_the_settings() {
        let sql = Reach::Email("o'hara', true); DROP TABLE member; --".to_owned()).sql();
        assert_eq!(sql.matches('\'').count(), 8, "{sql}");
        assert!(!sql.contains("DROP"));
    }
}
