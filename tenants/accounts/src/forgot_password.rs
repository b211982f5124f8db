//! Asking for a link to set a new password.
//!
//! What would surprise you: an unknown address costs as many durable writes as a known one, whatever its memberships;
//! a stranger with a stop-watch learns nothing.

use crate::{
    Accounts, LinkPurpose,
    brakes::{FORGOT_PER_ADDRESS, FORGOT_PER_NETWORK, Rate, network},
    links, refused,
};
use kernel::{BadAddress, EmailAddress, Fault, Time};
use std::time::Duration;
use store::Origin;

/// Links of one request, a membership each; fewer are made up by writes that mean nothing.
const LINKS: usize = 5;
/// The write that means nothing: a counter that never holds.
const DECOY: Rate = Rate { verb: "forgot, decoy", times: i64::MAX, window: Duration::from_secs(3_600) };

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
        for (rate, whom) in [(FORGOT_PER_NETWORK, network(&origin)), (FORGOT_PER_ADDRESS, address.mailbox())] {
            if let Some(until) = self.held(rate, &whom).await? {
                return Err(ForgotRefused::SlowDown { until });
            }
        }
        let mut members = self.memberships(&address, None, &origin).await?.into_iter();
        for _ in 0..LINKS {
            match members.next() {
                Some(member) => {
                    let mail = async |tx: &mut store::TenantTx| links::mail_link(tx, member.id, LinkPurpose::ResetPassword).await;
                    self.db.act(&member.caller, mail).await?;
                }
                None => {
                    self.held(DECOY, "nobody").await?;
                }
            }
        }
        Ok(())
    }
}
