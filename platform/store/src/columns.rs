//! `SELECT` of every column of a table. Naming 25 columns one by one costs as much as reading the row.

use crate::texts::Texts;
use sea_orm::{
    EntityTrait, IdenStatic, Iterable,
    sea_query::{Expr, Query, SelectStatement},
};
use std::any::TypeId;

/// By entity.
static TEXTS: Texts<TypeId> = Texts::new();

/// `SELECT "table"."column", … FROM "table"`, the same on both databases.
pub(crate) fn select<E: EntityTrait>() -> SelectStatement {
    let mut query = Query::select();
    query.expr(Expr::cust(text::<E>())).from(E::default().table_ref());
    query
}

fn text<E: EntityTrait>() -> &'static str {
    let key = TypeId::of::<E>();
    if let Some(text) = TEXTS.known(&key) {
        return text;
    }
    let entity = E::default();
    let table = entity.table_name();
    let columns: Vec<String> = E::Column::iter().map(|c| format!("\"{table}\".\"{}\"", c.as_str())).collect();
    TEXTS.keep(key, columns.join(", "))
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
