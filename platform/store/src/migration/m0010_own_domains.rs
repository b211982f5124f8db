//! How many domains of its own a tenant's plan has, and of which certificate it was told that it cannot be renewed.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

const COLUMNS: [&str; 2] =
    ["ALTER TABLE allowance ADD COLUMN own_domains_limit bigint", "ALTER TABLE domain ADD COLUMN renewal_told bigint"];
/// Tenants from before get what the shipped plan of that name has. A plan of the operator's own has none until the tenant is moved: a limit
/// that cannot be read must not become unlimited.
const LIMITS: &str = "UPDATE allowance SET own_domains_limit =
    CASE (SELECT plan FROM tenant WHERE tenant.tenant_id = allowance.tenant_id)
        WHEN 'solo' THEN 1 WHEN 'business' THEN 10 WHEN 'developer' THEN 1 WHEN 'server' THEN NULL ELSE 0 END";
/// The wall holds the tables' owner out as well, who has no tenant here.
const WALLED: [&str; 2] = ["allowance", "tenant"];

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0010_own_domains"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let walls = db.get_database_backend() == DbBackend::Postgres;
        for column in COLUMNS {
            db.execute_unprepared(column).await?;
        }
        for table in WALLED.iter().filter(|_| walls) {
            db.execute_unprepared(&format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")).await?;
        }
        db.execute_unprepared(LIMITS).await?;
        for table in WALLED.iter().filter(|_| walls) {
            db.execute_unprepared(&format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("ALTER TABLE allowance DROP COLUMN own_domains_limit").await?;
        db.execute_unprepared("ALTER TABLE domain DROP COLUMN renewal_told").await.map(|_| ())
    }
}
