//! Handing people over from the account host to another one: which codes were spent, and which sessions are another host's.

use super::{
    m0001_first::{create, index},
    m0001_tables::{Table, text, uuid, whole},
    m0001_walls::wall,
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

const HAND_OFF: Table = Table {
    name: "hand_off",
    key: &["id"],
    columns: &[uuid("id"), text("host"), whole("spent_at"), whole("expires_at")],
    references: &[],
    indices: &[(&["tenant_id", "expires_at"], false)],
};

/// Empty: the account host's.
const HOST: &str = "ALTER TABLE session ADD COLUMN host text NOT NULL DEFAULT ''";

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_hand_offs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(create(&HAND_OFF)).await?;
        for (columns, unique) in HAND_OFF.indices {
            manager.create_index(index(&HAND_OFF, columns, *unique)).await?;
        }
        let db = manager.get_connection();
        db.execute_unprepared(HOST).await?;
        if db.get_database_backend() == DbBackend::Postgres {
            wall(db, HAND_OFF.name).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("DROP TABLE hand_off").await?;
        db.execute_unprepared("ALTER TABLE session DROP COLUMN host").await.map(|_| ())
    }
}
