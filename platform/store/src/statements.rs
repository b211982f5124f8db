//! Scoped statements: sea-orm's own builders with the tenant's condition already in, and no way to run them elsewhere.

use crate::{columns, entity::TenantOwned, look::TenantRead};
use kernel::Fault;
use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, FromQueryResult, IdenStatic, QueryFilter, QueryOrder, QueryTrait, Statement, StatementBuilder,
    UpdateMany,
    sea_query::{Expr, Func, SelectStatement, SimpleExpr, UpdateStatement},
};
use std::marker::PhantomData;

/// A scoped query: add `filter`, `order_by_…`, `limit`, then `one`, `all` or `count`.
pub struct Find<'t, E: EntityTrait> {
    query: SelectStatement,
    read: &'t TenantRead,
    of: PhantomData<E>,
}

/// A scoped query read into `M` instead of the whole row.
pub struct FindInto<'t, E: EntityTrait, M> {
    find: Find<'t, E>,
    into: PhantomData<M>,
}

/// A scoped change.
pub struct Update<'t, E: EntityTrait> {
    query: UpdateMany<E>,
    read: &'t TenantRead,
    moves: bool,
}

impl<E: EntityTrait> QueryFilter for Find<'_, E> {
    type QueryStatement = SelectStatement;
    fn query(&mut self) -> &mut SelectStatement {
        &mut self.query
    }
}
impl<E: EntityTrait> QueryOrder for Find<'_, E> {
    type QueryStatement = SelectStatement;
    fn query(&mut self) -> &mut SelectStatement {
        &mut self.query
    }
}
impl<E: EntityTrait> QueryFilter for Update<'_, E> {
    type QueryStatement = UpdateStatement;
    fn query(&mut self) -> &mut UpdateStatement {
        QueryFilter::query(&mut self.query)
    }
}

impl<'t, E: TenantOwned> Find<'t, E> {
    pub(crate) fn new(read: &'t TenantRead) -> Self {
        let mut query = columns::select::<E>();
        query.and_where(E::TENANT.eq(read.tenant().0));
        Find { query, read, of: PhantomData }
    }
    pub fn limit(mut self, rows: u64) -> Self {
        self.query.limit(rows);
        self
    }
    pub fn offset(mut self, rows: u64) -> Self {
        self.query.offset(rows);
        self
    }
    /// Locks the rows until the act ends (PostgreSQL). On SQLite an act is alone anyway.
    pub fn for_update(mut self) -> Self {
        if self.read.connection.backend() == DbBackend::Postgres {
            self.query.lock_exclusive();
        }
        self
    }
    /// Reads these columns alone, as `M`, whose fields are named after them.
    pub fn into_model<M: FromQueryResult>(mut self, columns: &[E::Column]) -> FindInto<'t, E, M> {
        self.query.clear_selects().exprs(columns.iter().map(|c| c.select_as(Expr::col(c.as_column_ref()))));
        FindInto { find: self, into: PhantomData }
    }
    pub async fn one(self) -> Result<Option<E::Model>, Fault> {
        let find = self.limit(1);
        Ok(find.read.connection.models::<E>(find.statement(), 1).await?.pop())
    }
    pub async fn all(self) -> Result<Vec<E::Model>, Fault> {
        self.read.connection.models::<E>(self.statement(), usize::MAX).await
    }
    /// How many rows meet the filters; order, limit and offset count for nothing.
    pub async fn count(self) -> Result<u64, Fault> {
        self.number(Expr::cust("COUNT(*)")).await
    }
    /// How many bytes a column of theirs holds in all. Neither database reads the bytes for it.
    pub async fn bytes(self, column: E::Column) -> Result<u64, Fault> {
        self.number(Func::sum(Func::cust("LENGTH").arg(Expr::col(column.as_column_ref())))).await
    }

    async fn number(self, of_all: impl Into<SimpleExpr>) -> Result<u64, Fault> {
        let (connection, mut query) = (&self.read.connection, self.query);
        query.clear_selects().expr_as(of_all, "number").clear_order_by().reset_limit().reset_offset();
        let row = connection.one::<Number>(StatementBuilder::build(&query, &connection.backend())).await?;
        Ok(row.and_then(|row| row.number).and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
    }

    fn statement(&self) -> Statement {
        StatementBuilder::build(&self.query, &self.read.connection.backend())
    }
}

#[derive(FromQueryResult)]
struct Number {
    /// The sum of nothing is NULL.
    number: Option<i64>,
}

impl<E: TenantOwned, M: FromQueryResult> FindInto<'_, E, M> {
    pub async fn one(self) -> Result<Option<M>, Fault> {
        let read = self.find.read;
        let statement = self.find.limit(1).statement();
        read.connection.one(statement).await
    }
    pub async fn all(self) -> Result<Vec<M>, Fault> {
        let statement = self.find.statement();
        self.find.read.connection.all(statement).await
    }
}

impl<'t, E: TenantOwned> Update<'t, E> {
    pub(crate) fn new(read: &'t TenantRead) -> Self {
        Update { query: E::update_many().filter(E::TENANT.eq(read.tenant().0)), read, moves: false }
    }
    /// Sets a column to a value or an expression. The tenant cannot be set: rows do not change hands.
    pub fn set(mut self, column: E::Column, value: impl Into<SimpleExpr>) -> Self {
        self.moves |= column.as_str() == E::TENANT.as_str();
        self.query = self.query.col_expr(column, value.into());
        self
    }
    /// Rows changed; 0 means that the condition did not hold.
    pub async fn exec(self) -> Result<u64, Fault> {
        let connection = &self.read.connection;
        connection.run(self.statement()?).await
    }
    /// Whether just one row was changed, where it nearly always is. On PostgreSQL the answer may be `true` before that is known, which saves
    /// a round trip; where it was wrong, the act is rolled back and run again.
    pub async fn exec_one(self) -> Result<bool, Fault> {
        let connection = &self.read.connection;
        connection.hope(E::NAME, self.statement()?).await
    }
    fn statement(self) -> Result<Statement, Fault> {
        if self.moves {
            return Err(Fault::other("a row was about to change its tenant"));
        }
        Ok(self.query.build(self.read.connection.backend()))
    }
}
