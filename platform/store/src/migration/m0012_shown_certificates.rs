//! Which certificate a visit was proven by. Certificates of the hosts that ask for one are the site's own, and no tenant's, from here on.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0012_shown_certificates"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let column = if db.get_database_backend() == DbBackend::Postgres { "bytea" } else { "blob" };
        db.execute_unprepared(&format!("ALTER TABLE visit ADD COLUMN certificate_hash {column}")).await?;
        db.execute_unprepared("UPDATE certificate SET wanted_by = 'asking' WHERE name IN (SELECT name FROM client_name)").await.map(|_| ())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("ALTER TABLE visit DROP COLUMN certificate_hash").await.map(|_| ())
    }
}
