//! An authority may have several lists of revoked certificates: its own, and those of the authorities between it and the people's. And what was
//! revoked here stays so when the authority is removed, because it may be accepted again.
//!
//! What would surprise you: a process of the version before lets nobody in by certificate from here on, until it is replaced. It looks for its one
//! list in columns that are gone, which is better than to let somebody in whom the new lists keep out.

use super::{
    m0001_first::{create, index},
    m0001_tables::{Table, bytes, flag, maybe, part_of, text, uuid, whole},
    m0001_walls::wall,
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

const TABLES: [Table; 2] = [LISTS, REVOKED];

const LISTS: Table = Table {
    name: "client_ca_list",
    key: &["id"],
    columns: &[
        uuid("id"),
        uuid("ca_id"),
        whole("place"),
        text("url"),
        maybe(bytes("der")),
        maybe(whole("next_at")),
        maybe(whole("looked_at")),
        text("said"),
    ],
    references: &[part_of("ca_id", "client_ca")],
    indices: &[(&["tenant_id", "ca_id", "url"], true)],
};

const REVOKED: Table = Table {
    name: "revoked_certificate",
    key: &["id"],
    columns: &[uuid("id"), bytes("issuer_key_hash"), bytes("serial"), bytes("key_hash"), flag("by_key"), whole("revoked_at")],
    references: &[],
    indices: &[(&["tenant_id", "key_hash"], false), (&["tenant_id", "issuer_key_hash", "serial"], false)],
};

/// The one that each had; the work that looks for it names authority and address, as before.
const COPY: &str = "INSERT INTO client_ca_list (tenant_id, id, ca_id, place, url, der, next_at, looked_at, said)
    SELECT tenant_id, id, id, 0, crl_url, crl, crl_next_at, crl_looked_at, crl_said FROM client_ca WHERE crl_url <> ''";
const MOVED: [&str; 5] = ["crl_url", "crl", "crl_next_at", "crl_looked_at", "crl_said"];

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0018_revocation"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let walls = db.get_database_backend() == DbBackend::Postgres;
        for table in &TABLES {
            manager.create_table(create(table)).await?;
            for (columns, unique) in table.indices {
                manager.create_index(index(table, columns, *unique)).await?;
            }
        }
        // The wall holds the tables' owner out as well, who has no tenant here.
        if walls {
            db.execute_unprepared("ALTER TABLE client_ca NO FORCE ROW LEVEL SECURITY").await?;
        }
        db.execute_unprepared(COPY).await?;
        for column in MOVED {
            db.execute_unprepared(&format!("ALTER TABLE client_ca DROP COLUMN {column}")).await?;
        }
        if walls {
            db.execute_unprepared("ALTER TABLE client_ca FORCE ROW LEVEL SECURITY").await?;
            for table in &TABLES {
                wall(db, table.name).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("an authority would lose all of its lists but one".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        lite::{Access, LiteConnection},
        migration::{
            migrate_sqlite,
            old::{before, count, insert},
        },
    };

    #[tokio::test]
    async fn an_authority_keeps_the_list_that_it_had() {
        let dir = tempfile::tempdir().unwrap();
        let (path, connection) = before(18, &dir).await;
        let of = ("tenant_id", "t");
        insert(&connection, "tenant", &[of]);
        for (id, url) in [("a", "http://acme.example/list"), ("b", "")] {
            insert(&connection, "client_ca", &[of, ("id", id), ("fingerprint", id), ("crl_url", url), ("crl_next_at", "77")]);
        }
        drop(connection);
        assert_eq!(migrate_sqlite(&path).await.unwrap()[0], "m0018_revocation");

        let connection = LiteConnection::open(&path, Access::Create).unwrap();
        let its = "client_ca_list WHERE ca_id = 'a' AND url = 'http://acme.example/list' AND next_at = 77 AND length(der) = 1";
        assert_eq!((count(&connection, "client_ca_list"), count(&connection, its)), (1, 1), "who had none has none");
        connection.batch("DELETE FROM client_ca WHERE id = 'a'").unwrap();
        assert_eq!(count(&connection, "client_ca_list"), 0);
    }
}
