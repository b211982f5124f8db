//! A town for each test: own database, stopped clock, seeded chance, two tenants.

use kernel::{Fault, MemberId, MessageId, RecipientId};
use keys::Token;
use sea_orm::Set;
use store::{
    Caller, Db, Origin, TenantTx,
    entity::{chain, member, message, recipient, session},
    sea_orm,
    testing::{START, TestDatabase, fresh_postgres, fresh_sqlite},
};

pub struct Town {
    pub db: Db,
    pub a: Caller,
    pub b: Caller,
    pub under: TestDatabase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

/// Writes each test once and runs it on both databases.
#[macro_export]
macro_rules! on_both {
    ($(async fn $name:ident($town:ident) $body:block)*) => { $(
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            async fn run(on: $crate::store::town::On) {
                #[allow(unused_variables)]
                let $town = $crate::store::town::Town::found(on).await;
                $body
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                run($crate::store::town::On::Sqlite).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                run($crate::store::town::On::Postgres).await;
            }
        }
    )* };
}

impl Town {
    pub async fn found(on: On) -> Town {
        let under = match on {
            On::Sqlite => fresh_sqlite().await,
            On::Postgres => fresh_postgres().await,
        };
        let db = under.open(1).await.unwrap();
        let a = found(&db, "Acme").await;
        let b = found(&db, "Bolt").await;
        Town { db, a, b, under }
    }
}

pub async fn found(db: &Db, name: &str) -> Caller {
    let desk = db.front_desk();
    let founded = desk.found(name, "personal", Origin::default(), async |tx: &mut TenantTx| {
        tx.insert(chain::ActiveModel { seq: Set(0), head: Set(vec![0; 32]), ..Default::default() }).await?;
        Ok::<_, Fault>(tx.tenant())
    });
    db.front_desk().system(founded.await.unwrap())
}

pub fn a_member(tx: &TenantTx, email: &str) -> member::Model {
    member::Model {
        tenant_id: tx.tenant().0,
        id: MemberId::new(tx.now(), tx.chance()).0,
        email: email.into(),
        email_folded: email.to_ascii_lowercase(),
        name: "Ada".into(),
        role: "owner".into(),
        state: "active".into(),
        password_hash: "$argon2id$".into(),
        email_proven_at: Some(START.0),
        epoch: 1,
        created_at: START.0,
    }
}

pub fn a_session(tx: &TenantTx, member: &member::Model, token: &Token) -> session::Model {
    session::Model {
        stepped_up_at: None,
        tenant_id: tx.tenant().0,
        id: kernel::SessionId::new(tx.now(), tx.chance()).0,
        member_id: member.id,
        token_hash: token.hash().to_vec(),
        epoch: member.epoch,
        ip: "192.0.2.1".into(),
        user_agent: "test".into(),
        created_at: START.0,
        seen_at: START.0,
        expires_at: START.plus_days(30).0,
        host: String::new(),
    }
}

pub fn a_message(tx: &TenantTx, member: &member::Model) -> message::Model {
    message::Model {
        tenant_id: tx.tenant().0,
        id: MessageId::new(tx.now(), tx.chance()).0,
        member_id: member.id,
        api_key_id: None,
        subject: "Lease".into(),
        body_sealed: Some(vec![1, 2, 3]),
        body_blob: None,
        body_bytes: 3,
        proof: "r1".into(),
        sender_slot: Some(vec![4; 60]),
        password_salt: None,
        hint_sealed: None,
        accept_first: true,
        sender_name: None,
        tenant_name: None,
        hide_sender: false,
        show_subject: true,
        notify_opened: false,
        remind_days: "7,1".into(),
        recipients: 1,
        attachments: 0,
        attachment_bytes: 0,
        created_at: START.0,
        release_at: START.0,
        expires_at: START.plus_days(30).0,
        retracted_at: None,
        shredded_at: None,
    }
}

pub fn a_recipient(tx: &TenantTx, message: &message::Model, token: &Token) -> recipient::Model {
    recipient::Model {
        tenant_id: tx.tenant().0,
        id: RecipientId::new(tx.now(), tx.chance()).0,
        message_id: message.id,
        position: 0,
        address: "bob@example.org".into(),
        token_hash: token.hash().to_vec(),
        state: "waiting".into(),
        slot: Some(vec![5; 60]),
        tries: 0,
        reminded_days: None,
        opened_at: None,
        changed_at: START.0,
    }
}

/// Inserts a member, a message and a recipient; answers them.
pub async fn settle(db: &Db, who: &Caller, email: &str) -> (member::Model, message::Model, recipient::Model, Token) {
    let token = Token::random(db.chance());
    let settled = db.act(who, async |tx: &mut TenantTx| {
        let member = a_member(tx, email);
        let message = a_message(tx, &member);
        let recipient = a_recipient(tx, &message, &token);
        tx.insert(member::ActiveModel::from(member.clone())).await?;
        tx.insert(message::ActiveModel::from(message.clone())).await?;
        tx.insert(recipient::ActiveModel::from(recipient.clone())).await?;
        Ok::<_, Fault>((member, message, recipient))
    });
    let (member, message, recipient) = settled.await.unwrap();
    (member, message, recipient, token)
}
