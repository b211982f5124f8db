//! INSERT statements. Their text depends on the table and the number of rows alone.

use crate::{entity::TenantOwned, texts::Texts};
use sea_orm::{ActiveModelTrait, ActiveValue, DbBackend, EntityTrait, Iterable, QueryTrait, Statement, Value};
use std::any::TypeId;

/// Statements of more rows are rare and written each time.
const KEPT_ROWS: usize = 8;

/// By entity, rows, and whether it is for PostgreSQL.
static TEXTS: Texts<(TypeId, usize, bool)> = Texts::new();

/// One statement for all `rows`.
pub(crate) fn insert<A>(rows: Vec<A>, backend: DbBackend) -> Statement
where
    A: ActiveModelTrait,
    A::Entity: TenantOwned,
{
    // A column that is not set is left out of the statement, which makes another text.
    if rows.len() > KEPT_ROWS || !rows.iter().all(is_complete) {
        return A::Entity::insert_many(rows).build(backend);
    }
    let key = (TypeId::of::<A::Entity>(), rows.len(), backend == DbBackend::Postgres);
    match TEXTS.known(&key) {
        Some(text) => Statement::from_sql_and_values(backend, text, values(rows)),
        None => {
            let statement = A::Entity::insert_many(rows).build(backend);
            TEXTS.keep(key, statement.sql.clone());
            statement
        }
    }
}

fn is_complete<A: ActiveModelTrait>(row: &A) -> bool {
    <A::Entity as EntityTrait>::Column::iter().all(|column| !row.is_not_set(column))
}

/// Row by row and column by column, as sea-orm binds them.
fn values<A: ActiveModelTrait>(rows: Vec<A>) -> Vec<Value> {
    let mut values = Vec::with_capacity(rows.len() * <A::Entity as EntityTrait>::Column::iter().count());
    for mut row in rows {
        for column in <A::Entity as EntityTrait>::Column::iter() {
            if let ActiveValue::Set(value) | ActiveValue::Unchanged(value) = row.take(column) {
                values.push(value);
            }
        }
    }
    values
}
