//! What a member and their tenant are called, asked for at once: every message is submitted under these names.

use crate::TenantRead;
use kernel::{Fault, MemberId};
use sea_orm::FromQueryResult;

const NAMES: &str = "SELECT m.name AS member, t.name AS tenant FROM member m JOIN tenant t ON t.tenant_id = m.tenant_id
    WHERE m.tenant_id = $1 AND m.id = $2";

/// What the two are called now.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Names {
    pub member: String,
    pub tenant: String,
}

impl TenantRead {
    /// `None`: this tenant has no such member. Of the caller it is what they were called when their request was let in.
    pub async fn names(&self, member: MemberId) -> Result<Option<Names>, Fault> {
        if let Some(checked) = self.caller().checked().filter(|_| self.caller().member() == Some(member)) {
            return Ok(Some(Names::clone(&checked.names)));
        }
        self.connection.one(self.connection.words(NAMES, [self.tenant().0.into(), member.0.into()])).await
    }
}
