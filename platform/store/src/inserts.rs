//! INSERT statements. Their text depends on the table and the number of rows alone, and writing it costs as much as running it,
//! so each is written once.

use crate::entity::TenantOwned;
use sea_orm::{ActiveModelTrait, ActiveValue, DbBackend, EntityTrait, Iterable, QueryTrait, Statement, Value};
use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

/// Statements of more rows are rare and written each time.
const KEPT_ROWS: usize = 8;

/// By entity, rows, and whether it is for PostgreSQL.
type Texts = RwLock<HashMap<(TypeId, usize, bool), Arc<str>>>;
static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::default);

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
    let known = TEXTS.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    match known {
        Some(text) => Statement::from_sql_and_values(backend, &*text, values(rows)),
        None => {
            let statement = A::Entity::insert_many(rows).build(backend);
            TEXTS.write().unwrap_or_else(PoisonError::into_inner).insert(key, statement.sql.as_str().into());
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
