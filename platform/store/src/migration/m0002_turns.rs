//! Jobs in turn: those that are due apart from those that wait for their time, so that a claim walks from tenant to tenant
//! and never past anybody's backlog.

use crate::postgres::NOBODY;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

/// Each index holds one state alone, so a job costs as many index entries as before.
const STATEMENTS: [&str; 6] = [
    "ALTER TABLE job ADD COLUMN urgent boolean NOT NULL DEFAULT false",
    "DROP INDEX job_by_state_run_at_id",
    "CREATE INDEX job_in_turn ON job (tenant_id, urgent DESC, run_at, id) WHERE state = 'queued'",
    "CREATE INDEX job_later ON job (run_at) WHERE state = 'later'",
    "CREATE INDEX job_leased ON job (lease_until) WHERE state = 'running'",
    "CREATE INDEX job_parked ON job (id) WHERE state = 'parked'",
];
/// The next claim queues what is due.
const ALL_WAIT: &str = "UPDATE job SET state = 'later' WHERE state = 'queued'";

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_turns"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in STATEMENTS {
            db.execute_unprepared(statement).await?;
        }
        if db.get_database_backend() == DbBackend::Postgres {
            // The walls hold for the owner too: the worker's policy is the one that shows every tenant's jobs.
            let reach = format!("SELECT set_config('app.tenant', '{NOBODY}', true), set_config('app.worker', 'yes', true)");
            db.execute_unprepared(&reach).await?;
        }
        db.execute_unprepared(ALL_WAIT).await.map(|_| ())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("jobs are not put back into one queue".to_owned()))
    }
}
