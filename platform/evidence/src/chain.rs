//! The chain: each row's hash covers the row and the hash before it, so a row changed, removed or put in between shows.

use kernel::Fault;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use store::{
    TenantRead,
    entity::{chain, evidence},
};
use uuid::Uuid;

const VERSION: &[u8] = b"countersign evidence 1";
const ROWS_AT_A_TIME: u64 = 1_000;

pub(crate) struct Leaf<'a> {
    pub tenant: Uuid,
    pub seq: i64,
    pub id: Uuid,
    pub message: Option<Uuid>,
    pub recipient: Option<Uuid>,
    pub kind: &'a str,
    pub at: i64,
    pub grounds: &'a str,
    pub prev: &'a [u8],
}

/// SHA-256 over the length-prefixed fields; an absent id is an empty field.
pub(crate) fn row_hash(leaf: &Leaf<'_>) -> [u8; 32] {
    let (seq, at) = (leaf.seq.to_be_bytes(), leaf.at.to_be_bytes());
    let id = |id: &Option<Uuid>| id.map(|i| i.as_bytes().to_vec()).unwrap_or_default();
    let (message, recipient) = (id(&leaf.message), id(&leaf.recipient));
    let fields: [&[u8]; 10] = [
        VERSION,
        leaf.tenant.as_bytes(),
        &seq,
        leaf.id.as_bytes(),
        &message,
        &recipient,
        leaf.kind.as_bytes(),
        &at,
        leaf.grounds.as_bytes(),
        leaf.prev,
    ];
    let mut bytes = Vec::with_capacity(256 + leaf.grounds.len());
    for field in fields {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field);
    }
    keys::sha256(&[&bytes])
}

/// Where a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    #[error("evidence {0} is missing")]
    Missing(i64),
    #[error("evidence {0} does not follow from the one before it")]
    Link(i64),
    #[error("evidence {0} was changed after it was recorded")]
    Changed(i64),
    #[error("the chain's head does not match its last evidence")]
    Head,
}

/// Reads the whole chain of the tenant and recomputes it. Returns how many rows hold, or the first break.
pub async fn verify_chain(read: &TenantRead) -> Result<Result<i64, Break>, Fault> {
    let head = read.own::<chain::Entity>().await?.ok_or_else(|| Fault::other("the tenant has no evidence chain"))?;
    let (mut seq, mut prev) = (0, Vec::new());
    loop {
        let rows = read
            .find::<evidence::Entity>()
            .filter(evidence::Column::Seq.gt(seq))
            .order_by_asc(evidence::Column::Seq)
            .limit(ROWS_AT_A_TIME)
            .all()
            .await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if let Err(found) = check(&row, seq, &prev) {
                return Ok(Err(found));
            }
            (seq, prev) = (row.seq, row.hash);
        }
    }
    Ok(if head.seq == seq && head.head == prev { Ok(seq) } else { Err(Break::Head) })
}

fn check(row: &evidence::Model, before: i64, prev: &[u8]) -> Result<(), Break> {
    if row.seq != before + 1 {
        return Err(Break::Missing(before + 1));
    }
    if row.prev != prev {
        return Err(Break::Link(row.seq));
    }
    let leaf = Leaf {
        tenant: row.tenant_id,
        seq: row.seq,
        id: row.id,
        message: row.message_id,
        recipient: row.recipient_id,
        kind: &row.kind,
        at: row.at,
        grounds: &row.grounds,
        prev: &row.prev,
    };
    if row_hash(&leaf)[..] == row.hash[..] { Ok(()) } else { Err(Break::Changed(row.seq)) }
}
