//! The door for outgoing mail: a relay over SMTP, or a mailbox in memory for demo and tests.

use crate::{CapturedMail, Letter, Outcome, SmtpRelay};
use std::sync::Arc;

/// Carries letters. Clones share connections and mailbox.
#[derive(Clone, Debug)]
pub enum Mailer {
    Smtp(Arc<SmtpRelay>),
    Mailbox(Arc<CapturedMail>),
}

impl Mailer {
    /// One try for one letter; returns when the outcome is known, at the latest after the configured times.
    pub async fn deliver(&self, letter: &Letter) -> Outcome {
        match self {
            Mailer::Smtp(relay) => relay.deliver(letter).await,
            Mailer::Mailbox(mailbox) => mailbox.deliver(letter),
        }
    }

    /// Connects, says hello, signs in and takes leave; a sentence either way. Sends nothing.
    pub async fn check(&self) -> Result<String, String> {
        match self {
            Mailer::Smtp(relay) => relay.check().await,
            Mailer::Mailbox(_) => Ok("Mail is kept in memory and goes nowhere (demo).".into()),
        }
    }
}
