//! A tenant's rows as they lie in the tables, read past every wall: what a test compares before and after.

use super::{Postgres, TestDatabase};
use crate::Database;
use kernel::TenantId;
use rusqlite::types::ValueRef;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _};
use std::{collections::BTreeMap, path::Path};

/// Column → value as text.
pub type Row = BTreeMap<String, String>;
/// Table → its rows, in no order that means anything, but always the same.
pub type Rows = BTreeMap<String, Vec<Row>>;

impl TestDatabase {
    /// Every row of every table that has a `tenant_id`, a table that a later migration adds included.
    pub async fn rows_of(&self, tenant: TenantId) -> Rows {
        let mut rows = match &self.database {
            Database::Sqlite { path } => lite_rows(path, tenant).expect("the file can be read"),
            Database::Postgres { url, .. } => pg_rows(url, tenant).await.expect("the cluster runs"),
        };
        rows.values_mut().for_each(|table| table.sort());
        rows
    }

    /// Runs one statement past every wall, on PostgreSQL as the superuser.
    pub async fn run(&self, sql: &str) {
        match &self.database {
            Database::Sqlite { path } => {
                rusqlite::Connection::open(path).and_then(|c| c.execute_batch(sql)).expect("the statement is right")
            }
            Database::Postgres { url, .. } => Postgres::run(&Postgres::as_superuser(url), sql).await,
        }
    }
}

fn lite_rows(path: &Path, tenant: TenantId) -> rusqlite::Result<Rows> {
    let connection = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let tables = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'tenant_id' WHERE m.type = 'table'";
    let tables: Vec<String> = connection.prepare(tables)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut rows = Rows::new();
    for table in tables {
        let mut find = connection.prepare(&format!("SELECT * FROM \"{table}\" WHERE tenant_id = ?1"))?;
        let names: Vec<String> = find.column_names().into_iter().map(str::to_owned).collect();
        let of_row = |row: &rusqlite::Row<'_>| names.iter().enumerate().map(|(i, n)| Ok((n.clone(), text(row.get_ref(i)?)))).collect();
        let found = find.query_map([tenant.0.as_bytes()], of_row)?.collect::<Result<_, _>>()?;
        rows.insert(table, found);
    }
    Ok(rows)
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(n) => n.to_string(),
        ValueRef::Real(n) => n.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => hex::encode(bytes),
    }
}

async fn pg_rows(url: &str, tenant: TenantId) -> sqlx::Result<Rows> {
    let mut connection = PgConnection::connect(&Postgres::as_superuser(url)).await?;
    let columns = "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c
        JOIN information_schema.columns t USING (table_schema, table_name)
        WHERE c.table_schema = 'public' AND t.column_name = 'tenant_id'";
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in sqlx::query_as::<_, (String, String)>(columns).fetch_all(&mut connection).await? {
        tables.entry(table).or_default().push(column);
    }
    let mut rows = Rows::new();
    for (table, columns) in tables {
        let asked: Vec<String> = columns.iter().map(|c| format!("coalesce(\"{c}\"::text, 'null')")).collect();
        let find = format!("SELECT {} FROM \"{table}\" WHERE tenant_id = '{}'", asked.join(", "), tenant.0);
        let found = sqlx::raw_sql(AssertSqlSafe(find)).fetch_all(&mut connection).await?;
        let of_row = |row: &sqlx::postgres::PgRow| columns.iter().enumerate().map(|(i, n)| Ok((n.clone(), row.try_get(i)?))).collect();
        rows.insert(table, found.iter().map(of_row).collect::<sqlx::Result<_>>()?);
    }
    connection.close().await?;
    Ok(rows)
}
