//! A mailbox in memory, for demo and tests: what was mailed can be read, and what the next try meets can be scripted.

use crate::{Letter, Outcome, SmtpAnswer, Tally};
use kernel::{EmailAddress, Time};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// A letter as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CapturedLetter {
    pub to: String,
    pub from: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub message_id: String,
    /// The letter's own date.
    pub at: Time,
    /// The bytes as they would go over the wire, unsigned.
    pub raw: String,
}

/// Keeps the newest letters, at most `cap`.
#[derive(Debug)]
pub struct CapturedMail {
    cap: usize,
    inner: Mutex<Inner>,
    arrived: Notify,
    pub(crate) tally: Tally,
}

#[derive(Debug, Default)]
struct Inner {
    letters: VecDeque<CapturedLetter>,
    next: VecDeque<Outcome>,
    next_for: HashMap<String, VecDeque<Outcome>>,
}

impl CapturedMail {
    pub fn new(cap: usize) -> CapturedMail {
        CapturedMail { cap: cap.max(1), inner: Mutex::default(), arrived: Notify::new(), tally: Tally::default() }
    }
    /// Newest last.
    pub fn letters(&self) -> Vec<CapturedLetter> {
        self.lock().letters.iter().cloned().collect()
    }
    /// Those to one address (case does not matter), newest last.
    pub fn letters_to(&self, address: &str) -> Vec<CapturedLetter> {
        self.letters().into_iter().filter(|l| l.to.eq_ignore_ascii_case(address)).collect()
    }
    pub fn clear(&self) {
        self.lock().letters.clear();
    }
    /// Waits until `count` letters to `address` have arrived and returns the last of them; `None` when `within` has passed.
    pub async fn wait_for(&self, address: &str, count: usize, within: Duration) -> Option<CapturedLetter> {
        let wait = async {
            loop {
                // Registered before looking, so that an arrival in between is not missed.
                let arrived = self.arrived.notified();
                tokio::pin!(arrived);
                arrived.as_mut().enable();
                if let Some(letter) = self.letters_to(address).into_iter().nth(count.saturating_sub(1)) {
                    return letter;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(within, wait).await.ok()
    }
    /// The next letter, whoever it is for, meets this outcome; several calls queue up.
    pub fn answer_next(&self, outcome: Outcome) {
        self.lock().next.push_back(outcome);
    }
    /// The next letter to `address` meets this outcome; goes before [`CapturedMail::answer_next`].
    pub fn answer_next_to(&self, address: &EmailAddress, outcome: Outcome) {
        self.lock().next_for.entry(address.folded()).or_default().push_back(outcome);
    }

    /// Keeps the letter unless it is scripted to be refused; after [`Outcome::Unknown`] it has arrived, as on the real wire it may have.
    pub(crate) fn deliver(&self, letter: &Letter) -> Outcome {
        let outcome = {
            let mut inner = self.lock();
            let outcome = inner.scripted(&letter.to).unwrap_or_else(accepted);
            if matches!(outcome, Outcome::Relayed(_) | Outcome::Unknown(_)) {
                inner.keep(captured(letter), self.cap);
            }
            outcome
        };
        self.arrived.notify_waiters();
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn scripted(&mut self, to: &EmailAddress) -> Option<Outcome> {
        let own = self.next_for.get_mut(&to.folded()).and_then(VecDeque::pop_front);
        own.or_else(|| self.next.pop_front())
    }
    fn keep(&mut self, letter: CapturedLetter, cap: usize) {
        if self.letters.len() >= cap {
            self.letters.pop_front();
        }
        self.letters.push_back(letter);
    }
}

fn accepted() -> Outcome {
    Outcome::Relayed(SmtpAnswer::new(250, "2.0.0 kept in the mailbox", "mailbox"))
}

fn captured(letter: &Letter) -> CapturedLetter {
    CapturedLetter {
        to: letter.to.to_string(),
        from: letter.from.to_string(),
        subject: letter.subject.clone(),
        text: letter.text.clone(),
        html: letter.html.clone(),
        message_id: letter.message_id.clone(),
        at: letter.date,
        raw: String::from_utf8(letter.to_bytes(None)).expect("letters are ASCII"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pause, letter::tests::letter};
    use std::sync::Arc;

    #[test]
    fn the_oldest_letter_makes_room() {
        let mail = CapturedMail::new(2);
        for n in 0..3 {
            mail.deliver(&Letter { subject: n.to_string(), ..letter() });
        }
        assert_eq!(mail.letters().iter().map(|l| l.subject.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn scripted_answers_come_once_and_refused_letters_do_not_arrive() {
        let mail = CapturedMail::new(9);
        let refused = Outcome::Failed(SmtpAnswer::new(550, "5.1.1 no such user", "mx"));
        let busy = Outcome::TryLater(Pause::Answered(SmtpAnswer::new(450, "4.2.0 busy", "mx")));
        mail.answer_next(busy.clone());
        mail.answer_next_to(&letter().to, refused.clone());
        assert_eq!(mail.deliver(&letter()), refused);
        assert_eq!(mail.deliver(&letter()), busy);
        assert_eq!(mail.letters(), []);
        assert!(matches!(mail.deliver(&letter()), Outcome::Relayed(_)));
        mail.answer_next(Outcome::Unknown("broke".into()));
        mail.deliver(&letter());
        assert_eq!(mail.letters_to("M.KELLER@example.org").len(), 2);
    }

    #[tokio::test]
    async fn a_waiter_sees_the_letter_that_arrives_later() {
        let mail = Arc::new(CapturedMail::new(9));
        let waiter = tokio::spawn({
            let mail = mail.clone();
            async move { mail.wait_for("m.keller@example.org", 2, Duration::from_secs(10)).await }
        });
        mail.deliver(&letter());
        tokio::task::yield_now().await;
        mail.deliver(&Letter { subject: "second".into(), ..letter() });
        assert_eq!(waiter.await.unwrap().map(|l| l.subject), Some("second".into()));
        assert_eq!(mail.wait_for("nobody@example.org", 1, Duration::from_millis(1)).await, None);
    }
}
