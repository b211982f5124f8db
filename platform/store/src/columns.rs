//! `SELECT` of every column of a table. Naming 25 columns one by one costs as much as reading the row, so their text is written once.

use sea_orm::{
    EntityTrait, IdenStatic, Iterable,
    sea_query::{Expr, Query, SelectStatement},
};
use std::{
    any::TypeId,
    collections::HashMap,
    sync::{LazyLock, PoisonError, RwLock},
};

static TEXTS: LazyLock<RwLock<HashMap<TypeId, &'static str>>> = LazyLock::new(RwLock::default);

/// `SELECT "table"."column", … FROM "table"`, the same on both databases.
pub(crate) fn select<E: EntityTrait>() -> SelectStatement {
    let mut query = Query::select();
    query.expr(Expr::cust(text::<E>())).from(E::default().table_ref());
    query
}

/// Never freed: there is one for each table.
fn text<E: EntityTrait>() -> &'static str {
    let key = TypeId::of::<E>();
    if let Some(text) = TEXTS.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return text;
    }
    let entity = E::default();
    let table = entity.table_name();
    let columns: Vec<String> = E::Column::iter().map(|c| format!("\"{table}\".\"{}\"", c.as_str())).collect();
    TEXTS.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert_with(|| columns.join(", ").leak())
}

#[cfg(test)]
mod tests {
    use crate::entity::recipient;
    use sea_orm::{DbBackend, EntityTrait, QueryTrait, StatementBuilder};

    #[test]
    fn it_is_what_the_orm_would_write() {
        for backend in [DbBackend::Sqlite, DbBackend::Postgres] {
            let ours = StatementBuilder::build(&super::select::<recipient::Entity>(), &backend);
            assert_eq!(ours.sql, recipient::Entity::find().build(backend).sql);
        }
    }
}
