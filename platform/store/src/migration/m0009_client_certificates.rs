//! Authorities whose client certificates a tenant accepts, the certificates themselves, tickets from one host of ours to another, and
//! the names at which a certificate is asked for. The last belong to no tenant: a handshake knows a name before anybody knows whose it is.

use super::{
    m0001_first::{column, create, index},
    m0001_tables::{Table, bytes, flag, maybe, part_of, text, uuid, whole},
    m0001_walls::{presented, wall},
};
use crate::postgres::RUNTIME_ROLE;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr,
    sea_query::{Alias, Table as Build},
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

const TABLES: [Table; 3] = [
    Table {
        name: "client_ca",
        key: &["id"],
        columns: &[
            uuid("id"),
            bytes("fingerprint"),
            text("subject"),
            text("chain"),
            whole("not_after"),
            maybe(bytes("key_sealed")),
            flag("maps_by_address"),
            text("crl_url"),
            whole("crl_grace_hours"),
            maybe(bytes("crl")),
            maybe(whole("crl_next_at")),
            maybe(whole("crl_looked_at")),
            text("crl_said"),
            whole("added_at"),
        ],
        references: &[],
        indices: &[(&["tenant_id", "fingerprint"], true)],
    },
    Table {
        name: "client_certificate",
        key: &["id"],
        columns: &[
            uuid("id"),
            uuid("member_id"),
            uuid("ca_id"),
            bytes("issuer_key_hash"),
            bytes("serial"),
            bytes("key_hash"),
            flag("by_key"),
            flag("issued"),
            text("subject"),
            whole("not_after"),
            whole("added_at"),
            maybe(whole("last_used_at")),
            maybe(whole("revoked_at")),
        ],
        references: &[part_of("member_id", "member"), part_of("ca_id", "client_ca")],
        indices: &[
            (&["tenant_id", "key_hash"], false),
            (&["tenant_id", "issuer_key_hash", "serial"], true),
            (&["tenant_id", "member_id"], false),
        ],
    },
    Table {
        name: "ticket",
        key: &["id"],
        columns: &[
            uuid("id"),
            uuid("member_id"),
            text("purpose"),
            bytes("token_hash"),
            whole("epoch"),
            whole("factor_at"),
            whole("ends_at"),
        ],
        references: &[part_of("member_id", "member")],
        indices: &[(&["token_hash"], true)],
    },
];

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0009_client_certificates"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let postgres = db.get_database_backend() == DbBackend::Postgres;
        for table in &TABLES {
            manager.create_table(create(table)).await?;
            for (columns, unique) in table.indices {
                manager.create_index(index(table, columns, *unique)).await?;
            }
            if postgres {
                wall(db, table.name).await?;
            }
        }
        let mut names = Build::create();
        names.table(Alias::new("client_name")).col(column(&text("name")).primary_key());
        names.col(column(&bytes("roots"))).col(column(&whole("changed_at")));
        manager.create_table(names).await?;
        db.execute_unprepared("CREATE INDEX client_name_by_changed_at ON client_name (changed_at)").await?;
        if postgres {
            presented(db, "ticket").await?;
            db.execute_unprepared(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON client_name TO {RUNTIME_ROLE}")).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("authorities and certificates are not thrown away".to_owned()))
    }
}
