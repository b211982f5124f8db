//! Every row comes back as it went in, with each optional column filled and empty. A mismatch of types would read as NULL.

use super::town::{a_member, a_message, a_recipient};
use crate::on_both;
use kernel::Fault;
use keys::Token;
use sea_orm::{ActiveModelTrait, IntoActiveModel, ModelTrait};
use store::{
    TenantTx,
    entity::*,
    sea_orm::{self, EntityTrait},
};
use uuid::Uuid;

/// Inserts the row, reads it back alone, and compares.
async fn there_and_back<E>(tx: &TenantTx, row: E::Model) -> Result<(), Fault>
where
    E: TenantOwned,
    E::Model: ModelTrait<Entity = E> + IntoActiveModel<E::ActiveModel> + PartialEq + Clone + std::fmt::Debug,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    let before = tx.find::<E>().all().await?;
    tx.insert(row.clone().into_active_model()).await?;
    let new: Vec<_> = tx.find::<E>().all().await?.into_iter().filter(|r| !before.contains(r)).collect();
    assert_eq!(new, vec![row]);
    assert_eq!(tx.find::<E>().count().await?, before.len() as u64 + 1);
    Ok(())
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + n)
}

on_both! {
    async fn every_entity_reads_back_as_written(town) {
        let all = town.db.act(&town.a, async |tx: &mut TenantTx| {
            let t = tx.tenant().0;
            let full = a_member(tx, "ada@example.org");
            there_and_back::<member::Entity>(tx, full.clone()).await?;
            there_and_back::<member::Entity>(tx, member::Model { id: id(1), email_folded: "e".into(), email_proven_at: None, ..full.clone() }).await?;
            there_and_back::<session::Entity>(tx, crate::store::town::a_session(tx, &full, &Token::random(tx.chance()))).await?;
            for (n, some) in [(1, true), (2, false)] {
                let when = some.then_some(7_i64);
                there_and_back::<api_key::Entity>(tx, api_key::Model {
                    tenant_id: t, id: id(n), member_id: full.id, name: "ci".into(), shown: "cs_ab".into(), token_hash: vec![n as u8; 32],
                    created_at: 1, last_used_at: when, revoked_at: when,
                }).await?;
                there_and_back::<device::Entity>(tx, device::Model {
                    tenant_id: t, id: id(n), member_id: full.id, token_hash: vec![1; 32], created_at: 1, expires_at: 2,
                }).await?;
                there_and_back::<domain::Entity>(tx, domain::Model {
                    tenant_id: t, id: id(n), name: format!("n{n}.example"), proof: "p".into(), added_at: 1, proven_at: when, missed_at: when,
                    taken_at: when, looked_at: when, gone_at: when, leads: some, seen: String::new(), renewal_told: when, elsewhere_at: when,
                }).await?;
                there_and_back::<hand_off::Entity>(tx, hand_off::Model {
                    tenant_id: t, id: id(n), host: "n.example".into(), spent_at: 1, expires_at: 2,
                }).await?;
                there_and_back::<client_ca::Entity>(tx, client_ca::Model {
                    tenant_id: t, id: id(n), fingerprint: vec![n as u8; 32], subject: "CN=Acme".into(), chain: "PEM".into(), not_after: 1,
                    key_sealed: some.then(|| vec![1]), maps_by_address: some, crl_grace_hours: 3, added_at: 1,
                }).await?;
                there_and_back::<client_ca_list::Entity>(tx, client_ca_list::Model {
                    tenant_id: t, id: id(n), ca_id: id(n), place: 1, url: "http://acme.example/list".into(), der: some.then(|| vec![2]),
                    next_at: when, looked_at: when, said: String::new(),
                }).await?;
                there_and_back::<revoked_certificate::Entity>(tx, revoked_certificate::Model {
                    tenant_id: t, id: id(n), issuer_key_hash: vec![1; 32], serial: vec![n as u8], key_hash: vec![2; 32], by_key: some, revoked_at: 1,
                }).await?;
                there_and_back::<client_certificate::Entity>(tx, client_certificate::Model {
                    tenant_id: t, id: id(n), member_id: full.id, ca_id: id(n), issuer_key_hash: vec![1; 32], serial: vec![n as u8], key_hash: vec![n as u8; 32],
                    by_key: some, issued: !some, subject: "CN=Ada".into(), not_after: 1, added_at: 1, last_used_at: when, revoked_at: when,
                }).await?;
                there_and_back::<ticket::Entity>(tx, ticket::Model {
                    tenant_id: t, id: id(n), member_id: full.id, purpose: "sign_in".into(), token_hash: vec![n as u8; 32], epoch: 1, factor_at: 2, ends_at: 3,
                }).await?;
                there_and_back::<mailed_link::Entity>(tx, mailed_link::Model {
                    tenant_id: t, id: id(n), member_id: full.id, purpose: "prove_address".into(), token_hash: vec![n as u8; 32],
                    created_at: 1, expires_at: 2, used_at: when,
                }).await?;
                there_and_back::<draft::Entity>(tx, draft::Model {
                    tenant_id: t, id: id(n), member_id: full.id, hidden: some, content_sealed: vec![], message_key: vec![0, 255], revision: 1,
                    created_at: 1, updated_at: i64::MAX,
                }).await?;
                let message = message::Model {
                    id: id(n), api_key_id: some.then_some(id(9)), body_sealed: some.then(|| vec![0; 70_000]), body_blob: (!some).then(|| "ab/cd/ef".into()),
                    sender_slot: some.then(|| vec![1]), password_salt: some.then(|| vec![2; 16]), hint_sealed: some.then(|| vec![3]),
                    sender_name: some.then(|| "Ana Brandt".into()), tenant_name: some.then(|| "Acme".into()), accept_first: some, hide_sender: !some, show_subject: some, notify_opened: !some, subject: "Grüße, 世界 'quoted' \"twice\"".into(),
                    retracted_at: when, shredded_at: when, ..a_message(tx, &full)
                };
                there_and_back::<message::Entity>(tx, message.clone()).await?;
                let recipient = recipient::Model {
                    id: id(n), slot: some.then(|| vec![1]), reminded_days: when, opened_at: when,
                    ..a_recipient(tx, &message, &Token::random(tx.chance()))
                };
                there_and_back::<recipient::Entity>(tx, recipient.clone()).await?;
                there_and_back::<visit::Entity>(tx, visit::Model {
                    tenant_id: t, id: id(n), message_id: message.id, recipient_id: recipient.id, cookie_hash: vec![1; 32], codes_sent: 1, code_sent_at: when,
                    code_tries: 0, code_proven_at: when, accepted_at: when, opened_at: when, key_wrapped: some.then(|| vec![9]), certificate_hash: some.then(|| vec![8; 32]), created_at: 1, expires_at: 2,
                }).await?;
                there_and_back::<released::Entity>(tx, released::Model { tenant_id: t, visit_id: id(n), attachment_id: id(n), at: 5 }).await?;
                there_and_back::<attachment::Entity>(tx, attachment::Model {
                    tenant_id: t, id: id(n), message_id: message.id, name: "a.pdf".into(), media_type: "application/pdf".into(), declared_bytes: when,
                    received_bytes: 1 << 40, hash_state: vec![], sha256: some.then(|| vec![1; 32]), blob: "ab/cd/ef".into(), places: vec![1; 8], created_at: 1, updated_at: 2,
                }).await?;
                there_and_back::<evidence::Entity>(tx, evidence::Model {
                    tenant_id: t, seq: n as i64, id: id(n), message_id: some.then_some(message.id), recipient_id: some.then_some(recipient.id),
                    kind: "submitted".into(), at: 1, grounds: "{\"by\":\"system\"}".into(), prev: vec![0; 32], hash: vec![n as u8; 32],
                }).await?;
                there_and_back::<reply::Entity>(tx, reply::Model {
                    tenant_id: t, id: id(n), message_id: message.id, recipient_id: recipient.id, body_sealed: vec![1], created_at: -1, read_at: when,
                }).await?;
                there_and_back::<job::Entity>(tx, job::Model {
                    tenant_id: t, id: id(n), kind: "notice".into(), payload: "{}".into(), state: "held".into(), run_at: 1, attempts: 0, lease_until: when,
                    last_error: some.then(|| "451 later".into()), created_at: 1, urgent: some,
                }).await?;
                there_and_back::<blocked_address::Entity>(tx, blocked_address::Model { tenant_id: t, address: format!("{n}@example.org"), created_at: 1 }).await?;
                there_and_back::<idempotency::Entity>(tx, idempotency::Model {
                    tenant_id: t, key: format!("k{n}"), request_hash: vec![1; 32], message_id: id(n), created_at: 1,
                }).await?;
            }
            let limits = allowance::Model {
                tenant_id: t, sends_used: 1, sends_limit: Some(10), period_ends_at: 2, recipients_limit: Some(5), message_bytes_limit: Some(1),
                stored_bytes: 3, stored_limit: Some(0), life_days_limit: Some(30), api_per_minute: Some(60), own_domains_limit: Some(0),
            };
            there_and_back::<allowance::Entity>(tx, limits).await?;
            assert_eq!(tx.own::<chain::Entity>().await?, Some(chain::Model { tenant_id: t, seq: 0, head: vec![0; 32] }));
            let tenant = tx.own::<tenant::Entity>().await?.unwrap();
            assert_eq!((tenant.tenant_id, tenant.name.as_str(), tenant.state.as_str(), tenant.key_version), (t, "Acme", "active", 1));
            Ok::<_, Fault>(())
        });
        all.await.unwrap();
        let unlimited = town.db.act(&town.b, async |tx: &mut TenantTx| {
            there_and_back::<allowance::Entity>(tx, allowance::Model {
                tenant_id: tx.tenant().0, sends_used: 0, sends_limit: None, period_ends_at: 2, recipients_limit: None, message_bytes_limit: None,
                stored_bytes: 0, stored_limit: None, life_days_limit: None, api_per_minute: None, own_domains_limit: None,
            }).await
        });
        unlimited.await.unwrap();
    }
}

// A new entity must be added above: this counts them.
#[test]
fn every_entity_is_among_them() {
    let declared = include_str!("../../src/entity/mod.rs").matches("\ntable! {").count();
    assert_eq!(declared, 26);
    let _ = tenant::Entity::find();
}
