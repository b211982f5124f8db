//! Who is signed in, and what is left this month.

use crate::{Accounts, member};
use kernel::{Fault, MemberId, TenantId};
use quota::Usage;
use store::{Caller, Look, Role, entity::tenant};

#[derive(Clone, Debug)]
pub struct Me {
    pub tenant: TenantId,
    pub tenant_name: String,
    /// Name of the plan in the catalogue.
    pub plan: String,
    pub member: MemberId,
    pub name: String,
    pub email: String,
    /// The address was proven by a mailed link.
    pub proven: bool,
    pub role: Role,
    pub usage: Usage,
}

impl Accounts {
    /// The member behind the caller (a session or an API key). `Fault` for callers that are nobody's member.
    pub async fn me(&self, caller: &Caller) -> Result<Me, Fault> {
        let id = caller.member().ok_or_else(|| Fault::other("this caller is no member"))?;
        self.db.read(caller, async |read| about(read, id).await).await
    }
}

async fn about(look: &impl Look, id: MemberId) -> Result<Me, Fault> {
    let tenant = look.own::<tenant::Entity>().await?.ok_or_else(|| Fault::other("the tenant is gone"))?;
    let member = member::get(look, id).await?;
    Ok(Me {
        tenant: look.tenant(),
        tenant_name: tenant.name,
        plan: tenant.plan,
        member: id,
        name: member.name,
        email: member.email,
        proven: member.email_proven_at.is_some(),
        role: Role::parse(&member.role).ok_or_else(|| Fault::other("the member's role is not one of ours"))?,
        usage: quota::usage(look).await?,
    })
}
