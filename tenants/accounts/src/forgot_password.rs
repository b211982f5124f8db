//! Asking for a link to set a new password.
//!
//! What would surprise you: the request never looks whether anybody has the address. It counts, leaves one job, and answers; only the
//! job looks. So a stranger with a stop-watch learns nothing.

use crate::{
    Accounts,
    brakes::{FORGOT_PER_ADDRESS, FORGOT_PER_NETWORK, FORGOT_PER_TAGGED_MAILBOX, network},
    jobs, refused,
};
use kernel::{BadAddress, EmailAddress, Fault, Time};
use store::{Origin, TenantTx};

#[derive(Clone, Debug, thiserror::Error)]
pub enum ForgotRefused {
    /// Belongs to the field `email`.
    #[error(transparent)]
    Email(#[from] BadAddress),
    #[error("{}", refused::slow_down(*.until))]
    SlowDown { until: Time },
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ForgotRefused {
    /// The form's field: `email`.
    pub fn field(&self) -> Option<&'static str> {
        matches!(self, ForgotRefused::Email(_)).then_some("email")
    }
}

impl Accounts {
    /// Mails one link a membership to a known address, and nothing to an unknown one; the answer and the work are the same.
    pub async fn forgot_password(&self, email: &str, origin: Origin) -> Result<(), ForgotRefused> {
        let address = EmailAddress::parse(email)?;
        let (folded, mailbox) = (address.folded(), address.mailbox());
        let tagged = folded != mailbox;
        let mut brakes = vec![(FORGOT_PER_NETWORK, network(&origin)), (FORGOT_PER_ADDRESS, folded)];
        // Tags are told apart, so that those that a stranger makes up do not use up what the plain address has.
        brakes.extend(tagged.then_some((FORGOT_PER_TAGGED_MAILBOX, mailbox)));
        for (rate, whom) in brakes {
            if let Some(until) = self.held(rate, &whom).await? {
                return Err(ForgotRefused::SlowDown { until });
            }
        }
        // A job is some tenant's: for want of a better one, the oldest's. Where there is none there is nobody to mail.
        let Some(oldest) = self.db.front_desk().tenants(None, 1).await?.pop() else { return Ok(()) };
        let system = self.db.front_desk().system(oldest.id);
        Ok(self.db.act::<_, Fault, _>(&system, async |tx: &mut TenantTx| jobs::forgot_later(tx, self.db.roots(), &address).await).await?)
    }
}
