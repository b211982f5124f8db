//! Browsers that signed in to an account before.

use super::{
    m0001_first::{create, index},
    m0001_tables::{Table, bytes, part_of, uuid, whole},
    m0001_walls::{presented, wall},
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

/// One browser may be known to several accounts, so its token stands in several rows.
const DEVICE: Table = Table {
    name: "device",
    key: &["id"],
    columns: &[uuid("id"), uuid("member_id"), bytes("token_hash"), whole("created_at"), whole("expires_at")],
    references: &[part_of("member_id", "member")],
    indices: &[(&["token_hash"], false), (&["tenant_id", "member_id"], false)],
};

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_devices"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(create(&DEVICE)).await?;
        for (columns, unique) in DEVICE.indices {
            manager.create_index(index(&DEVICE, columns, *unique)).await?;
        }
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            wall(db, DEVICE.name).await?;
            presented(db, DEVICE.name).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE device").await.map(|_| ())
    }
}
