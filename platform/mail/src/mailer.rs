//! The door for outgoing mail: a relay over SMTP, or a mailbox in memory for demo and tests.

use crate::{CapturedMail, Letter, Outcome, SmtpRelay, Tally};
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
        let outcome = match self {
            Mailer::Smtp(relay) => relay.deliver(letter).await,
            Mailer::Mailbox(mailbox) => mailbox.deliver(letter),
        };
        self.tally().count(&outcome);
        outcome
    }

    /// What became of every try so far.
    pub fn tally(&self) -> &Tally {
        match self {
            Mailer::Smtp(relay) => &relay.tally,
            Mailer::Mailbox(mailbox) => &mailbox.tally,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pause, SmtpAnswer, letter::tests::letter};

    #[tokio::test]
    async fn every_try_is_counted_by_its_outcome() {
        let mailbox = Arc::new(CapturedMail::new(9));
        let (mailer, answer) = (Mailer::Mailbox(mailbox.clone()), |code| SmtpAnswer::new(code, "x", "mx"));
        mailbox.answer_next(Outcome::TryLater(Pause::Answered(answer(450))));
        mailbox.answer_next(Outcome::TryLater(Pause::NoAnswer("no connection".into())));
        mailbox.answer_next(Outcome::Failed(answer(550)));
        mailbox.answer_next(Outcome::Unknown("broke".into()));
        for _ in 0..7 {
            mailer.deliver(&letter()).await;
        }
        assert_eq!(mailer.clone().tally().counts(), [("taken", 3), ("refused_for_now", 2), ("refused_for_good", 1), ("unknown", 1)]);
    }
}
