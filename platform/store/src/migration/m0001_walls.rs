//! PostgreSQL's own wall between tenants: a runtime role that owns nothing, and a policy on every table.

use super::m0001_tables::TABLES;
use crate::postgres::RUNTIME_ROLE;
use sea_orm::{ConnectionTrait, DbErr};

/// Roles belong to the whole cluster, so another database's migration may be making it at this very moment: a few tries.
const ROLE: &str = "DO $$ BEGIN
    FOR attempt IN 1..20 LOOP
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'countersign_app') THEN
                CREATE ROLE countersign_app NOLOGIN;
            END IF;
            IF NOT pg_has_role(current_user, 'countersign_app', 'MEMBER') THEN
                EXECUTE format('GRANT countersign_app TO %I', current_user);
            END IF;
            EXIT;
        EXCEPTION WHEN duplicate_object OR unique_violation OR internal_error THEN
            IF attempt = 20 THEN RAISE; END IF;
            PERFORM pg_sleep(0.05);
        END;
    END LOOP;
END $$";

/// Raises where the setting is missing (unrecognized parameter) or empty (not a UUID), so a forgotten tenant is an error and not
/// an empty answer. Plain SQL, so that the planner sees through it to the index.
const TENANT: &str =
    "CREATE FUNCTION app_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT current_setting('app.tenant')::uuid $$";

/// Tables whose rows whoever presents a credential may look at before the tenant is known; and what a row must carry.
const CREDENTIALS: [&str; 4] = ["session", "api_key", "recipient", "mailed_link"];
const BY_TOKEN: &str = "token_hash = decode(nullif(current_setting('app.credential', true), ''), 'hex')";
const BY_EMAIL: &str = "email_folded = convert_from(decode(nullif(current_setting('app.email', true), ''), 'hex'), 'UTF8')";

/// The worker sees jobs of every tenant; the operator's commands see and change tenants.
const ACROSS: [&str; 3] = [
    "CREATE POLICY worker ON job USING (current_setting('app.worker', true) = 'yes')
        WITH CHECK (current_setting('app.worker', true) = 'yes')",
    "CREATE POLICY operator_looks ON tenant FOR SELECT USING (current_setting('app.operator', true) = 'yes')",
    "CREATE POLICY operator_changes ON tenant FOR UPDATE USING (current_setting('app.operator', true) = 'yes')
        WITH CHECK (current_setting('app.operator', true) = 'yes')",
];

const APPEND_ONLY: [&str; 3] = [
    "CREATE FUNCTION evidence_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'evidence is append-only'; END $$",
    "CREATE TRIGGER evidence_is_fixed BEFORE UPDATE OR DELETE ON evidence FOR EACH ROW EXECUTE FUNCTION evidence_is_append_only()",
    "CREATE TRIGGER evidence_stays BEFORE TRUNCATE ON evidence FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_append_only()",
];

pub(super) async fn build<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    db.execute_unprepared(ROLE).await?;
    db.execute_unprepared(TENANT).await?;
    for table in TABLES {
        wall(db, table.name).await?;
    }
    for table in CREDENTIALS {
        presented(db, table).await?;
    }
    db.execute_unprepared(&format!("CREATE POLICY presented ON member FOR SELECT USING ({BY_EMAIL})")).await?;
    for statement in ACROSS.iter().chain(&APPEND_ONLY) {
        db.execute_unprepared(statement).await?;
    }
    db.execute_unprepared(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON brake TO {RUNTIME_ROLE}")).await?;
    db.execute_unprepared(&format!("GRANT SELECT ON seaql_migrations TO {RUNTIME_ROLE}")).await?;
    Ok(())
}

/// Lets whoever presents a row's token look at that row.
pub(super) async fn presented<C: ConnectionTrait>(db: &C, table: &str) -> Result<(), DbErr> {
    db.execute_unprepared(&format!("CREATE POLICY presented ON \"{table}\" FOR SELECT USING ({BY_TOKEN})")).await.map(|_| ())
}

pub(super) async fn wall<C: ConnectionTrait>(db: &C, table: &str) -> Result<(), DbErr> {
    let rights = if table == "evidence" { "SELECT, INSERT" } else { "SELECT, INSERT, UPDATE, DELETE" };
    for statement in [
        format!("ALTER TABLE \"{table}\" ENABLE ROW LEVEL SECURITY"),
        format!("ALTER TABLE \"{table}\" FORCE ROW LEVEL SECURITY"),
        format!("CREATE POLICY tenant_wall ON \"{table}\" USING (tenant_id = app_tenant()) WITH CHECK (tenant_id = app_tenant())"),
        format!("GRANT {rights} ON \"{table}\" TO {RUNTIME_ROLE}"),
    ] {
        db.execute_unprepared(&statement).await?;
    }
    Ok(())
}
