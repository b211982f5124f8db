//! The first schema: tables, indices, append-only evidence, and on PostgreSQL the walls.

use super::{
    m0001_tables::{Column, Kind, TABLES, Table},
    m0001_walls,
};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr,
    sea_query::{Alias, ColumnDef, ForeignKey, ForeignKeyAction, Index, Table as Build, TableCreateStatement},
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

/// What evidence answers to anything but SELECT and INSERT.
const APPEND_ONLY_SQLITE: [&str; 2] = [
    "CREATE TRIGGER evidence_stays BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END",
    "CREATE TRIGGER evidence_is_fixed BEFORE UPDATE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END",
];

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_first"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            manager.create_table(create(table)).await?;
            for (columns, unique) in table.indices {
                manager.create_index(index(table, columns, *unique)).await?;
            }
        }
        manager.create_table(brake()).await?;
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            return m0001_walls::build(db).await;
        }
        for trigger in APPEND_ONLY_SQLITE {
            db.execute_unprepared(trigger).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the first migration is not undone: it would delete every message and its evidence".to_owned()))
    }
}

pub(super) fn create(table: &Table) -> TableCreateStatement {
    let mut build = Build::create();
    build.table(Alias::new(table.name)).col(column(&("tenant_id", Kind::Uuid, false)));
    table.columns.iter().for_each(|c| {
        build.col(column(c));
    });
    let mut key = Index::create();
    ["tenant_id"].iter().chain(table.key).for_each(|c| {
        key.col(Alias::new(*c));
    });
    build.primary_key(&mut key);
    if table.name != "tenant" {
        build.foreign_key(
            ForeignKey::create()
                .name(format!("{}_tenant", table.name))
                .from(Alias::new(table.name), Alias::new("tenant_id"))
                .to(Alias::new("tenant"), Alias::new("tenant_id")),
        );
    }
    for reference in table.references {
        let mut foreign = ForeignKey::create();
        foreign
            .name(format!("{}_{}", table.name, reference.to))
            .from(Alias::new(table.name), (Alias::new("tenant_id"), Alias::new(reference.column)))
            .to(Alias::new(reference.to), (Alias::new("tenant_id"), Alias::new("id")));
        if reference.cascade {
            foreign.on_delete(ForeignKeyAction::Cascade);
        }
        build.foreign_key(&mut foreign);
    }
    build
}

pub(super) fn index(table: &Table, columns: &[&str], unique: bool) -> sea_orm::sea_query::IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("{}_by_{}", table.name, columns.join("_"))).table(Alias::new(table.name));
    columns.iter().for_each(|c| {
        index.col(Alias::new(*c));
    });
    if unique {
        index.unique();
    }
    index
}

/// Belongs to no tenant: counts guesses by address and network.
fn brake() -> TableCreateStatement {
    let mut build = Build::create();
    build
        .table(Alias::new("brake"))
        .col(column(&("name_hash", Kind::Bytes, false)).primary_key())
        .col(column(&("ends_at", Kind::Whole, false)))
        .col(column(&("count", Kind::Whole, false)));
    build
}

pub(super) fn column((name, kind, null): &Column) -> ColumnDef {
    let mut column = ColumnDef::new(Alias::new(*name));
    match kind {
        Kind::Uuid => column.uuid(),
        Kind::Text => column.text(),
        Kind::Whole => column.big_integer(),
        Kind::Bool => column.boolean(),
        Kind::Bytes => column.blob(),
    };
    if !null {
        column.not_null();
    }
    column
}
