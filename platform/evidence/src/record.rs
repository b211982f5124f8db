//! Recording: one row a fact, chained to the tenant's head, in the act that changes the state.

use crate::{Kind, canonical::canonical};
use kernel::{EvidenceId, Fault, MessageId, RecipientId};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter};
use std::collections::BTreeMap;
use store::{
    TenantTx, Who,
    entity::{chain, evidence},
};

/// On what grounds: short named facts (smtp, file, sha256, assurance…). Who and from where are added by `record`.
pub type Grounds = BTreeMap<&'static str, serde_json::Value>;

/// One fact to record.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kind: Kind,
    pub message: Option<MessageId>,
    pub recipient: Option<RecipientId>,
    pub grounds: Grounds,
}

impl Entry {
    pub fn of(kind: Kind, message: MessageId) -> Entry {
        Entry { kind, message: Some(message), recipient: None, grounds: Grounds::new() }
    }
    pub fn to(mut self, recipient: RecipientId) -> Entry {
        self.recipient = Some(recipient);
        self
    }
    pub fn because(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Entry {
        self.grounds.insert(name, value.into());
        self
    }
}

pub async fn record(tx: &TenantTx, entry: Entry) -> Result<(), Fault> {
    record_many(tx, vec![entry]).await
}

/// Waits for the chain and holds it to the end of the act: what is counted after this is still so when the act records.
pub async fn in_turn(tx: &TenantTx) -> Result<(), Fault> {
    head(tx).await.map(|_| ())
}

async fn head(tx: &TenantTx) -> Result<chain::Model, Fault> {
    tx.hold_own::<chain::Entity>().await?.ok_or_else(|| Fault::other("the tenant has no evidence chain"))
}

/// Records in order. Takes the lock on the tenant's chain until the act ends: call it last.
pub async fn record_many(tx: &TenantTx, entries: Vec<Entry>) -> Result<(), Fault> {
    if entries.is_empty() {
        return Ok(());
    }
    let head = head(tx).await?;
    let (mut seq, mut prev) = (head.seq, head.head);
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        seq += 1;
        let row = row(tx, seq, prev.clone(), entry);
        prev.clone_from(row.hash.as_ref());
        rows.push(row);
    }
    tx.insert_along(rows).await?;
    let moved = tx
        .update::<chain::Entity>()
        .set(chain::Column::Seq, seq)
        .set(chain::Column::Head, prev)
        .filter(chain::Column::Seq.eq(head.seq))
        .exec()
        .await?;
    if moved == 1 { Ok(()) } else { Err(Fault::other("the evidence chain moved under its lock")) }
}

fn row(tx: &TenantTx, seq: i64, prev: Vec<u8>, mut entry: Entry) -> evidence::ActiveModel {
    say_who(tx, &mut entry.grounds);
    let at = tx.now();
    let id = EvidenceId::new(at, tx.chance());
    let grounds = canonical(&entry.grounds);
    let hash = crate::chain::row_hash(&crate::chain::Leaf {
        tenant: tx.tenant().0,
        seq,
        id: id.0,
        message: entry.message.map(|m| m.0),
        recipient: entry.recipient.map(|r| r.0),
        kind: entry.kind.as_str(),
        at: at.0,
        grounds: &grounds,
        prev: &prev,
    });
    evidence::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        seq: Set(seq),
        id: Set(id.0),
        message_id: Set(entry.message.map(|m| m.0)),
        recipient_id: Set(entry.recipient.map(|r| r.0)),
        kind: Set(entry.kind.as_str().to_owned()),
        at: Set(at.0),
        grounds: Set(grounds),
        prev: Set(prev),
        hash: Set(hash.to_vec()),
    }
}

fn say_who(tx: &TenantTx, grounds: &mut Grounds) {
    let who = match tx.caller().who() {
        Who::Member { id, .. } => format!("{id}"),
        Who::Key { id, .. } => format!("{id}"),
        Who::Recipient { .. } => "recipient".to_owned(),
        Who::System => "system".to_owned(),
    };
    grounds.insert("by", who.into());
    let origin = tx.caller().origin();
    if let Some(ip) = origin.ip {
        grounds.insert("ip", ip.to_string().into());
    }
    if !origin.user_agent.is_empty() {
        grounds.insert("user_agent", origin.user_agent.clone().into());
    }
}
