//! "Block this sender": the recipient wants no more notices from this tenant, or does again.
//!
//! What would surprise you: it is the mailbox that wants none, so `bob+shop@` is blocked together with `bob@`.

use crate::{
    message,
    pick_up::{MAX_TELEMETRY, of_kind},
};
use evidence::{Entry, Kind};
use kernel::{EmailAddress, Fault, MessageId, RecipientId};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter};
use store::{Caller, Look, TenantRead, TenantTx, Who, entity::blocked_address};

/// For the mailbox of the recipient that the caller is. Running it twice does no harm, at once neither.
pub async fn block_sender(tx: &TenantTx) -> Result<(), Fault> {
    let (id, message) = recipient(tx.caller())?;
    let Some(row) = message::recipient_row(tx, id).await? else { return Ok(()) };
    // Somebody else with a link to the same mailbox may be at it.
    evidence::in_turn(tx).await?;
    let (_, mailbox) = ways_to_write(&row.address);
    if is_among(tx, [mailbox.clone()]).await? {
        return Ok(());
    }
    tx.insert(blocked_address::ActiveModel { tenant_id: Set(tx.tenant().0), address: Set(mailbox), created_at: Set(tx.now().0) }).await?;
    evidence::record(tx, Entry::of(Kind::SenderBlocked, message).to(id)).await?;
    tx.changed(message);
    Ok(())
}

/// Takes that back: what is sent from now on is mailed again. False, and nothing happens, for whoever changed their mind too often with
/// this one link.
pub async fn allow_sender(tx: &TenantTx) -> Result<bool, Fault> {
    let (id, message) = recipient(tx.caller())?;
    let Some(row) = message::recipient_row(tx, id).await? else { return Ok(false) };
    evidence::in_turn(tx).await?;
    if of_kind(tx, id, Kind::SenderAllowed).await?.len() as u64 >= MAX_TELEMETRY {
        return Ok(false);
    }
    let (folded, mailbox) = ways_to_write(&row.address);
    if tx.delete::<blocked_address::Entity>(blocked_address::Column::Address.is_in([folded, mailbox])).await? > 0 {
        evidence::record(tx, Entry::of(Kind::SenderAllowed, message).to(id)).await?;
        tx.changed(message);
    }
    Ok(true)
}

/// Whether the recipient that the caller is wants no more notices from this tenant.
pub async fn sender_is_blocked(read: &TenantRead) -> Result<bool, Fault> {
    let (id, _) = recipient(read.caller())?;
    match message::recipient_row(read, id).await? {
        Some(row) => is_blocked(read, &row.address).await,
        None => Ok(false),
    }
}

fn recipient(caller: &Caller) -> Result<(RecipientId, MessageId), Fault> {
    match *caller.who() {
        Who::Recipient { id, message } => Ok((id, message)),
        _ => Err(Fault::other("only a recipient blocks a sender")),
    }
}

pub(crate) async fn is_blocked(look: &impl Look, address: &str) -> Result<bool, Fault> {
    let (folded, mailbox) = ways_to_write(address);
    is_among(look, [folded, mailbox]).await
}

async fn is_among<const N: usize>(look: &impl Look, addresses: [String; N]) -> Result<bool, Fault> {
    Ok(look.find::<blocked_address::Entity>().filter(blocked_address::Column::Address.is_in(addresses)).count().await? > 0)
}

/// As it is written, which is how rows from before the mailbox counted have it; and the mailbox.
fn ways_to_write(address: &str) -> (String, String) {
    EmailAddress::parse(address)
        .map_or_else(|_| (address.to_ascii_lowercase(), address.to_ascii_lowercase()), |a| (a.folded(), a.mailbox()))
}
