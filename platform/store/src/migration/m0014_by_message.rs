//! Indices by message lead with the message. Its id begins with the time, so what many tenants send at once is entered in one place and
//! a commit writes a few pages, where it wrote one for each tenant and index. The tenant comes second: with two columns given, SQLite,
//! which keeps no statistics, prefers these to the primary key. An address is looked for among those that have opened something.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

const STATEMENTS: [&str; 8] = [
    "DROP INDEX evidence_by_tenant_id_message_id_seq",
    "DROP INDEX recipient_by_tenant_id_message_id_position",
    "DROP INDEX recipient_by_tenant_id_address",
    "DROP INDEX visit_by_tenant_id_recipient_id",
    "CREATE INDEX evidence_by_message ON evidence (message_id, tenant_id, seq)",
    "CREATE INDEX recipient_by_message ON recipient (message_id, tenant_id, position)",
    "CREATE INDEX recipient_opened ON recipient (tenant_id, address) WHERE opened_at IS NOT NULL",
    "CREATE INDEX visit_by_recipient ON visit (recipient_id, tenant_id)",
];

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0014_by_message"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in STATEMENTS {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("indices by message are not put back behind the tenant".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{connection::Connection, postgres::Reach, testing::fresh_sqlite};
    use uuid::Uuid;

    /// The primary keys lead with the tenant, and one of them would give the rows of a whole tenant in the order that is asked for.
    #[tokio::test]
    async fn sqlite_takes_these_indices() {
        let db = fresh_sqlite().await.open(1).await.unwrap();
        for (index, look) in [
            ("evidence_by_message", "evidence WHERE tenant_id = $1 AND message_id = $2 ORDER BY seq"),
            ("evidence_by_message", "evidence WHERE tenant_id = $1 AND message_id = $2 AND seq > 7 ORDER BY seq LIMIT 9"),
            ("recipient_by_message", "recipient WHERE tenant_id = $1 AND message_id = $2 ORDER BY position"),
            ("recipient_by_message", "recipient WHERE tenant_id = $1 AND message_id IN ($2, $3)"),
            ("visit_by_recipient", "visit WHERE tenant_id = $1 AND recipient_id = $2"),
            ("recipient_opened", "recipient WHERE tenant_id = $1 AND address IN ('a', 'b') AND opened_at IS NOT NULL"),
        ] {
            let sql = format!("SELECT * FROM {look}");
            let values = (0..look.matches('$').count()).map(|_| Uuid::nil().into());
            let plan = db.across_read(&Reach::Nobody, async |rows: &Connection| rows.plan(&sql, values).await).await.unwrap();
            assert!(plan.iter().any(|step| step.contains(&format!("USING INDEX {index} "))), "{look}: {plan:?}");
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{look}: {plan:?}");
        }
    }
}
