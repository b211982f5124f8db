//! Within the types: finds, changes and inserts reach one tenant's rows.

use super::town::{Town, a_member, settle};
use crate::on_both;
use kernel::{Fault, FaultKind};
use sea_orm::{ActiveValue::NotSet, ColumnTrait, FromQueryResult, QueryFilter, QueryOrder, Set};
use store::{
    Look, TenantRead, TenantTx,
    entity::{blocked_address, chain, member, message},
    sea_orm,
};
use uuid::Uuid;

async fn names(look: &impl Look) -> Result<Vec<String>, Fault> {
    Ok(look.find::<member::Entity>().order_by_asc(member::Column::Email).all().await?.into_iter().map(|m| m.email).collect())
}

async fn blocked(town: &Town) -> u64 {
    super::faults::rows(&town.db, &town.a).await
}

async fn count(read: &TenantRead) -> Result<u64, Fault> {
    read.find::<member::Entity>().count().await
}

#[derive(Debug, PartialEq, FromQueryResult)]
struct Brief {
    email: String,
    epoch: i64,
}

on_both! {
    async fn one_room_function_serves_acts_and_reads(town) {
        settle(&town.db, &town.a, "ada@example.org").await;
        let in_act = town.db.act(&town.a, async |tx: &mut TenantTx| Ok::<_, Fault>((names(tx).await?, count(tx).await?))).await.unwrap();
        let in_read = town.db.read(&town.a, async |read: &TenantRead| Ok::<_, Fault>((names(read).await?, count(read).await?))).await.unwrap();
        assert_eq!(in_act, (vec!["ada@example.org".to_owned()], 1));
        assert_eq!(in_act, in_read);
    }

    async fn another_tenants_rows_are_neither_seen_changed_nor_deleted(town) {
        let (_, message, ..) = settle(&town.db, &town.a, "ada@example.org").await;
        let foreign = town.db.act(&town.b, async |tx: &mut TenantTx| {
            let is_it = message::Column::Id.eq(message.id);
            let seen = tx.find::<message::Entity>().filter(is_it.clone()).count().await?;
            let changed = tx.update::<message::Entity>().set(message::Column::Subject, "taken").filter(is_it.clone()).exec().await?;
            let deleted = tx.delete::<message::Entity>(is_it).await?;
            Ok::<_, Fault>((seen, changed, deleted))
        });
        assert_eq!(foreign.await.unwrap(), (0, 0, 0));
        let subject = town.db.read(&town.a, async |read: &TenantRead| read.find::<message::Entity>().one().await).await.unwrap().unwrap().subject;
        assert_eq!(subject, "Lease");
    }

    async fn inserts_carry_the_acts_tenant_whatever_the_row_says(town) {
        town.db.act(&town.b, async |tx: &mut TenantTx| {
            let mine = member::Model { tenant_id: Uuid::from_u128(7), ..a_member(tx, "b@example.org") };
            tx.insert(member::ActiveModel::from(mine)).await?;
            let rows = (0..3).map(|i| blocked_address::ActiveModel { tenant_id: Set(Uuid::from_u128(7)), address: Set(format!("{i}@example.org")), created_at: Set(1) });
            tx.insert_many(rows).await
        }).await.unwrap();
        let (members, blocked) = town.db.read(&town.b, async |read: &TenantRead| {
            Ok::<_, Fault>((count(read).await?, read.find::<blocked_address::Entity>().count().await?))
        }).await.unwrap();
        assert_eq!((members, blocked), (1, 3));
    }

    async fn a_row_does_not_change_its_tenant(town) {
        settle(&town.db, &town.a, "ada@example.org").await;
        let theft = town.db.act(&town.a, async |tx: &mut TenantTx| {
            tx.update::<member::Entity>().set(member::Column::TenantId, town.b.tenant().0).exec().await
        });
        assert!(theft.await.is_err());
    }

    async fn a_hundred_thousand_rows_go_in_as_few_statements(town) {
        town.db.act(&town.a, async |tx: &mut TenantTx| {
            let row = |i: i64| blocked_address::ActiveModel { tenant_id: NotSet, address: Set(format!("{i:06}@example.org")), created_at: Set(i) };
            tx.insert_many((0..25_000).map(row)).await
        }).await.unwrap();
        let (count, page, sum) = town.db.read(&town.a, async |read: &TenantRead| {
            let all = || read.find::<blocked_address::Entity>().order_by_asc(blocked_address::Column::Address);
            Ok::<_, Fault>((all().limit(2).count().await?, all().limit(2).offset(20_000).all().await?, all().all().await?.len()))
        }).await.unwrap();
        assert_eq!((count, sum, page.len()), (25_000, 25_000, 2));
        assert_eq!(page[0].address, "020000@example.org");
    }

    async fn nothing_to_insert_is_nothing(town) {
        town.db.act(&town.a, async |tx: &mut TenantTx| tx.insert_many(Vec::<blocked_address::ActiveModel>::new()).await).await.unwrap();
    }

    async fn rows_inserted_along_are_there_for_whatever_asks(town) {
        let row = |n: u64| blocked_address::ActiveModel { address: Set(format!("{n}@example.org")), created_at: Set(1), ..Default::default() };
        let all = async |tx: &mut TenantTx| {
            tx.insert_along([row(1), row(2)]).await?;
            assert_eq!(tx.find::<blocked_address::Entity>().count().await?, 2, "asked for at once");
            tx.insert_along([row(3)]).await?;
            let changed = tx.update::<blocked_address::Entity>().set(blocked_address::Column::CreatedAt, 2_i64).exec().await?;
            assert_eq!(changed, 3, "changed at once");
            tx.insert_along([row(4)]).await?;
            // Of another table: the two go together.
            assert_eq!(tx.update::<chain::Entity>().set(chain::Column::Seq, 7_i64).exec().await?, 1);
            tx.insert_along([row(5)]).await?;
            assert_eq!(tx.own::<chain::Entity>().await?.map(|c| c.seq), Some(7));
            tx.insert_along((6..2_000).map(row)).await
        };
        town.db.act(&town.a, all).await.unwrap();
        assert_eq!(blocked(&town).await, 1_999, "the last ones before the commit");
    }

    async fn what_is_wrong_with_a_row_inserted_along_undoes_the_act(town) {
        let row = || blocked_address::ActiveModel { address: Set("1@example.org".into()), created_at: Set(1), ..Default::default() };
        for last in [false, true] {
            let act = town.db.act(&town.a, async |tx: &mut TenantTx| {
                tx.update::<chain::Entity>().set(chain::Column::Seq, 9_i64).exec().await?;
                tx.insert_along([row()]).await?;
                tx.insert_along([row()]).await?;
                if !last {
                    tx.update::<chain::Entity>().set(chain::Column::Seq, 10_i64).exec().await?;
                }
                Ok(())
            }).await;
            assert_eq!(act.map_err(|f: Fault| f.kind()), Err(FaultKind::Unique));
            assert_eq!(blocked(&town).await, 0);
            let chain = town.db.read(&town.a, async |read: &TenantRead| read.own::<chain::Entity>().await).await.unwrap();
            assert_eq!(chain.map(|c| c.seq), Some(0));
        }
    }

    async fn columns_read_into_a_struct(town) {
        settle(&town.db, &town.a, "ada@example.org").await;
        let brief = town.db.read(&town.a, async |read: &TenantRead| {
            read.find::<member::Entity>().into_model::<Brief>(&[member::Column::Email, member::Column::Epoch]).one().await
        }).await.unwrap();
        assert_eq!(brief, Some(Brief { email: "ada@example.org".into(), epoch: 1 }));
    }

    async fn constraints_are_kinds_of_fault(town) {
        let (member, ..) = settle(&town.db, &town.a, "ada@example.org").await;
        let twice = town.db.act(&town.a, async |tx: &mut TenantTx| tx.insert(member::ActiveModel::from(a_member(tx, "ADA@example.org"))).await).await;
        assert_eq!(twice.unwrap_err().kind(), FaultKind::Unique);
        let orphan = town.db.act(&town.a, async |tx: &mut TenantTx| {
            let row = crate::store::town::a_message(tx, &member::Model { id: Uuid::from_u128(9), ..member.clone() });
            tx.insert(message::ActiveModel::from(row)).await
        }).await;
        assert_eq!(orphan.unwrap_err().kind(), FaultKind::ForeignKey);
        // A foreign key leads with the tenant: another tenant's member is nobody here.
        let across = town.db.act(&town.b, async |tx: &mut TenantTx| tx.insert(message::ActiveModel::from(crate::store::town::a_message(tx, &member))).await).await;
        assert_eq!(across.unwrap_err().kind(), FaultKind::ForeignKey);
    }

    async fn locking_a_row_works_on_both(town) {
        settle(&town.db, &town.a, "ada@example.org").await;
        let found = town.db.act(&town.a, async |tx: &mut TenantTx| tx.find::<member::Entity>().for_update().one().await).await.unwrap();
        assert!(found.is_some());
    }

    async fn a_read_does_not_write(town) {
        let written = town.db.read(&town.a, async |read: &TenantRead| {
            // The only way to try: PostgreSQL refuses the lock, and there is no insert on a read at all.
            read.find::<member::Entity>().count().await
        }).await;
        assert_eq!(written.unwrap(), 0);
    }

    async fn an_act_knows_its_tenants_key_and_one_instant(town) {
        town.db.act(&town.a, async |tx: &mut TenantTx| {
            assert_eq!(tx.keys().tenant(), town.a.tenant());
            let before = tx.now();
            town.db.clock().advance(std::time::Duration::from_secs(1));
            assert_eq!(tx.now(), before);
            Ok::<_, Fault>(())
        }).await.unwrap();
        let nobody = town.db.front_desk().system(kernel::TenantId(Uuid::from_u128(5)));
        let fault = town.db.read(&nobody, async |_: &TenantRead| Ok::<_, Fault>(())).await.unwrap_err();
        assert!(fault.to_string().contains("no tenant"), "{fault}");
    }
}
