//! The connection an act or a read holds, whichever database it is. Private to the store: nobody outside gets hold of one.

use crate::{
    entity::TenantOwned,
    lite::{Reader, Turn},
    postgres::PgTransaction,
};
use kernel::Fault;
use sea_orm::{DbBackend, FromQueryResult, QueryResult, Statement, Value};

pub(crate) enum Connection {
    Act(Turn),
    Read(Reader),
    Postgres(PgTransaction),
}

impl Connection {
    pub fn backend(&self) -> DbBackend {
        match self {
            Connection::Act(_) | Connection::Read(_) => DbBackend::Sqlite,
            Connection::Postgres(_) => DbBackend::Postgres,
        }
    }

    /// A statement of our own words. Values are `$1`, `$2`…; SQLite would take those for names and number them as they come.
    pub fn words(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        let sql = if self.backend() == DbBackend::Sqlite { sql.replace('$', "?") } else { sql.to_owned() };
        Statement::from_sql_and_values(self.backend(), sql, values)
    }

    /// Rows changed.
    pub async fn run(&self, statement: Statement) -> Result<u64, Fault> {
        match self {
            Connection::Act(turn) => turn.run(&statement),
            Connection::Read(reader) => reader.connection().run(&statement),
            Connection::Postgres(transaction) => transaction.run(statement).await,
        }
    }

    /// An insert into `table` that may wait for the next statement.
    pub async fn run_along(&self, table: &'static str, insert: Statement) -> Result<(), Fault> {
        match self {
            Connection::Postgres(transaction) => transaction.run_along(table, insert).await,
            lite => lite.run(insert).await.map(|_| ()),
        }
    }

    /// Whether an update of `table` changes just one row; PostgreSQL may say so before it knows (`PgTransaction::hope`).
    pub async fn hope(&self, table: &'static str, update: Statement) -> Result<bool, Fault> {
        match self {
            Connection::Postgres(transaction) => transaction.hope(table, update).await,
            lite => Ok(lite.run(update).await? == 1),
        }
    }

    /// At most `most` rows (PostgreSQL: the statement's own LIMIT counts).
    pub async fn rows(&self, statement: Statement, most: usize) -> Result<Vec<QueryResult>, Fault> {
        match self {
            Connection::Act(turn) => turn.rows(&statement, most),
            Connection::Read(reader) => reader.connection().rows(&statement, most),
            Connection::Postgres(transaction) => transaction.rows(statement).await,
        }
    }

    /// Whole rows of one table, at most `most` (as above).
    pub async fn models<E: TenantOwned>(&self, statement: Statement, most: usize) -> Result<Vec<E::Model>, Fault> {
        match self {
            Connection::Act(turn) => turn.models::<E>(&statement, most),
            Connection::Read(reader) => reader.connection().models::<E>(&statement, most),
            Connection::Postgres(transaction) => transaction.rows(statement).await?.iter().map(decode).collect(),
        }
    }

    pub async fn one<M: FromQueryResult>(&self, statement: Statement) -> Result<Option<M>, Fault> {
        self.rows(statement, 1).await?.first().map(decode).transpose()
    }

    pub async fn all<M: FromQueryResult>(&self, statement: Statement) -> Result<Vec<M>, Fault> {
        self.rows(statement, usize::MAX).await?.iter().map(decode).collect()
    }
}

#[cfg(test)]
impl Connection {
    /// How SQLite means to run a statement of our own words, step by step.
    pub async fn plan(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<String>, Fault> {
        #[derive(FromQueryResult)]
        struct Step {
            detail: String,
        }
        let steps = self.all::<Step>(self.words(&format!("EXPLAIN QUERY PLAN {sql}"), values)).await?;
        Ok(steps.into_iter().map(|step| step.detail).collect())
    }
}

fn decode<M: FromQueryResult>(row: &QueryResult) -> Result<M, Fault> {
    M::from_query_result(row, "").map_err(|e| crate::fault::of_orm("a row does not read as its struct", e))
}

/// The beginning of a statement (`INSERT INTO "message"…`): enough to find it, and never a value.
pub(crate) fn kind_of(sql: &str) -> &str {
    sql.char_indices().nth(60).map_or(sql, |(end, _)| &sql[..end])
}
