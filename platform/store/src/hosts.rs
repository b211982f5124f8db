//! Tenants' own hosts: whose a name is that the site serves, and where a tenant's links lead.

use crate::{Certificates, TenantRead, WantedBy};
use kernel::{Fault, HostName, TenantId};
use sea_orm::FromQueryResult;

/// The one that has been proven for the longest time, of those that lead here and whose certificate is good.
const LIVE: &str = "SELECT d.name FROM domain d JOIN certificate c ON c.name = d.name
    WHERE d.tenant_id = $1 AND d.gone_at IS NULL AND d.proven_at IS NOT NULL AND d.leads
        AND c.wanted_by = $2 AND c.state = 'wanted' AND c.not_after > $3
    ORDER BY d.proven_at, d.name LIMIT 1";

#[derive(FromQueryResult)]
struct Row {
    name: String,
}

impl Certificates<'_> {
    /// The tenant whose domain `name` is, while there is a good certificate for it.
    pub async fn holder(&self, name: &HostName) -> Result<Option<TenantId>, Fault> {
        let now = self.now();
        let state = self.state(name).await?.filter(|state| state.live_until.is_some_and(|end| end > now));
        Ok(state.and_then(|state| match state.wanted_by {
            WantedBy::Tenant(tenant) => Some(tenant),
            WantedBy::Site | WantedBy::Operator | WantedBy::Asking => None,
        }))
    }
}

impl TenantRead {
    /// The tenant's own host that people can use now.
    pub async fn live_host(&self) -> Result<Option<HostName>, Fault> {
        let by = WantedBy::Tenant(self.tenant()).text();
        let values = [self.tenant().0.into(), by.into(), self.now().0.into()];
        let row = self.connection.one::<Row>(self.connection.words(LIVE, values)).await?;
        row.map(|row| HostName::parse(&row.name).map_err(|e| Fault::other(format!("a domain's row: {e}")))).transpose()
    }
}
