//! PostgreSQL's own wall, tried with plain SQL as the runtime role: what a forgotten filter would meet.

use super::town::{On, Town, settle};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use store::{Database, Db, testing::Postgres};

const MIGRATIONS: [&str; 19] = [
    "m0001_first",
    "m0002_turns",
    "m0003_certificates",
    "m0004_devices",
    "m0005_domains",
    "m0006_hand_offs",
    "m0007_step_up",
    "m0008_places",
    "m0009_client_certificates",
    "m0010_own_domains",
    "m0011_body_blobs",
    "m0012_shown_certificates",
    "m0013_wanted_by",
    "m0014_by_message",
    "m0015_sender_name",
    "m0016_failed_before",
    "m0017_by_id",
    "m0018_revocation",
    "m0019_elsewhere",
];

fn url(town: &Town) -> &str {
    let Database::Postgres { url, .. } = &town.under.database else { unreachable!() };
    url
}

/// Statements in one transaction as the runtime role; answers the number of rows of the last, or the error.
async fn as_server(town: &Town, statements: &[&str]) -> Result<i64, String> {
    let mut connection = PgConnection::connect(url(town)).await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    sqlx::raw_sql("SET LOCAL ROLE countersign_app").execute(&mut *tx).await.unwrap();
    let mut last = 0;
    for statement in statements {
        let rows = sqlx::raw_sql(AssertSqlSafe((*statement).to_owned())).fetch_all(&mut *tx).await.map_err(|e| e.to_string())?;
        last = rows.first().map_or(0, |r| r.try_get::<i64, _>(0).unwrap_or(0));
    }
    tx.commit().await.map_err(|e| e.to_string())?;
    Ok(last)
}

fn as_tenant(who: &store::Caller) -> String {
    format!("SELECT set_config('app.tenant', '{}', true)", who.tenant().0)
}

#[tokio::test]
async fn another_tenants_rows_are_invisible_and_unwritable() {
    let town = Town::found(On::Postgres).await;
    let (member, message, ..) = settle(&town.db, &town.a, "ada@example.org").await;
    let b = as_tenant(&town.b);
    assert_eq!(as_server(&town, &[&as_tenant(&town.a), "SELECT COUNT(*) FROM message"]).await, Ok(1));
    for table in ["message", "member", "recipient"] {
        let count = format!("SELECT COUNT(*) FROM {table}");
        assert_eq!(as_server(&town, &[&b, &count]).await, Ok(0), "{table}");
    }
    assert_eq!(as_server(&town, &[&b, "WITH gone AS (DELETE FROM message RETURNING 1) SELECT COUNT(*) FROM gone"]).await, Ok(0));
    assert_eq!(as_server(&town, &[&b, "WITH hit AS (UPDATE message SET subject = 'x' RETURNING 1) SELECT COUNT(*) FROM hit"]).await, Ok(0));
    let insert = format!("INSERT INTO blocked_address (tenant_id, address, created_at) VALUES ('{}', 'x', 1)", member.tenant_id);
    assert!(as_server(&town, &[&b, &insert]).await.unwrap_err().contains("row-level security"));
    let moved = format!("UPDATE message SET tenant_id = '{}' WHERE id = '{}'", town.b.tenant().0, message.id);
    assert!(as_server(&town, &[&as_tenant(&town.a), &moved]).await.unwrap_err().contains("row-level security"));
}

#[tokio::test]
async fn a_forgotten_tenant_is_an_error_and_not_an_empty_answer() {
    let town = Town::found(On::Postgres).await;
    settle(&town.db, &town.a, "ada@example.org").await;
    let missing = as_server(&town, &["SELECT COUNT(*) FROM message"]).await.unwrap_err();
    assert!(missing.contains("app.tenant"), "{missing}");
    let empty = as_server(&town, &["SELECT set_config('app.tenant', '', true)", "SELECT COUNT(*) FROM message"]).await.unwrap_err();
    assert!(empty.contains("uuid"), "{empty}");
}

#[tokio::test]
async fn the_front_desk_sees_only_the_row_whose_credential_it_presents() {
    let town = Town::found(On::Postgres).await;
    let (.., token) = settle(&town.db, &town.a, "ada@example.org").await;
    settle(&town.db, &town.b, "bob@example.org").await;
    let nobody = "SELECT set_config('app.tenant', '00000000-0000-0000-0000-000000000000', true)";
    let present = format!("SELECT set_config('app.credential', '{}', true)", hex::encode(token.hash()));
    let all = "SELECT COUNT(*) FROM recipient";
    assert_eq!(as_server(&town, &[nobody, all]).await, Ok(0));
    assert_eq!(as_server(&town, &[nobody, &present, all]).await, Ok(1));
    let change = "WITH hit AS (UPDATE recipient SET tries = 0 RETURNING 1) SELECT COUNT(*) FROM hit";
    assert_eq!(as_server(&town, &[nobody, &present, change]).await, Ok(0), "presenting is for looking");
    for other in ["message", "member", "tenant", "job"] {
        assert_eq!(as_server(&town, &[nobody, &present, &format!("SELECT COUNT(*) FROM {other}")]).await, Ok(0), "{other}");
    }
}

#[tokio::test]
async fn the_server_cannot_touch_evidence_roles_or_tables() {
    let town = Town::found(On::Postgres).await;
    let a = as_tenant(&town.a);
    for forbidden in [
        "DELETE FROM evidence",
        "UPDATE evidence SET kind = 'x'",
        "TRUNCATE message",
        "ALTER TABLE message DISABLE ROW LEVEL SECURITY",
        "DROP TABLE message",
        "CREATE TABLE loot AS SELECT 1",
        "DELETE FROM seaql_migrations",
    ] {
        let refused = as_server(&town, &[&a, forbidden]).await.expect_err(forbidden);
        assert!(refused.contains("permission denied") || refused.contains("must be owner"), "{forbidden}: {refused}");
    }
}

/// Breaks one wall and expects that nothing opens.
async fn refuses_after(breaking: &str, because: &str) {
    let town = Town::found(On::Postgres).await;
    town.db.close().await;
    Postgres::start().admin_in(url(&town), breaking).await;
    let refused = Db::open(&town.under.database, town.under.ground(9)).await.err().expect(breaking).to_string();
    assert!(refused.contains(because), "{breaking}: {refused}");
}

#[tokio::test]
async fn a_database_with_a_hole_in_its_wall_does_not_open() {
    refuses_after("ALTER TABLE reply DISABLE ROW LEVEL SECURITY", "“reply”").await;
    refuses_after("ALTER TABLE visit NO FORCE ROW LEVEL SECURITY", "“visit”").await;
    refuses_after("DROP POLICY tenant_wall ON draft", "“draft”").await;
    refuses_after("ALTER POLICY tenant_wall ON draft USING (true)", "“draft”").await;
    refuses_after("CREATE TABLE later (tenant_id uuid NOT NULL, x text)", "“later”").await;
    refuses_after("ALTER TABLE chain OWNER TO countersign_app", "“chain”").await;
    refuses_after("CREATE VIEW everything AS SELECT * FROM message", "“everything”").await;
    refuses_after("DELETE FROM seaql_migrations", "countersign migrate").await;
}

#[tokio::test]
async fn a_database_that_was_never_migrated_says_what_to_do() {
    let database = Database::Postgres { url: Postgres::start().fresh_database().await, connections: 2 };
    assert_eq!(Db::pending_migrations(&database).await.unwrap(), MIGRATIONS);
    let under = store::testing::fresh_sqlite().await;
    let refused = Db::open(&database, under.ground(1)).await.err().unwrap().to_string();
    assert!(refused.contains("countersign migrate"), "{refused}");
    assert_eq!(Db::migrate(&database).await.unwrap(), MIGRATIONS);
    assert!(Db::migrate(&database).await.unwrap().is_empty());
    assert!(Db::pending_migrations(&database).await.unwrap().is_empty());
}

#[tokio::test]
async fn sqlite_is_migrated_once_and_not_opened_before() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::Sqlite { path: dir.path().join("deep/er/a.db") };
    let under = store::testing::fresh_sqlite().await;
    assert!(Db::open(&database, under.ground(1)).await.is_err());
    assert_eq!(Db::pending_migrations(&database).await.unwrap(), MIGRATIONS);
    assert_eq!(Db::migrate(&database).await.unwrap(), MIGRATIONS);
    assert!(Db::migrate(&database).await.unwrap().is_empty());
    Db::open(&database, under.ground(1)).await.unwrap().ping().await.unwrap();
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(dir.path().join("deep/er/a.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
