//! One SQLite connection with its pragmas, each set and then read back.

use super::value::{self, Declared};
use crate::{connection::kind_of, entity::TenantOwned, fault};
use kernel::{Fault, FaultKind};
use rusqlite::{CachedStatement, Connection, OpenFlags, Row, config::DbConfig, functions::FunctionFlags};
use sea_orm::{ActiveModelTrait, Iterable, ProxyRow, QueryResult, Statement, TryIntoModel, Value};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a statement may wait for another process that holds a lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements kept on each connection.
const STATEMENTS: usize = 256;
/// Pages in the log before a commit copies them back (4 KiB each). A page that many commits wrote is copied once, so a longer log is
/// less work; 64 MiB is what a start after a crash reads in a moment.
const CHECKPOINT_PAGES: i64 = 16_000;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Makes the file if it is not there.
    Create,
    Write,
    Read,
}

/// A connection that tasks may share; the lock is never contended, it only makes the connection `Sync`.
pub(crate) struct LiteConnection(Mutex<Inner>);

struct Inner {
    connection: Connection,
    /// Columns of the statements that gave rows, by text: asking SQLite for a name is a call and a copy for every value.
    columns: Columns,
}

/// Every text is ours, so nobody chooses them to collide.
type Columns = HashMap<String, Arc<[Column]>, foldhash::fast::RandomState>;

struct Column {
    name: String,
    declared: Declared,
}

impl Column {
    fn read(&self, row: &Row<'_>, i: usize) -> Result<Value, Fault> {
        let stored = row.get_ref(i).map_err(|e| fault::of_lite("reading a value", e))?;
        value::read(stored, self.declared).map_err(|why| Fault::other(format!("column {} holds {why}", self.name)))
    }
}

impl LiteConnection {
    pub fn open(path: &Path, access: Access) -> Result<LiteConnection, Fault> {
        let create = if access == Access::Create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|e| fault::of_lite(&format!("the database file {} does not open", path.display()), e))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.busy_timeout(BUSY_TIMEOUT).map_err(|e| fault::of_lite("setting the busy timeout", e))?;
        // Otherwise SQLite plans a statement anew for each value that might change its plan, which a bound LIMIT does.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(|e| fault::of_lite("asking for plans that stay", e))?;
        for (pragma, value, expected) in pragmas(access) {
            set(&connection, pragma, &value, &expected)?;
        }
        fold_all_letters(&connection).map_err(|e| fault::of_lite("replacing lower()", e))?;
        Ok(LiteConnection(Mutex::new(Inner { connection, columns: Columns::default() })))
    }

    /// Fixed text without values or rows: BEGIN, SAVEPOINT, COMMIT…
    pub fn say(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.lock().connection.prepare_cached(sql)?.raw_execute().map(|_| ())
    }

    /// Runs several statements without values.
    pub fn batch(&self, sql: &str) -> Result<(), Fault> {
        self.lock().connection.execute_batch(sql).map_err(|e| fault::of_lite("a batch of statements", e))
    }

    /// Whether no transaction is open; after an error that means that SQLite rolled it back by itself.
    pub fn is_autocommit(&self) -> bool {
        self.lock().connection.is_autocommit()
    }

    /// Rows that statements of this connection have changed since it was opened, by cascades too.
    pub fn changed(&self) -> u64 {
        self.lock().connection.total_changes()
    }

    /// Waits no longer for other processes: the writer waits by itself, without holding its thread.
    pub fn do_not_wait(&self) -> Result<(), Fault> {
        self.lock().connection.busy_timeout(Duration::ZERO).map_err(|e| fault::of_lite("setting the busy timeout", e))
    }

    /// Rows changed.
    pub fn run(&self, statement: &Statement) -> Result<u64, Fault> {
        let inner = self.lock();
        let mut prepared = prepare(&inner.connection, statement)?;
        prepared.raw_execute().map(|n| n as u64).map_err(|e| fault::of_lite(kind_of(&statement.sql), e))
    }

    /// At most `most` rows.
    pub fn rows(&self, statement: &Statement, most: usize) -> Result<Vec<QueryResult>, Fault> {
        self.each(statement, most, |columns, row| {
            let named = |(i, column): (usize, &Column)| Ok((column.name.clone(), column.read(row, i)?));
            let values: BTreeMap<String, Value> = columns.iter().enumerate().map(named).collect::<Result<_, Fault>>()?;
            Ok(ProxyRow::new(values).into())
        })
    }

    /// At most `most` rows of a statement that selects every column of the table in its order: no column is looked up by its name.
    pub fn models<E: TenantOwned>(&self, statement: &Statement, most: usize) -> Result<Vec<E::Model>, Fault> {
        let unlike = |e| fault::of_orm("a row does not read as its struct", e);
        self.each(statement, most, |columns, row| {
            let mut model = <E::ActiveModel as ActiveModelTrait>::default();
            for ((i, column), field) in columns.iter().enumerate().zip(E::Column::iter()) {
                model.try_set(field, column.read(row, i)?).map_err(unlike)?;
            }
            model.try_into_model().map_err(unlike)
        })
    }

    fn each<T>(
        &self,
        statement: &Statement,
        most: usize,
        mut make: impl FnMut(&[Column], &Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut inner = self.lock();
        let Inner { connection, columns } = &mut *inner;
        let mut prepared = prepare(connection, statement)?;
        let columns = columns_of(columns, &statement.sql, &prepared);
        let mut rows = prepared.raw_query();
        let mut out = Vec::new();
        while out.len() < most {
            let Some(row) = rows.next().map_err(|e| fault::of_lite(kind_of(&statement.sql), e))? else { break };
            out.push(make(&columns, row)?);
        }
        Ok(out)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn columns_of(known: &mut Columns, sql: &str, prepared: &CachedStatement<'_>) -> Arc<[Column]> {
    if let Some(columns) = known.get(sql) {
        return columns.clone();
    }
    if known.len() >= STATEMENTS {
        known.clear();
    }
    let column = |c: rusqlite::Column<'_>| Column { name: c.name().to_owned(), declared: Declared::parse(c.decl_type()) };
    let columns: Arc<[Column]> = prepared.columns().into_iter().map(column).collect();
    known.insert(sql.to_owned(), columns.clone());
    columns
}

/// Name, value to set, value that must be read back.
fn pragmas(access: Access) -> Vec<(&'static str, String, String)> {
    let same = |name, value: &str| (name, value.to_owned(), value.to_owned());
    let mut all = vec![
        same("journal_mode", "wal"),
        // FULL: a commit is on the disk before it is answered. NORMAL lost a fifth of them when the power went.
        ("synchronous", "FULL".to_owned(), "2".to_owned()),
        same("foreign_keys", "1"),
        // Keys and content that are destroyed are overwritten, not just unlinked.
        same("secure_delete", "1"),
        same("trusted_schema", "0"),
        same("wal_autocheckpoint", &CHECKPOINT_PAGES.to_string()),
        // Negative: KiB. A commit after which a tree was balanced looks through all of it for pages that are gone (`pcache1TruncateUnsafe`);
        // what is not in it lies in the kernel's.
        same("cache_size", "-4000"),
        ("temp_store", "MEMORY".to_owned(), "2".to_owned()),
    ];
    if access == Access::Read {
        all.push(same("query_only", "1"));
    }
    all
}

/// SQLite's own `lower()` knows ASCII alone; PostgreSQL's knows all letters, and so must a search here.
fn fold_all_letters(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("lower", 1, flags, |context| Ok(context.get_raw(0).as_str_or_null()?.map(str::to_lowercase)))
}

fn set(connection: &Connection, pragma: &str, value: &str, expected: &str) -> Result<(), Fault> {
    let failed = |e| fault::of_lite(&format!("PRAGMA {pragma}"), e);
    connection.execute_batch(&format!("PRAGMA {pragma}={value}")).map_err(failed)?;
    let found = connection
        .query_row(&format!("PRAGMA {pragma}"), [], |row| {
            Ok(match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(i) => i.to_string(),
                other => other.as_str().unwrap_or_default().to_owned(),
            })
        })
        .map_err(failed)?;
    if found == expected {
        return Ok(());
    }
    Err(Fault::new(
        FaultKind::Unavailable,
        format!("SQLite keeps {pragma} at {found}, but {value} is needed; is the file system read-only or remote?"),
    ))
}

fn prepare<'c>(connection: &'c Connection, statement: &Statement) -> Result<CachedStatement<'c>, Fault> {
    let failed = |e| fault::of_lite(kind_of(&statement.sql), e);
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(failed)?;
    let values: &[Value] = statement.values.as_ref().map_or(&[], |v| &v.0);
    for (i, value) in values.iter().enumerate() {
        let bound = value::bind(value).map_err(Fault::other)?;
        prepared.raw_bind_parameter(i + 1, bound).map_err(failed)?;
    }
    Ok(prepared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pragma_is_as_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        LiteConnection::open(&path, Access::Create).unwrap();
        for access in [Access::Write, Access::Read] {
            let connection = LiteConnection::open(&path, access).unwrap();
            let lock = connection.lock();
            let read = |pragma: &str| lock.connection.query_row(&format!("PRAGMA {pragma}"), [], |r| r.get::<_, i64>(0)).unwrap();
            assert_eq!((read("synchronous"), read("foreign_keys"), read("secure_delete"), read("busy_timeout")), (2, 1, 1, 5000));
            assert_eq!(read("query_only"), i64::from(access == Access::Read));
        }
    }

    #[test]
    fn sqlite_is_built_as_it_is_used_here() {
        let dir = tempfile::tempdir().unwrap();
        let connection = LiteConnection::open(&dir.path().join("a.db"), Access::Create).unwrap();
        let lock = connection.lock();
        let mut options = lock.connection.prepare("PRAGMA compile_options").unwrap();
        let options: Vec<String> = options.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(options.iter().any(|o| o == "STMTJRNL_SPILL=-1"), "LIBSQLITE3_FLAGS of .cargo/config.toml did not reach SQLite");
        assert!(!options.iter().any(|o| o == "ENABLE_MEMORY_MANAGEMENT"), "connections share a page cache and its lock");
    }

    #[test]
    fn a_database_that_cannot_have_a_log_is_refused() {
        // A database in memory has no write-ahead log.
        let refused = LiteConnection::open(Path::new(":memory:"), Access::Create).err().map(|f| f.to_string());
        assert!(refused.is_some_and(|sentence| sentence.contains("journal_mode")));
    }
}
