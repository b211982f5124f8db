//! Rows by their key. Nothing is asked more often, and the text depends on the table alone.

use crate::{columns, connection::Connection, entity::TenantOwned, texts::Texts};
use kernel::{Fault, TenantId};
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, Iterable, PrimaryKeyToColumn, Statement, StatementBuilder, Value, sea_query::LockType};
use std::any::TypeId;
use uuid::Uuid;

/// What a statement's text depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Shape {
    entity: TypeId,
    /// Its key is the tenant and an id, or the tenant alone.
    with_id: bool,
    hold: bool,
    postgres: bool,
}

static TEXTS: Texts<Shape> = Texts::new();

/// `hold`: locks the row until the act ends (PostgreSQL; on SQLite an act is alone anyway).
pub(crate) async fn row<E: TenantOwned>(
    connection: &Connection,
    tenant: TenantId,
    id: Option<Uuid>,
    hold: bool,
) -> Result<Option<E::Model>, Fault> {
    let backend = connection.backend();
    let postgres = backend == DbBackend::Postgres;
    let shape = Shape { entity: TypeId::of::<E>(), with_id: id.is_some(), hold: hold && postgres, postgres };
    let text = match TEXTS.known(&shape) {
        Some(text) => text,
        None => TEXTS.keep(shape, text::<E>(shape, backend)?),
    };
    let values = [Some(tenant.0), id].into_iter().flatten().map(Value::from);
    let statement = Statement::from_sql_and_values(backend, text, values);
    Ok(connection.models::<E>(statement, 1).await?.pop())
}

fn text<E: TenantOwned>(shape: Shape, backend: DbBackend) -> Result<String, Fault> {
    let key: Vec<E::Column> = <E as EntityTrait>::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
    if key.len() != 1 + usize::from(shape.with_id) {
        return Err(Fault::other(format!("a row of {} has another key", E::NAME)));
    }
    let mut query = columns::select::<E>();
    for column in key {
        query.and_where(column.eq(Uuid::nil()));
    }
    if shape.hold {
        // Rows that refer to this one may be inserted meanwhile: what is held keeps its key.
        query.lock(LockType::NoKeyUpdate);
    }
    Ok(StatementBuilder::build(&query, &backend).sql)
}
