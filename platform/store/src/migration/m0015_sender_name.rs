//! What sender and tenant were called when a message was submitted. Older rows have nothing there: of them the names of today are shown.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

const COLUMNS: [&str; 2] = ["sender_name", "tenant_name"];

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0015_sender_name"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            manager.get_connection().execute_unprepared(&format!("ALTER TABLE message ADD COLUMN {column} text")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            manager.get_connection().execute_unprepared(&format!("ALTER TABLE message DROP COLUMN {column}")).await?;
        }
        Ok(())
    }
}
