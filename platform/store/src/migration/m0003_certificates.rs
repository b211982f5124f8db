//! Names that certificates are ordered for, what CAs are answered meanwhile, and our accounts with them. They belong to the site and
//! not to a tenant: any process may be asked for any name before it knows whose it is. What is secret in them is sealed by the root key.

use super::{
    m0001_first::column,
    m0001_tables::{Column, bytes, maybe, text, whole},
};
use crate::postgres::RUNTIME_ROLE;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr,
    sea_query::{Alias, Index, Table},
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

/// Name, key, the other columns.
const TABLES: [(&str, Column, &[Column]); 3] = [
    (
        "certificate",
        text("name"),
        &[
            text("wanted_by"),
            text("state"),
            whole("next_at"),
            whole("tries"),
            maybe(text("said")),
            maybe(whole("tried_at")),
            whole("attempt"),
            maybe(whole("lease_until")),
            maybe(text("chain")),
            maybe(whole("key_version")),
            maybe(bytes("key_sealed")),
            maybe(whole("not_before")),
            maybe(whole("not_after")),
            whole("wanted_at"),
            whole("changed_at"),
        ],
    ),
    ("acme_challenge", text("name"), &[text("kind"), text("token"), text("answer"), whole("ends_at")]),
    (
        "acme_account",
        text("directory"),
        &[whole("lease_until"), maybe(whole("key_version")), maybe(bytes("key_sealed")), maybe(whole("made_at"))],
    ),
];

const INDICES: [&str; 2] = [
    "CREATE INDEX certificate_due ON certificate (next_at) WHERE state = 'wanted'",
    "CREATE INDEX certificate_by_changed_at ON certificate (changed_at)",
];

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_certificates"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for (name, key, columns) in TABLES {
            let mut build = Table::create();
            build.table(Alias::new(name)).col(column(&key));
            columns.iter().for_each(|c| {
                build.col(column(c));
            });
            build.primary_key(Index::create().col(Alias::new(key.0)));
            manager.create_table(build).await?;
            if db.get_database_backend() == DbBackend::Postgres {
                db.execute_unprepared(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {RUNTIME_ROLE}")).await?;
            }
        }
        for index in INDICES {
            db.execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("certificates and accounts with CAs are not thrown away".to_owned()))
    }
}
