//! Whether an address has shown that it takes mail from this tenant: it opened a message of it, or is a member's own.
//!
//! Consent is given to one tenant; what an address opened from another says nothing here.

use kernel::{EmailAddress, Fault};
use sea_orm::{ColumnTrait, QueryFilter};
use store::{
    TenantRead,
    entity::{member, recipient},
};

pub(crate) async fn has_asked(read: &TenantRead, address: &EmailAddress) -> Result<bool, Fault> {
    let opened = read
        .find::<recipient::Entity>()
        .filter(recipient::Column::Address.is_in([address.to_string(), address.folded()]))
        .filter(recipient::Column::OpenedAt.is_not_null());
    if opened.one().await?.is_some() {
        return Ok(true);
    }
    let member = read
        .find::<member::Entity>()
        .filter(member::Column::EmailFolded.eq(address.folded()))
        .filter(member::Column::EmailProvenAt.is_not_null());
    Ok(member.one().await?.is_some())
}
