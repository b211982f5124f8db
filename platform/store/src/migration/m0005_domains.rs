//! Tenants' own domains. A name is in one tenant's hands from its proof on, and the database sees to that across all tenants.

use super::{
    m0001_first::{create, index},
    m0001_tables::{Table, flag, maybe, text, uuid, whole},
    m0001_walls::wall,
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

const DOMAIN: Table = Table {
    name: "domain",
    key: &["id"],
    columns: &[
        uuid("id"),
        text("name"),
        text("proof"),
        whole("added_at"),
        maybe(whole("proven_at")),
        maybe(whole("missed_at")),
        maybe(whole("taken_at")),
        maybe(whole("looked_at")),
        maybe(whole("gone_at")),
        flag("leads"),
        text("seen"),
    ],
    references: &[],
    indices: &[(&["tenant_id", "name"], true)],
};

/// Row-level security hides rows, not their index entries: whoever comes second is refused without seeing by whom.
const ONE_HOLDER: &str = "CREATE UNIQUE INDEX domain_held ON domain (name) WHERE proven_at IS NOT NULL";

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0005_domains"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(create(&DOMAIN)).await?;
        for (columns, unique) in DOMAIN.indices {
            manager.create_index(index(&DOMAIN, columns, *unique)).await?;
        }
        let db = manager.get_connection();
        db.execute_unprepared(ONE_HOLDER).await?;
        if db.get_database_backend() == DbBackend::Postgres {
            wall(db, DOMAIN.name).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("proven domains are not thrown away".to_owned()))
    }
}
