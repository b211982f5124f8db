//! What must hold before a PostgreSQL database is used: the role is weak, and every tenant table is walled.

use super::RUNTIME_ROLE;
use crate::fault;
use kernel::{Fault, FaultKind};
use sqlx::PgConnection;

/// Superuser or BYPASSRLS: row-level security would not bind the role.
const ROLE: &str = "SELECT current_user::text, (rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname = current_user";
/// An owner may drop the walls.
const OWNED: &str = "SELECT c.relname::text FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND r.rolname = current_user LIMIT 1";
/// Tables that hold tenants' rows without a complete wall.
const OPEN: &str = "SELECT c.relname::text FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT (
        c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
            SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*'
                AND pg_get_expr(p.polqual, c.oid) = '(tenant_id = app_tenant())'
                AND pg_get_expr(p.polwithcheck, c.oid) = '(tenant_id = app_tenant())'))
    ORDER BY 1 LIMIT 1";
/// A view without `security_invoker` reads with its owner's eyes.
const VIEWS: &str = "SELECT c.relname::text FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('v', 'm')
        AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false) LIMIT 1";

pub(super) async fn check(connection: &mut PgConnection) -> Result<(), Fault> {
    let failed = |e| fault::of_pg("checking the database's walls", e);
    let (role, strong): (String, bool) = sqlx::query_as(ROLE).fetch_one(&mut *connection).await.map_err(failed)?;
    if strong || role != RUNTIME_ROLE {
        return Err(refuse(format!(
            "the database role “{role}” may pass row-level security by; it must be {RUNTIME_ROLE}, without SUPERUSER or BYPASSRLS"
        )));
    }
    for (sql, why) in [
        (OWNED, "belongs to the role that the server runs as, so that its row-level security could be switched off"),
        (OPEN, "holds tenants' rows but has no complete row-level security"),
        (VIEWS, "is a view that reads with its owner's eyes"),
    ] {
        let found: Option<(String,)> = sqlx::query_as(sql).fetch_optional(&mut *connection).await.map_err(failed)?;
        if let Some((table,)) = found {
            return Err(refuse(format!("the table “{table}” {why}")));
        }
    }
    Ok(())
}

fn refuse(why: String) -> Fault {
    Fault::new(FaultKind::Other, format!("{why}. Nothing was opened."))
}
