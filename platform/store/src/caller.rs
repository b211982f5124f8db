//! Who acts, for which tenant, from where. Only the front desk makes a caller, out of a credential it checked.

use crate::Names;
use kernel::{ApiKeyId, MAX_USER_AGENT_CHARS, MemberId, MessageId, RecipientId, SessionId, TenantId, Time};
use std::{net::IpAddr, sync::Arc};

/// Whose data, and who acts. Cannot be built outside the front desk.
#[derive(Clone, Debug)]
pub struct Caller {
    tenant: TenantId,
    who: Who,
    origin: Origin,
    checked: Option<Checked>,
}

/// When a session or key was found good.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub at: Time,
    /// `Herald::credentials` of that moment.
    pub as_of: u64,
    /// What the member and the tenant were called then.
    pub names: Arc<Names>,
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A signed-in member. `proven`: the member's address was proven.
    Member { id: MemberId, session: SessionId, role: Role, proven: bool },
    /// An API key, acting for the member who made it.
    Key { id: ApiKeyId, member: MemberId, role: Role, proven: bool },
    /// Whoever holds a recipient's pickup link. It does not say that this is the recipient.
    Recipient { id: RecipientId, message: MessageId },
    /// A job, the operator's command, or a mailed link that is about to be spent.
    System,
}

/// What a member is in the tenant; `Right` says what that allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Owner,
    Admin,
    Member,
    /// Reads only.
    Auditor,
    /// Plan and invoices only.
    Billing,
}

/// Where a request came from, as far as it goes into evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub ip: Option<IpAddr>,
    /// At most `MAX_USER_AGENT_CHARS` characters, none of them control characters.
    pub user_agent: String,
}

impl Caller {
    pub(crate) fn new(tenant: TenantId, who: Who, origin: Origin) -> Caller {
        Caller { tenant, who, origin, checked: None }
    }
    pub(crate) fn found_good(self, checked: Checked) -> Caller {
        Caller { checked: Some(checked), ..self }
    }
    /// `None`: there is nothing that could end (links, jobs).
    pub(crate) fn checked(&self) -> Option<&Checked> {
        self.checked.as_ref()
    }
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }
    pub fn who(&self) -> &Who {
        &self.who
    }
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
    /// The same caller, heard from elsewhere.
    pub fn with_origin(self, origin: Origin) -> Caller {
        Caller { origin, ..self }
    }
    /// The member who acts, or for whom the API key acts.
    pub fn member(&self) -> Option<MemberId> {
        match self.who {
            Who::Member { id, .. } => Some(id),
            Who::Key { member, .. } => Some(member),
            Who::Recipient { .. } | Who::System => None,
        }
    }
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Owner, Role::Admin, Role::Member, Role::Auditor, Role::Billing];
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Admin => "admin",
            Role::Member => "member",
            Role::Auditor => "auditor",
            Role::Billing => "billing",
        }
    }
    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl Origin {
    /// Cuts the user agent to its bound and drops control characters.
    pub fn new(ip: Option<IpAddr>, user_agent: &str) -> Origin {
        Origin { ip, user_agent: user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT_CHARS).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_cut_and_cleaned() {
        let origin = Origin::new(None, &format!("a\r\nb\0{}", "x".repeat(10_000)));
        assert!(origin.user_agent.starts_with("abx"));
        assert_eq!(origin.user_agent.chars().count(), MAX_USER_AGENT_CHARS);
    }

    #[test]
    fn roles_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
