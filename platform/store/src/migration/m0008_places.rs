//! Where each segment of a file lies in its blob: every try to write one has a place of its own.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0008_places"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let column = match db.get_database_backend() {
            DbBackend::Postgres => "bytea NOT NULL DEFAULT ''",
            _ => "blob NOT NULL DEFAULT x''",
        };
        db.execute_unprepared(&format!("ALTER TABLE attachment ADD COLUMN places {column}")).await.map(|_| ())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("ALTER TABLE attachment DROP COLUMN places").await.map(|_| ())
    }
}
