//! Evidence is append-only whoever asks, and outlives what it is about.

use super::town::{On, Town, settle};
use crate::on_both;
use kernel::Fault;
use sea_orm::{ColumnTrait, Set};
use store::{
    TenantRead, TenantTx,
    entity::{evidence, message},
    sea_orm,
    testing::Postgres,
};
use uuid::Uuid;

async fn record(town: &Town, message: Uuid) {
    let row = evidence::ActiveModel {
        seq: Set(1),
        id: Set(Uuid::from_u128(1)),
        message_id: Set(Some(message)),
        recipient_id: Set(None),
        kind: Set("submitted".into()),
        at: Set(1),
        grounds: Set("{}".into()),
        prev: Set(vec![0; 32]),
        hash: Set(vec![1; 32]),
        ..Default::default()
    };
    town.db.act(&town.a, async |tx: &mut TenantTx| tx.insert(row).await).await.unwrap();
}

on_both! {
    async fn evidence_is_neither_changed_nor_deleted(town) {
        record(&town, Uuid::from_u128(2)).await;
        let change = town.db.act(&town.a, async |tx: &mut TenantTx| tx.update::<evidence::Entity>().set(evidence::Column::Kind, "opened").exec().await);
        assert!(change.await.is_err());
        let delete = town.db.act(&town.a, async |tx: &mut TenantTx| tx.delete::<evidence::Entity>(evidence::Column::Seq.eq(1)).await);
        assert!(delete.await.is_err());
        let kept = town.db.read(&town.a, async |read: &TenantRead| read.find::<evidence::Entity>().one().await).await.unwrap().unwrap();
        assert_eq!(kept.kind, "submitted");
    }

    async fn evidence_outlives_its_message(town) {
        let (_, message, ..) = settle(&town.db, &town.a, "ada@example.org").await;
        record(&town, message.id).await;
        let left = town.db.act(&town.a, async |tx: &mut TenantTx| {
            tx.delete::<message::Entity>(message::Column::Id.eq(message.id)).await?;
            tx.find::<evidence::Entity>().count().await
        });
        assert_eq!(left.await.unwrap(), 1);
    }
}

#[tokio::test]
async fn not_even_the_owner_changes_evidence_on_postgres() {
    let town = Town::found(On::Postgres).await;
    record(&town, Uuid::from_u128(2)).await;
    let store::Database::Postgres { url, .. } = &town.under.database else { unreachable!() };
    for sql in ["UPDATE evidence SET kind = 'x'", "DELETE FROM evidence", "TRUNCATE evidence"] {
        // The superuser passes row-level security by, and meets the trigger.
        let sql = format!(
            "DO $$ BEGIN {sql}; RAISE 'changed'; EXCEPTION WHEN raise_exception THEN ASSERT SQLERRM = 'evidence is append-only', SQLERRM; END $$"
        );
        Postgres::start().admin_in(url, &sql).await;
    }
    let left = town.db.read(&town.a, async |read: &TenantRead| read.find::<evidence::Entity>().count().await).await;
    assert_eq!(left.map_err(|f: Fault| f.to_string()), Ok(1));
}
