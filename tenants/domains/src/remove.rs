//! Letting a domain go, and looking at one again at once.

use crate::{DomainRefused, Domains, look};
use kernel::{DomainId, Fault, HostName};
use sea_orm::{ColumnTrait, Condition, QueryFilter};
use store::{
    Caller, Right, TenantTx,
    entity::domain::{Column, Entity},
};

impl Domains {
    /// The name is shown no more. Nobody else may prove it for thirty days. `false`: there is no such domain of this tenant's.
    pub async fn remove(&self, caller: &Caller, id: DomainId) -> Result<bool, DomainRefused> {
        caller.must(Right::KeepDomains)?;
        Ok(self.db.act::<_, Fault, _>(caller, async |tx| remove(tx, id).await).await?)
    }
    /// Looks at the domain's DNS now, and orders its certificate now if the last order failed. `false`: as above.
    pub async fn look_again(&self, caller: &Caller, id: DomainId) -> Result<bool, DomainRefused> {
        caller.must(Right::KeepDomains)?;
        Ok(self.db.act::<_, Fault, _>(caller, async |tx| look_again(tx, id).await).await?)
    }
}

async fn remove(tx: &mut TenantTx, id: DomainId) -> Result<bool, Fault> {
    let Some(row) = tx.find::<Entity>().filter(own(id)).for_update().one().await? else { return Ok(false) };
    if let Ok(name) = HostName::parse(&row.name) {
        tx.unwant_certificate(&name).await?;
    }
    tx.update::<Entity>().set(Column::GoneAt, tx.now().0).filter(own(id)).exec().await?;
    // Which then waits until others may have the name.
    look::soon(tx, id).await?;
    Ok(true)
}

async fn look_again(tx: &mut TenantTx, id: DomainId) -> Result<bool, Fault> {
    let Some(row) = tx.find::<Entity>().filter(own(id)).one().await? else { return Ok(false) };
    if let Ok(name) = HostName::parse(&row.name) {
        tx.certificate_again(&name).await?;
    }
    look::soon(tx, id).await?;
    Ok(true)
}

fn own(id: DomainId) -> Condition {
    Condition::all().add(Column::Id.eq(id.0)).add(Column::GoneAt.is_null())
}
