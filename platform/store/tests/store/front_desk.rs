//! Credentials become callers only while everything behind them is alive.

use super::town::{Town, a_session, found, settle};
use crate::on_both;
use kernel::{ApiKeyId, EmailAddress, Fault, FaultKind, MailedLinkId, MemberId, MessageId, RecipientId};
use keys::Token;
use sea_orm::{ColumnTrait, Set};
use std::time::Duration;
use store::{
    Caller, Origin, Role, SESSION_IDLE, TenantRead, TenantTx, Who,
    entity::{api_key, mailed_link, member, session},
    sea_orm,
};

async fn sign_in(town: &Town) -> (member::Model, Token) {
    let (member, ..) = settle(&town.db, &town.a, "Ada@example.org").await;
    let token = Token::random(town.db.chance());
    town.db
        .act(&town.a, async |tx: &mut TenantTx| tx.insert(session::ActiveModel::from(a_session(tx, &member, &token))).await)
        .await
        .unwrap();
    (member, token)
}

async fn make_key(town: &Town) -> (member::Model, Token) {
    let (member, ..) = settle(&town.db, &town.a, "Ada@example.org").await;
    let token = Token::random(town.db.chance());
    let row = api_key::ActiveModel {
        id: Set(ApiKeyId::new(town.db.clock().now(), town.db.chance()).0),
        member_id: Set(member.id),
        name: Set("ci".into()),
        shown: Set("cs_".into()),
        token_hash: Set(token.hash().to_vec()),
        created_at: Set(1),
        last_used_at: Set(None),
        revoked_at: Set(None),
        ..Default::default()
    };
    town.db.act(&town.a, async |tx: &mut TenantTx| tx.insert(row).await).await.unwrap();
    (member, token)
}

async fn session_of(town: &Town, token: &Token) -> Option<Caller> {
    town.db.front_desk().session(token, Origin::default()).await.unwrap()
}
async fn key_of(town: &Town, token: &Token) -> Option<Caller> {
    town.db.front_desk().api_key(token, Origin::default()).await.unwrap()
}
async fn set_member(town: &Town, column: member::Column, value: impl Into<sea_orm::Value> + Clone) {
    let value: sea_orm::Value = value.into();
    town.db.act(&town.a, async |tx: &mut TenantTx| tx.update::<member::Entity>().set(column, value).exec().await).await.unwrap();
}

on_both! {
    async fn a_session_is_its_member(town) {
        let (member, token) = sign_in(&town).await;
        let origin = Origin::new(Some([192, 0, 2, 7].into()), "curl");
        let caller = town.db.front_desk().session(&token, origin.clone()).await.unwrap().unwrap();
        assert_eq!((caller.tenant(), caller.member(), caller.origin()), (town.a.tenant(), Some(MemberId(member.id)), &origin));
        assert!(matches!(caller.who(), Who::Member { role: Role::Owner, proven: true, .. }));
        // Remembered, the origin is still the request's own.
        assert_eq!(session_of(&town, &token).await.unwrap().origin(), &Origin::default());
        assert!(session_of(&town, &Token::random(town.db.chance())).await.is_none());
        assert!(key_of(&town, &token).await.is_none(), "a session is no API key, remembered or not");
    }

    async fn a_session_that_was_deleted_is_nobody_at_once(town) {
        let (_, token) = sign_in(&town).await;
        assert!(session_of(&town, &token).await.is_some());
        town.db.act(&town.a, async |tx: &mut TenantTx| tx.delete::<session::Entity>(session::Column::TokenHash.eq(token.hash().to_vec())).await).await.unwrap();
        assert!(session_of(&town, &token).await.is_none());
    }

    async fn whose_session_or_key_ended_since_acts_no_more(town) {
        let act = async |caller: &Caller| town.db.act(caller, async |_: &mut TenantTx| Ok::<_, Fault>(())).await.map_err(|fault| fault.kind());
        let (member, token) = sign_in(&town).await;
        let caller = session_of(&town, &token).await.unwrap();
        set_member(&town, member::Column::Name, "Ada B.").await;
        assert_eq!(act(&caller).await, Ok(()), "something else changed");
        set_member(&town, member::Column::Epoch, 2_i64).await;
        assert_eq!(act(&caller).await, Err(FaultKind::Ended), "the password was changed");
        set_member(&town, member::Column::Epoch, member.epoch).await;
        set_member(&town, member::Column::State, "suspended").await;
        assert_eq!(act(&caller).await, Err(FaultKind::Ended), "the member was suspended");
        set_member(&town, member::Column::State, "active").await;
        assert_eq!(act(&caller).await, Ok(()));
        town.db.front_desk().set_tenant_state(town.a.tenant(), "suspended").await.unwrap();
        assert_eq!(act(&caller).await, Err(FaultKind::Ended), "the tenant was suspended");
        town.db.front_desk().set_tenant_state(town.a.tenant(), "active").await.unwrap();
        town.db.act(&town.a, async |tx: &mut TenantTx| tx.delete::<session::Entity>(session::Column::MemberId.eq(member.id)).await).await.unwrap();
        assert_eq!(act(&caller).await, Err(FaultKind::Ended), "signed out");
        assert_eq!(act(&town.a).await, Ok(()), "the house itself is nobody's session");
    }

    async fn whose_key_was_revoked_elsewhere_acts_no_more_after_a_second(town) {
        let (_, token) = make_key(&town).await;
        let caller = key_of(&town, &token).await.unwrap();
        let act = async || town.db.act(&caller, async |_: &mut TenantTx| Ok::<_, Fault>(())).await.map_err(|fault| fault.kind());
        // Another process's act, of which SQLite tells nobody.
        let other = town.under.open(2).await.unwrap();
        let revoke = async |tx: &mut TenantTx| tx.update::<api_key::Entity>().set(api_key::Column::RevokedAt, 7_i64).exec().await;
        other.act(&town.a, revoke).await.unwrap();
        town.db.clock().advance(Duration::from_millis(1_001));
        assert_eq!(act().await, Err(FaultKind::Ended));
    }

    async fn a_caller_brings_the_names_of_when_it_was_let_in(town) {
        let (member, token) = sign_in(&town).await;
        let names = async |caller: &Caller| {
            let read = town.db.read(caller, async |read| read.names(MemberId(member.id)).await);
            read.await.unwrap().map(|names| (names.member, names.tenant))
        };
        let before = session_of(&town, &token).await.unwrap();
        set_member(&town, member::Column::Name, "Eve").await;
        let after = session_of(&town, &token).await.unwrap();
        let called = |name: &str| Some((name.to_owned(), "Acme".to_owned()));
        assert_eq!((names(&before).await, names(&after).await, names(&town.a).await), (called("Ada"), called("Eve"), called("Eve")));
        assert_eq!(names(&town.b).await, None, "another tenant has no such member");
    }

    async fn a_session_ends_absolutely_and_when_idle(town) {
        let (_, token) = sign_in(&town).await;
        for _ in 0..2 {
            town.db.clock().advance(SESSION_IDLE - Duration::from_secs(1));
            assert!(session_of(&town, &token).await.is_some(), "used within 14 days");
        }
        town.db.clock().advance(Duration::from_secs(3 * 24 * 3600));
        assert!(session_of(&town, &token).await.is_none(), "30 days are over, though it was used");
    }

    async fn an_idle_session_is_over(town) {
        let (_, token) = sign_in(&town).await;
        town.db.clock().advance(SESSION_IDLE);
        assert!(session_of(&town, &token).await.is_none());
    }

    async fn suspended_member_other_epoch_and_suspended_tenant_are_nobody(town) {
        let (_, token) = sign_in(&town).await;
        set_member(&town, member::Column::State, "suspended").await;
        assert!(session_of(&town, &token).await.is_none());
        set_member(&town, member::Column::State, "invited").await;
        assert!(session_of(&town, &token).await.is_none());
        set_member(&town, member::Column::State, "active").await;
        assert!(session_of(&town, &token).await.is_some());
        assert!(town.db.front_desk().set_tenant_state(town.a.tenant(), "suspended").await.unwrap());
        assert!(session_of(&town, &token).await.is_none());
        assert!(town.db.front_desk().set_tenant_state(town.a.tenant(), "active").await.unwrap());
        assert!(session_of(&town, &token).await.is_some());
        set_member(&town, member::Column::Epoch, 2_i64).await;
        assert!(session_of(&town, &token).await.is_none());
    }

    async fn another_process_revokes_within_a_second(town) {
        let (_, token) = sign_in(&town).await;
        assert!(session_of(&town, &token).await.is_some());
        let other = town.under.open(2).await.unwrap();
        other.act(&town.a, async |tx: &mut TenantTx| tx.update::<member::Entity>().set(member::Column::Epoch, 2).exec().await).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert!(session_of(&town, &token).await.is_none());
    }

    async fn use_of_a_session_is_written_down_once_a_minute(town) {
        let (_, token) = sign_in(&town).await;
        let seen = async || town.db.read(&town.a, async |read: &TenantRead| Ok::<_, Fault>(read.find::<session::Entity>().one().await?.unwrap().seen_at)).await.unwrap();
        let start = seen().await;
        for seconds in [30, 29, 1, 30] {
            town.db.clock().advance(Duration::from_secs(seconds));
            assert!(session_of(&town, &token).await.is_some());
        }
        assert_eq!(seen().await - start, 60_000);
    }

    async fn a_key_acts_for_its_member_until_it_is_revoked(town) {
        let (member, token) = make_key(&town).await;
        let caller = key_of(&town, &token).await.unwrap();
        assert_eq!(caller.member(), Some(MemberId(member.id)));
        assert!(session_of(&town, &token).await.is_none(), "a key is no session");
        let used = town.db.read(&town.a, async |read: &TenantRead| Ok::<_, Fault>(read.find::<api_key::Entity>().one().await?.unwrap().last_used_at)).await.unwrap();
        assert_eq!(used, Some(town.db.clock().now().0));
        set_member(&town, member::Column::State, "suspended").await;
        assert!(key_of(&town, &token).await.is_none());
        set_member(&town, member::Column::State, "active").await;
        town.db.act(&town.a, async |tx: &mut TenantTx| tx.update::<api_key::Entity>().set(api_key::Column::RevokedAt, 5).exec().await).await.unwrap();
        assert!(key_of(&town, &token).await.is_none());
    }

    async fn a_pickup_link_works_though_the_tenant_is_suspended(town) {
        let (_, message, recipient, token) = settle(&town.db, &town.a, "ada@example.org").await;
        town.db.front_desk().set_tenant_state(town.a.tenant(), "suspended").await.unwrap();
        let caller = town.db.front_desk().pickup(&token, Origin::default()).await.unwrap().unwrap();
        assert_eq!(caller.who(), &Who::Recipient { id: RecipientId(recipient.id), message: MessageId(message.id) });
        assert_eq!((caller.tenant(), caller.member()), (town.a.tenant(), None));
        assert!(town.db.front_desk().pickup(&Token::random(town.db.chance()), Origin::default()).await.unwrap().is_none());
    }

    async fn a_mailed_link_names_its_tenant(town) {
        let (member, ..) = settle(&town.db, &town.a, "ada@example.org").await;
        let id = MailedLinkId::new(town.db.clock().now(), town.db.chance());
        let token = town.db.act(&town.a, async |tx: &mut TenantTx| {
            let token = tx.keys().link_token(id);
            tx.insert(mailed_link::ActiveModel {
                id: Set(id.0), member_id: Set(member.id), purpose: Set("prove_address".into()), token_hash: Set(token.hash().to_vec()),
                created_at: Set(1), expires_at: Set(2), used_at: Set(None), ..Default::default()
            }).await?;
            Ok::<_, Fault>(token)
        }).await.unwrap();
        let (caller, found) = town.db.front_desk().mailed_link(&token, Origin::default()).await.unwrap().unwrap();
        assert_eq!((found, caller.tenant(), caller.who()), (id, town.a.tenant(), &Who::System));
    }

    async fn an_address_finds_its_members_in_every_tenant(town) {
        let (a, ..) = settle(&town.db, &town.a, "O'Hara@example.org").await;
        let (b, ..) = settle(&town.db, &town.b, "o'hara@example.org").await;
        settle(&town.db, &town.b, "other@example.org").await;
        let email = EmailAddress::parse("o'HARA@example.org").unwrap();
        let found = town.db.front_desk().members_with(&email, Origin::default()).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|(caller, member, name)| (caller.tenant(), member, name)).collect();
        assert_eq!(found, vec![
            (town.a.tenant(), MemberId(a.id), "Acme".to_owned()),
            (town.b.tenant(), MemberId(b.id), "Bolt".to_owned()),
        ]);
    }

    async fn the_operator_lists_tenants_in_pages(town) {
        settle(&town.db, &town.b, "owner@example.org").await;
        let desk = town.db.front_desk();
        let first = desk.tenants(None, 1).await.unwrap();
        assert_eq!((first.len(), first[0].name.as_str(), first[0].owner_email.as_str()), (1, "Acme", ""));
        let rest = desk.tenants(Some(first[0].id), 10).await.unwrap();
        assert_eq!((rest.len(), rest[0].name.as_str(), rest[0].owner_email.as_str(), rest[0].state.as_str()), (1, "Bolt", "owner@example.org", "active"));
        assert!(!desk.set_tenant_state(kernel::TenantId(uuid::Uuid::from_u128(5)), "suspended").await.unwrap());
    }

    async fn a_tenant_whose_founding_fails_is_not_there(town) {
        let desk = town.db.front_desk();
        let failed = desk.found("Crash", "personal", Origin::default(), async |tx: &mut TenantTx| {
            assert_eq!(tx.keys().tenant(), tx.tenant());
            Err::<(), _>(Fault::other("no"))
        });
        assert!(failed.await.is_err());
        assert_eq!(town.db.front_desk().tenants(None, 10).await.unwrap().len(), 2);
        found(&town.db, "Crash").await;
        assert_eq!(town.db.front_desk().tenants(None, 10).await.unwrap().len(), 3);
    }
}
