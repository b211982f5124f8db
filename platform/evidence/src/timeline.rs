//! The timeline of a message: its facts, oldest first, like a ledger.

use crate::Kind;
use kernel::{EvidenceId, Fault, MessageId, RecipientId, Time};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, sea_query::ExprTrait};
use serde_json::Value;
use store::{TenantRead, entity::evidence};

/// One recorded fact, read back.
#[derive(Clone, Debug)]
pub struct Fact {
    pub id: EvidenceId,
    /// Position in the tenant's chain.
    pub seq: i64,
    pub kind: Kind,
    pub at: Time,
    pub recipient: Option<RecipientId>,
    /// `by`, `ip`, `user_agent`, and what the kind adds: `smtp`, `assurance`, `reason`, `file`, `sha256`, `factors`…
    pub grounds: serde_json::Map<String, Value>,
    /// Hex.
    pub hash: String,
}

impl Fact {
    /// A named ground as text, if it is there and is text.
    pub fn ground(&self, name: &str) -> Option<&str> {
        self.grounds.get(name).and_then(Value::as_str)
    }
}

/// Facts of `message` after position `after`, oldest first, at most `limit`. Empty for a message that is not this tenant's.
pub async fn timeline(
    read: &TenantRead,
    message: MessageId,
    recipient: Option<RecipientId>,
    after: i64,
    limit: u64,
) -> Result<Vec<Fact>, Fault> {
    let mut find =
        read.find::<evidence::Entity>().filter(evidence::Column::MessageId.eq(message.0)).filter(evidence::Column::Seq.gt(after));
    if let Some(recipient) = recipient {
        find = find.filter(evidence::Column::RecipientId.eq(recipient.0).or(evidence::Column::RecipientId.is_null()));
    }
    let rows = find.order_by_asc(evidence::Column::Seq).limit(limit).all().await?;
    rows.into_iter().map(fact).collect()
}

/// Facts of these kinds about one recipient, oldest first.
pub async fn facts(read: &TenantRead, message: MessageId, recipient: RecipientId, kinds: &[Kind]) -> Result<Vec<Fact>, Fault> {
    let find = read
        .find::<evidence::Entity>()
        .filter(evidence::Column::MessageId.eq(message.0))
        .filter(evidence::Column::RecipientId.eq(recipient.0))
        .filter(evidence::Column::Kind.is_in(kinds.iter().map(|kind| kind.as_str())));
    find.order_by_asc(evidence::Column::Seq).all().await?.into_iter().map(fact).collect()
}

fn fact(row: evidence::Model) -> Result<Fact, Fault> {
    let kind = Kind::parse(&row.kind).ok_or_else(|| Fault::other(format!("unknown evidence kind {}", row.kind)))?;
    let grounds =
        serde_json::from_str(&row.grounds).map_err(|e| Fault::from_error(kernel::FaultKind::Other, "evidence grounds are not JSON", e))?;
    let hash = row.hash.iter().map(|b| format!("{b:02x}")).collect();
    Ok(Fact { id: EvidenceId(row.id), seq: row.seq, kind, at: Time(row.at), recipient: row.recipient_id.map(RecipientId), grounds, hash })
}
