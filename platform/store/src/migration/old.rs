//! SQLite databases of an earlier version, for tests of what a migration makes of them.

use super::{Migrator, proxy};
use crate::lite::{Access, LiteConnection};
use sea_orm::{DbBackend, Statement};
use sea_orm_migration::MigratorTrait;
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;

/// One without the migration `number` and those after it.
pub async fn before(number: u32, dir: &TempDir) -> (PathBuf, Arc<LiteConnection>) {
    let path = dir.path().join("old.db");
    let connection = Arc::new(LiteConnection::open(&path, Access::Create).unwrap());
    Migrator::up(&proxy::connect(connection.clone()).unwrap(), Some(number - 1)).await.unwrap();
    (path, connection)
}

/// A row with `given` where it is named, and something that fits everywhere else.
pub fn insert(connection: &LiteConnection, table: &str, given: &[(&str, &str)]) {
    let info = Statement::from_string(DbBackend::Sqlite, format!("SELECT name, type AS kind FROM pragma_table_info('{table}')"));
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for column in connection.rows(&info, 99).unwrap() {
        let (name, kind): (String, String) = (column.try_get("", "name").unwrap(), column.try_get("", "kind").unwrap());
        values.push(match given.iter().find(|(given, _)| *given == name) {
            Some((_, value)) => format!("'{value}'"),
            None if kind == "blob" => "x'01'".to_owned(),
            None => "1".to_owned(),
        });
        names.push(name);
    }
    connection.batch(&format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "))).unwrap();
}

pub fn count(connection: &LiteConnection, rows: &str) -> i64 {
    let look = Statement::from_string(DbBackend::Sqlite, format!("SELECT COUNT(*) AS n FROM {rows}"));
    connection.rows(&look, 1).unwrap()[0].try_get("", "n").unwrap()
}
