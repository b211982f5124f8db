//! Changing one's name, and what the organisation is called.

use crate::{Accounts, WrongField, member::signed_in};
use kernel::{Fault, MemberId};
use sea_orm::{ColumnTrait, QueryFilter};
use store::{
    Caller, NotAllowed, Right, Role, TenantTx,
    entity::{member, tenant},
};

#[derive(Clone, Debug, thiserror::Error)]
pub enum RenameRefused {
    #[error(transparent)]
    Field(#[from] WrongField),
    #[error("Sign in to change the name.")]
    NotSignedIn,
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl RenameRefused {
    /// Whether it is about what was typed.
    pub fn is_about_the_field(&self) -> bool {
        matches!(self, RenameRefused::Field(_))
    }
}

impl Accounts {
    /// Renames the member, and with them a tenant that still carries the owner's name.
    pub async fn rename(&self, caller: &Caller, name: &str) -> Result<(), RenameRefused> {
        let Some((id, _)) = signed_in(caller) else { return Err(RenameRefused::NotSignedIn) };
        let name = crate::name::parse(name)?;
        Ok(self.db.act(caller, async |tx| rename(tx, id, name.as_str()).await).await?)
    }
    /// Renames the tenant; an empty name makes it that of its owner again. Messages keep the names under which they were sent.
    pub async fn rename_tenant(&self, caller: &Caller, name: &str) -> Result<(), RenameRefused> {
        caller.must(Right::NameTenant)?;
        let name = match name.trim() {
            "" => None,
            name => Some(crate::name::parse(name)?),
        };
        let rename = async |tx: &mut TenantTx| {
            let name = match &name {
                Some(name) => name.to_string(),
                None => {
                    let owner = tx.find::<member::Entity>().filter(member::Column::Role.eq(Role::Owner.as_str())).one().await?;
                    owner.ok_or_else(|| Fault::other("the tenant has no owner"))?.name
                }
            };
            tx.update::<tenant::Entity>().set(tenant::Column::Name, name).exec().await.map(|_| ())
        };
        Ok(self.db.act(caller, rename).await?)
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
