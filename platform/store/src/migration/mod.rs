//! Migrations: one list for both databases. A released one is never edited.

mod m0001_first;
mod m0001_tables;
mod m0001_walls;
mod m0002_turns;
mod m0003_certificates;
mod m0004_devices;
mod m0005_domains;
mod m0006_hand_offs;
mod m0007_step_up;
mod m0008_places;
mod m0009_client_certificates;
mod m0010_own_domains;
mod m0011_body_blobs;
mod m0012_shown_certificates;
mod m0013_wanted_by;
mod m0014_by_message;
mod m0015_sender_name;
mod m0016_failed_before;
mod m0017_by_id;
mod m0018_revocation;
mod m0019_elsewhere;
#[cfg(test)]
mod old;
mod proxy;

use crate::{
    Database,
    connection::Connection,
    fault,
    lite::{Access, LiteConnection, Readers},
    postgres::{self, PgTransaction, Reach},
};
use kernel::{Fault, FaultKind};
use sea_orm::{DatabaseConnection, DbBackend, FromQueryResult, SqlxPostgresConnector, Statement};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use sqlx::postgres::{PgPool, PgPoolOptions};
use std::{fs, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_first::Migration),
            Box::new(m0002_turns::Migration),
            Box::new(m0003_certificates::Migration),
            Box::new(m0004_devices::Migration),
            Box::new(m0005_domains::Migration),
            Box::new(m0006_hand_offs::Migration),
            Box::new(m0007_step_up::Migration),
            Box::new(m0008_places::Migration),
            Box::new(m0009_client_certificates::Migration),
            Box::new(m0010_own_domains::Migration),
            Box::new(m0011_body_blobs::Migration),
            Box::new(m0012_shown_certificates::Migration),
            Box::new(m0013_wanted_by::Migration),
            Box::new(m0014_by_message::Migration),
            Box::new(m0015_sender_name::Migration),
            Box::new(m0016_failed_before::Migration),
            Box::new(m0017_by_id::Migration),
            Box::new(m0018_revocation::Migration),
            Box::new(m0019_elsewhere::Migration),
        ]
    }
}

/// Two migrators at once (a rolling start) take turns by this PostgreSQL advisory lock.
const TURN: i64 = 0x434f_554e_5445_5253;

pub(crate) async fn migrate(database: &Database) -> Result<Vec<String>, Fault> {
    match database {
        Database::Sqlite { path } => migrate_sqlite(path).await,
        Database::Postgres { url, .. } => {
            let pool = owner(url).await?;
            let failed = |e| fault::of_pg("waiting for another migration", e);
            sqlx::query("SELECT pg_advisory_lock($1)").bind(TURN).execute(&pool).await.map_err(failed)?;
            let applied = up(&SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone())).await;
            // Ends the connection, and the lock with it.
            pool.close().await;
            applied
        }
    }
}

/// Only looks: sea-orm's own question would make its table first.
pub(crate) async fn pending_of(database: &Database) -> Result<Vec<String>, Fault> {
    match database {
        Database::Sqlite { path } if !path.exists() => Ok(names()),
        Database::Sqlite { path } => pending(&Connection::Read(Readers::open(path)?.borrow().await?)).await,
        Database::Postgres { url, .. } => {
            let pool = postgres::pool(postgres::options(url)?, 1)?;
            pending(&Connection::Postgres(PgTransaction::begin_read(&pool, &Reach::Nobody).await?)).await
        }
    }
}

/// Migrations that an open database lacks; read with the rights of the server.
pub(crate) async fn pending(rows: &Connection) -> Result<Vec<String>, Fault> {
    #[derive(FromQueryResult)]
    struct Applied {
        version: String,
    }
    let sql = match rows.backend() {
        DbBackend::Postgres => "SELECT 1 WHERE coalesce(has_table_privilege(to_regclass('seaql_migrations'), 'SELECT'), false)",
        _ => "SELECT 1 FROM sqlite_master WHERE name = 'seaql_migrations'",
    };
    if rows.rows(rows.words(sql, []), 1).await?.is_empty() {
        return Ok(names());
    }
    let applied: Vec<Applied> = rows.all(rows.words("SELECT version FROM seaql_migrations", [])).await?;
    Ok(names().into_iter().filter(|name| applied.iter().all(|a| a.version != *name)).collect())
}

async fn migrate_sqlite(path: &Path) -> Result<Vec<String>, Fault> {
    make_private(path)?;
    let connection = Arc::new(LiteConnection::open(path, Access::Create)?);
    let db = proxy::connect(connection.clone())?;
    // A table that is written anew takes nothing along that refers to it; it is looked at what does before the commit. The setting can be
    // changed outside a transaction alone, and this connection is for migrations alone.
    connection.batch("PRAGMA foreign_keys = OFF")?;
    // All migrations or none, and one migrator at a time.
    connection.batch("BEGIN IMMEDIATE")?;
    let applied = match up(&db).await {
        Ok(applied) if !applied.is_empty() => nothing_dangles(&connection).map(|()| applied),
        other => other,
    };
    connection.batch(if applied.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    applied
}

fn nothing_dangles(connection: &LiteConnection) -> Result<(), Fault> {
    let look = r#"SELECT DISTINCT "table" AS name, parent FROM pragma_foreign_key_check"#;
    let dangling = connection.rows(&Statement::from_string(DbBackend::Sqlite, look), 1)?;
    let Some(row) = dangling.first() else { return Ok(()) };
    let word = |column: &str| row.try_get::<String>("", column).unwrap_or_default();
    Err(Fault::other(format!(
        "the migration is undone: rows of the table “{}” would refer to rows of “{}” that are not there; `PRAGMA foreign_key_check` lists them",
        word("name"),
        word("parent")
    )))
}

/// The file is made readable to its owner alone; SQLite gives its log the same rights.
fn make_private(path: &Path) -> Result<(), Fault> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Fault::from_error(FaultKind::Unavailable, format!("the database file {} cannot be made", path.display()), e))
        }
        _ => Ok(()),
    }
}

async fn up(db: &DatabaseConnection) -> Result<Vec<String>, Fault> {
    let pending = pending_by(db).await?;
    Migrator::up(db, None).await.map_err(|e| fault::of_orm("migrating", e))?;
    Ok(pending)
}

async fn pending_by(db: &DatabaseConnection) -> Result<Vec<String>, Fault> {
    let pending = Migrator::get_pending_migrations(db).await.map_err(|e| fault::of_orm("looking for migrations", e))?;
    Ok(pending.iter().map(|m| m.name().to_owned()).collect())
}

fn names() -> Vec<String> {
    Migrator::migrations().iter().map(|m| m.name().to_owned()).collect()
}

/// As the login role of the address, which owns the tables; one connection, so that the advisory lock is the migration's.
async fn owner(url: &str) -> Result<PgPool, Fault> {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(postgres::options(url)?).await;
    pool.map_err(|e| fault::of_pg("PostgreSQL does not let us in", e))
}
