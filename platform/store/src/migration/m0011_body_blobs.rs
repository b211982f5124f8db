//! The blobs that messages name, without reading the messages: few have a text that is too long for its row.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

const BODY_BLOBS: &str = "CREATE INDEX message_body_blob ON message (tenant_id, body_blob) WHERE body_blob IS NOT NULL";

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0011_body_blobs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(BODY_BLOBS).await.map(|_| ())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP INDEX message_body_blob").await.map(|_| ())
    }
}
