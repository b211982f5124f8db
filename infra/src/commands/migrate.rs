//! `countersign migrate`: brings the schema up to date. SQLite does it by itself at the start; PostgreSQL only when told,
//! because other processes may still run the version before.

use super::Stop;
use crate::{Config, app};
use kernel::Fault;
use store::{Database, Db};

/// Applies what is pending; answers what that was.
pub async fn migrate(config: &Config) -> Result<String, Stop> {
    let applied = app::migrate(config).await?;
    Ok(match applied.as_slice() {
        [] => "The database is up to date.\n".to_owned(),
        names => names.iter().map(|name| format!("applied {name}\n")).collect(),
    })
}

/// What `serve` and `work` do before they open the database: SQLite (or `told`) migrates, PostgreSQL refuses with the way out.
pub async fn prepare_schema(config: &Config, told: bool) -> Result<(), Stop> {
    let database = Database::parse(&config.database_url())?;
    if told || matches!(database, Database::Sqlite { .. }) {
        for name in app::migrate(config).await? {
            tracing::info!(name, "migration applied");
        }
        return Ok(());
    }
    match Db::pending_migrations(&database).await?.as_slice() {
        [] => Ok(()),
        pending => Err(Stop::Refused(format!(
            "The database lacks {} migration(s): {}. Run `countersign migrate` once (the processes of the version before keep working), then start again; or start with --migrate.",
            pending.len(),
            pending.join(", ")
        ))),
    }
}

/// A sentence for `doctor`.
pub(super) async fn pending(database: &Database) -> Result<Vec<String>, Fault> {
    Db::pending_migrations(database).await
}
