//! Adding a domain: from now on its DNS is looked at.

use crate::{DomainRefused, DomainView, Domains, MAX_DOMAINS, look, name, view};
use kernel::{DomainId, HostName};
use sea_orm::{ColumnTrait, QueryFilter};
use store::{
    Caller, Right, TenantTx,
    entity::domain::{ActiveModel, Column, Entity, Model},
};

/// What the TXT record says, before the token.
const PROOF: &str = "countersign-domain=";

impl Domains {
    /// Adds what somebody typed, if the plan has room for it. A name that the tenant let go lately is kept from others as before, and has to be proven anew by the same
    /// record.
    pub async fn add(&self, caller: &Caller, typed: &str) -> Result<DomainView, DomainRefused> {
        caller.must(Right::KeepDomains)?;
        if !self.orders {
            return Err(DomainRefused::NoCertificates);
        }
        let name = name::parse(typed, &self.own_names())?;
        self.db.act(caller, async |tx| add(tx, &name).await).await
    }
}

async fn add(tx: &mut TenantTx, name: &HostName) -> Result<DomainView, DomainRefused> {
    // So that of several at once no more are added than there is room for.
    quota::in_turn(tx).await?;
    let own = tx.find::<Entity>().for_update().all().await?;
    let known = own.iter().find(|row| row.name == name.as_str());
    if known.is_some_and(|row| row.gone_at.is_none()) {
        return Err(DomainRefused::Already(name::shown(name)));
    }
    let used = own.iter().filter(|row| row.gone_at.is_none()).count();
    quota::check_domains(&quota::usage(tx).await?.limits, i64::try_from(used).unwrap_or(i64::MAX))?;
    if used as u64 >= MAX_DOMAINS {
        return Err(DomainRefused::TooMany);
    }
    if let Some(row) = known {
        return take_back(tx, row).await;
    }
    let id = DomainId::new(tx.now(), tx.chance());
    let token: String = tx.chance().bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
    let row = Model {
        tenant_id: tx.tenant().0,
        id: id.0,
        name: name.to_string(),
        proof: format!("{PROOF}{token}"),
        added_at: tx.now().0,
        proven_at: None,
        missed_at: None,
        taken_at: None,
        looked_at: None,
        gone_at: None,
        leads: false,
        seen: String::new(),
        renewal_told: None,
        elsewhere_at: None,
    };
    tx.insert(ActiveModel::from(row.clone())).await?;
    look::soon(tx, id).await?;
    Ok(view::of(tx, row).await?)
}

/// Nothing has proven it since it was let go, so the thirty days go on from there: adding and removing does not keep others out for longer.
async fn take_back(tx: &mut TenantTx, row: &Model) -> Result<DomainView, DomainRefused> {
    let missed_at = row.missed_at.or(row.gone_at).filter(|_| row.proven_at.is_some());
    let back = Model { gone_at: None, missed_at, looked_at: None, leads: false, seen: String::new(), elsewhere_at: None, ..row.clone() };
    tx.update::<Entity>()
        .set(Column::GoneAt, None::<i64>)
        .set(Column::MissedAt, missed_at)
        .set(Column::LookedAt, None::<i64>)
        .set(Column::Leads, false)
        .set(Column::Seen, "")
        .set(Column::ElsewhereAt, None::<i64>)
        .filter(Column::Id.eq(row.id))
        .exec()
        .await?;
    look::soon(tx, DomainId(row.id)).await?;
    Ok(view::of(tx, back).await?)
}
