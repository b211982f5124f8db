//! "Block this sender": the recipient wants no more notices from this tenant.

use crate::message;
use evidence::{Entry, Kind};
use kernel::{EmailAddress, Fault};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter};
use store::{Look, TenantTx, Who, entity::blocked_address};

/// For the recipient that the caller is. Running it twice does no harm.
pub async fn block_sender(tx: &TenantTx) -> Result<(), Fault> {
    let Who::Recipient { id, message } = *tx.caller().who() else { return Err(Fault::other("only a recipient blocks a sender")) };
    let Some(row) = message::recipient_row(tx, id).await? else { return Ok(()) };
    if is_blocked(tx, &row.address).await? {
        return Ok(());
    }
    tx.insert(blocked_address::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        address: Set(folded(&row.address)),
        created_at: Set(tx.now().0),
    })
    .await?;
    evidence::record(tx, Entry::of(Kind::SenderBlocked, message).to(id)).await?;
    tx.changed(message);
    Ok(())
}

pub(crate) async fn is_blocked(look: &impl Look, address: &str) -> Result<bool, Fault> {
    Ok(look.find::<blocked_address::Entity>().filter(blocked_address::Column::Address.eq(folded(address))).one().await?.is_some())
}

fn folded(address: &str) -> String {
    EmailAddress::parse(address).map_or_else(|_| address.to_ascii_lowercase(), |a| a.folded())
}
