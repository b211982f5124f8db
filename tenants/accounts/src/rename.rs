//! Changing one's name.

use crate::{Accounts, WrongField, member::signed_in};
use kernel::{Fault, MemberId};
use sea_orm::{ColumnTrait, QueryFilter};
use store::{
    Caller, Role, TenantTx,
    entity::{member, tenant},
};

#[derive(Clone, Debug, thiserror::Error)]
pub enum RenameRefused {
    #[error(transparent)]
    Field(#[from] WrongField),
    #[error("Sign in to change the name.")]
    NotSignedIn,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl RenameRefused {
    /// The form's field: `name`.
    pub fn field(&self) -> Option<&'static str> {
        matches!(self, RenameRefused::Field(_)).then_some("name")
    }
}

impl Accounts {
    /// Renames the member, and with them a tenant that still carries the owner's name.
    pub async fn rename(&self, caller: &Caller, name: &str) -> Result<(), RenameRefused> {
        let Some((id, _)) = signed_in(caller) else { return Err(RenameRefused::NotSignedIn) };
        let name = crate::name::parse(name)?;
        Ok(self.db.act(caller, async |tx| rename(tx, id, name.as_str()).await).await?)
    }
}

async fn rename(tx: &TenantTx, id: MemberId, name: &str) -> Result<(), Fault> {
    let before = crate::member::get(tx, id).await?;
    tx.update::<member::Entity>().set(member::Column::Name, name).filter(member::Column::Id.eq(id.0)).exec().await?;
    if before.role == Role::Owner.as_str() {
        let same = tenant::Column::Name.eq(before.name);
        tx.update::<tenant::Entity>().set(tenant::Column::Name, name).filter(same).exec().await?;
    }
    Ok(())
}
