//! Lets sea-orm's migrator run on our own SQLite connection.

use crate::{fault, lite::LiteConnection};
use kernel::Fault;
use sea_orm::{DatabaseConnection, DbBackend, DbErr, ProxyDatabaseTrait, ProxyExecResult, ProxyRow, RuntimeErr, Statement};
use std::sync::Arc;

#[derive(Clone)]
struct Proxy(Arc<LiteConnection>);

pub(super) fn connect(connection: Arc<LiteConnection>) -> Result<DatabaseConnection, Fault> {
    let proxy: Box<dyn ProxyDatabaseTrait> = Box::new(Proxy(connection));
    sea_orm::ProxyDatabaseConnector::connect(DbBackend::Sqlite, Arc::new(proxy)).map_err(|e| fault::of_orm("migrating", e))
}

#[async_trait::async_trait]
impl ProxyDatabaseTrait for Proxy {
    async fn query(&self, statement: Statement) -> Result<Vec<ProxyRow>, DbErr> {
        let rows = self.0.rows(&statement, usize::MAX).map_err(error)?;
        Ok(rows.iter().map(sea_orm::from_query_result_to_proxy_row).collect())
    }
    async fn execute(&self, statement: Statement) -> Result<ProxyExecResult, DbErr> {
        self.0.run(&statement).map(|rows| ProxyExecResult::new(0, rows)).map_err(error)
    }
}

fn error(fault: Fault) -> DbErr {
    DbErr::Exec(RuntimeErr::Internal(fault.to_string()))
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proxy")
    }
}
