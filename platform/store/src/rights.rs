//! What each role may do to what is the tenant's: the one table (`product.md`: an auditor reads only, billing has plan and invoices).
//!
//! Reading needs no right. Nor does what is a member's own: their name, password and sessions, revoking their keys, another link for the
//! proof. Whoever may only read must still be able to end a stolen session.

use crate::{Caller, Role, Who};
use std::fmt;

/// One thing done to what is the tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Drafts: start, save, discard.
    Write,
    /// Files of a draft: begin, send bytes, remove.
    Attach,
    Send,
    Retract,
    /// New tries for a recipient who was locked out.
    Unlock,
    /// Marking a reply as read.
    MarkRead,
    MakeKey,
    /// What the organisation is called.
    NameTenant,
    /// Own domains: add, look again, remove.
    KeepDomains,
    /// Authorities whose certificates sign members in.
    SetCertificates,
    /// A certificate of one's own that signs in: enrol, have issued.
    Enrol,
}

const WRITERS: &[Role] = &[Role::Owner, Role::Admin, Role::Member];
const KEEPERS: &[Role] = &[Role::Owner, Role::Admin];

impl Right {
    pub const ALL: [Right; 11] = [
        Right::Write,
        Right::Attach,
        Right::Send,
        Right::Retract,
        Right::Unlock,
        Right::MarkRead,
        Right::MakeKey,
        Right::NameTenant,
        Right::KeepDomains,
        Right::SetCertificates,
        Right::Enrol,
    ];

    /// Who has it, and its word in the sentence that everybody else gets.
    const fn line(self) -> (&'static [Role], &'static str) {
        match self {
            Right::Write => (WRITERS, "write"),
            Right::Attach => (WRITERS, "attach files"),
            Right::Send => (WRITERS, "send"),
            Right::Retract => (WRITERS, "retract"),
            Right::Unlock => (WRITERS, "allow new tries"),
            Right::MarkRead => (WRITERS, "mark replies"),
            Right::MakeKey => (WRITERS, "make API keys"),
            Right::NameTenant => (KEEPERS, "change the organisation’s name"),
            Right::KeepDomains => (KEEPERS, "add or remove domains"),
            Right::Enrol => (WRITERS, "enrol certificates"),
            Right::SetCertificates => (KEEPERS, "change how certificates sign people in"),
        }
    }
}

impl Role {
    pub fn may(self, right: Right) -> bool {
        right.line().0.contains(&self)
    }
}

impl Caller {
    /// By the role of the member who acts, or for whom the key acts. Recipients and the system have no role, and none of these rights.
    pub fn must(&self, right: Right) -> Result<(), NotAllowed> {
        match self.who() {
            Who::Member { role, .. } | Who::Key { role, .. } if role.may(right) => Ok(()),
            _ => Err(NotAllowed(right)),
        }
    }
}

/// The caller's role lacks the right. The sentence can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAllowed(pub Right);

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Your role may read but not {}.", self.0.line().1)
    }
}

impl std::error::Error for NotAllowed {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;
    use kernel::{ApiKeyId, MemberId, MessageId, RecipientId, SessionId, TenantId};

    fn caller(who: Who) -> Caller {
        Caller::new(TenantId(Default::default()), who, Origin::default())
    }

    /// As `product.md` has it, role by role, as a member and by a key of theirs.
    #[test]
    fn each_role_has_its_rights_and_its_keys_have_no_more() {
        for role in Role::ALL {
            let (writes, keeps) = match role {
                Role::Owner | Role::Admin => (true, true),
                Role::Member => (true, false),
                Role::Auditor | Role::Billing => (false, false),
            };
            let member = MemberId(Default::default());
            let signed_in = Who::Member { id: member, session: SessionId(Default::default()), role, proven: true };
            let key = Who::Key { id: ApiKeyId(Default::default()), member, role, proven: true };
            for right in Right::ALL {
                for who in [signed_in.clone(), key.clone()] {
                    let may = if matches!(right, Right::NameTenant | Right::KeepDomains | Right::SetCertificates) { keeps } else { writes };
                    assert_eq!(caller(who).must(right).is_ok(), may, "{role:?} {right:?}");
                }
            }
        }
    }

    #[test]
    fn who_has_no_role_has_no_right() {
        let recipient = Who::Recipient { id: RecipientId(Default::default()), message: MessageId(Default::default()) };
        for right in Right::ALL {
            assert_eq!(caller(Who::System).must(right), Err(NotAllowed(right)));
            assert_eq!(caller(recipient.clone()).must(right), Err(NotAllowed(right)));
        }
        assert_eq!(NotAllowed(Right::Send).to_string(), "Your role may read but not send.");
    }
}
