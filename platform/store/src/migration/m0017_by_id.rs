//! Jobs, recipients and visits are keyed by id and tenant instead of tenant and id. An id begins with the time, so what many tenants do at
//! once is entered in one place of the key and a commit writes a page for it, where it wrote one for each tenant. What is looked for among
//! one tenant's jobs has an index of its own: those that are held, and the looks at its domains.
//!
//! What would surprise you: SQLite changes no key, so each table is written anew. The references to them are checked before the commit.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, SchemaManagerConnection};

pub(super) struct Migration;

const TABLES: [&str; 3] = ["job", "recipient", "visit"];
const OLD_KEY: &str = r#"PRIMARY KEY ("tenant_id", "id")"#;
const NEW_KEY: &str = r#"PRIMARY KEY ("id", "tenant_id")"#;

const KEYS_POSTGRES: [&str; 7] = [
    "ALTER TABLE visit DROP CONSTRAINT visit_recipient",
    "ALTER TABLE released DROP CONSTRAINT released_visit",
    "ALTER TABLE job DROP CONSTRAINT job_pkey, ADD PRIMARY KEY (id, tenant_id)",
    "ALTER TABLE recipient DROP CONSTRAINT recipient_pkey, ADD PRIMARY KEY (id, tenant_id)",
    "ALTER TABLE visit DROP CONSTRAINT visit_pkey, ADD PRIMARY KEY (id, tenant_id)",
    "ALTER TABLE visit ADD CONSTRAINT visit_recipient FOREIGN KEY (tenant_id, recipient_id) REFERENCES recipient (tenant_id, id) ON DELETE CASCADE",
    "ALTER TABLE released ADD CONSTRAINT released_visit FOREIGN KEY (tenant_id, visit_id) REFERENCES visit (tenant_id, id) ON DELETE CASCADE",
];
/// References are checked over all tenants: the walls are for the server's role, and come back within the same transaction.
const REFERRING: [&str; 3] = ["recipient", "visit", "released"];
const INDICES: [&str; 2] = [
    "CREATE INDEX job_held ON job (tenant_id) WHERE state = 'held'",
    "CREATE INDEX job_domain_look ON job (tenant_id, payload) WHERE kind = 'domains.look'",
];

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0017_by_id"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        match db.get_database_backend() {
            DbBackend::Postgres => {
                run(db, &REFERRING.map(|table| format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))).await?;
                run(db, &KEYS_POSTGRES).await?;
                run(db, &REFERRING.map(|table| format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY"))).await?;
            }
            _ => {
                for table in TABLES {
                    write_anew(db, table).await?;
                }
            }
        }
        run(db, &INDICES).await
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("keys by id are not put back behind the tenant".to_owned()))
    }
}

async fn run(db: &SchemaManagerConnection<'_>, statements: &[impl AsRef<str>]) -> Result<(), DbErr> {
    for statement in statements {
        db.execute_unprepared(statement.as_ref()).await?;
    }
    Ok(())
}

/// The table under its new key, with the rows and indices that it had (<https://www.sqlite.org/lang_altertable.html#otheralter>).
async fn write_anew(db: &SchemaManagerConnection<'_>, table: &str) -> Result<(), DbErr> {
    let look = format!("SELECT name, sql FROM sqlite_master WHERE tbl_name = '{table}' AND sql IS NOT NULL ORDER BY type DESC");
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, look)).await?;
    let made: Vec<String> = rows.iter().map(|row| row.try_get("", "sql")).collect::<Result<_, _>>()?;
    let (of_table, indices) = made.split_first().ok_or_else(|| DbErr::Migration(format!("there is no table {table}")))?;
    let anew = of_table.replacen(&format!("\"{table}\""), &format!("\"{table}_anew\""), 1).replace(OLD_KEY, NEW_KEY);
    if !anew.contains(NEW_KEY) || !anew.contains("_anew") {
        return Err(DbErr::Migration(format!("the table {table} is not as it was made: {of_table}")));
    }
    let steps = [
        anew,
        format!("INSERT INTO {table}_anew SELECT * FROM {table}"),
        format!("DROP TABLE {table}"),
        format!("ALTER TABLE {table}_anew RENAME TO {table}"),
    ];
    run(db, &steps).await?;
    run(db, indices).await
}

#[cfg(test)]
mod tests {
    use crate::{
        connection::Connection,
        lite::{Access, LiteConnection},
        migration::{
            migrate_sqlite,
            old::{before, count, insert},
        },
        postgres::Reach,
        testing::fresh_sqlite,
    };
    use uuid::Uuid;

    #[tokio::test]
    async fn what_was_there_before_stays_and_what_refers_to_it_still_does() {
        let dir = tempfile::tempdir().unwrap();
        let (path, connection) = before(17, &dir).await;
        let of = ("tenant_id", "t");
        insert(&connection, "tenant", &[of]);
        insert(&connection, "member", &[of, ("id", "m")]);
        insert(&connection, "message", &[of, ("id", "x"), ("member_id", "m")]);
        for id in ["a", "b"] {
            insert(&connection, "recipient", &[of, ("id", id), ("message_id", "x"), ("token_hash", id), ("address", id)]);
            insert(&connection, "visit", &[of, ("id", id), ("message_id", "x"), ("recipient_id", id)]);
            insert(&connection, "released", &[of, ("visit_id", id)]);
            insert(&connection, "job", &[of, ("id", id), ("state", "held"), ("payload", id)]);
        }
        drop(connection);
        assert_eq!(migrate_sqlite(&path).await.unwrap()[0], "m0017_by_id");

        let connection = LiteConnection::open(&path, Access::Create).unwrap();
        for (rows, n) in
            [("recipient WHERE address = 'b'", 1), ("visit WHERE recipient_id = 'a'", 1), ("released", 2), ("job WHERE state = 'held'", 2)]
        {
            assert_eq!(count(&connection, rows), n, "{rows}");
        }
        let twice = connection.batch("INSERT INTO recipient SELECT * FROM recipient WHERE id = 'a'");
        assert!(twice.is_err(), "a key is a key");
        connection.batch("DELETE FROM recipient WHERE id = 'a'").unwrap();
        assert_eq!((count(&connection, "visit"), count(&connection, "released")), (1, 1));
        connection.batch("DELETE FROM message").unwrap();
        assert_eq!((count(&connection, "recipient"), count(&connection, "visit"), count(&connection, "released")), (0, 0, 0));
        let nobodys = connection.batch("INSERT INTO visit SELECT 't', 'c', 'x', 'nobody', x'01', 1, 1, 1, 1, 1, 1, x'01', 1, 1, x'01'");
        assert!(nobodys.is_err(), "a visit is somebody's");
    }

    #[tokio::test]
    async fn sqlite_takes_the_keys_and_the_indices() {
        let db = fresh_sqlite().await.open(1).await.unwrap();
        for (index, sql) in [
            ("sqlite_autoindex_job_1", "SELECT * FROM job WHERE tenant_id = $1 AND id = $2"),
            ("sqlite_autoindex_recipient_1", "SELECT * FROM recipient WHERE tenant_id = $1 AND id = $2"),
            ("sqlite_autoindex_visit_1", "SELECT * FROM visit WHERE tenant_id = $1 AND id = $2"),
            ("visit_by_recipient", "UPDATE visit SET key_wrapped = NULL WHERE tenant_id = $1 AND recipient_id IN ($2, $3)"),
            ("job_held", "SELECT COUNT(*) FROM job WHERE tenant_id = $1 AND state = 'held'"),
            ("job_held", "UPDATE job SET state = 'later' WHERE tenant_id = $1 AND state = 'held'"),
            ("job_domain_look", "DELETE FROM job WHERE tenant_id = $1 AND kind = 'domains.look' AND payload = $2 AND state <> 'running'"),
        ] {
            let values = (0..sql.matches('$').count()).map(|_| Uuid::nil().into());
            let plan = db.across_read(&Reach::Nobody, async |rows: &Connection| rows.plan(sql, values).await).await.unwrap();
            assert!(plan.iter().any(|step| step.contains(&format!("INDEX {index} ("))), "{sql}: {plan:?}");
        }
    }
}
