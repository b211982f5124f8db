//! Where recipients stand, in a word and a shape. Colour never speaks alone: the class draws the mark, the word says it.

use crate::{human, human::When};
use kernel::Time;
use messages::RecipientState;

/// A state as a list shows it.
pub struct Said {
    pub class: &'static str,
    pub words: String,
    /// Beneath in grey: what the rest of the recipients did.
    pub detail: String,
    /// When it leaves, if that is still to come.
    pub leaves: Option<When>,
}

/// Of what waits until the time that its sender chose.
pub const LEAVES_LATER: &str = "Leaves later";

pub fn word(state: RecipientState) -> &'static str {
    match state {
        RecipientState::Waiting => "Waiting",
        RecipientState::Notified => "Notified",
        RecipientState::Failed => "Not delivered",
        RecipientState::Opened => "Opened",
        RecipientState::Refused => "Refused",
        RecipientState::Retracted => "Retracted",
        RecipientState::Expired => "Expired",
        RecipientState::Locked => "Locked",
    }
}

/// Which state stands for the whole message: what a sender wants to know first comes first.
const FIRST: [RecipientState; 8] = [
    RecipientState::Locked,
    RecipientState::Failed,
    RecipientState::Refused,
    RecipientState::Opened,
    RecipientState::Notified,
    RecipientState::Waiting,
    RecipientState::Retracted,
    RecipientState::Expired,
];

/// The state of a message out of those of its recipients. Before `release_at` everything waits to leave.
pub fn of_message(states: &[(RecipientState, u64)], release_at: Time, now: Time) -> Said {
    let total: u64 = states.iter().map(|(_, n)| n).sum();
    let count_of = |state: RecipientState| states.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n);
    let Some(state) = FIRST.into_iter().find(|s| count_of(*s) > 0) else {
        return Said { class: "waiting", words: word(RecipientState::Waiting).to_owned(), detail: String::new(), leaves: None };
    };
    if state == RecipientState::Waiting && release_at > now {
        return Said { class: "waiting", words: LEAVES_LATER.to_owned(), detail: String::new(), leaves: Some(When::full(release_at)) };
    }
    let here = count_of(state);
    let words = if here == total {
        word(state).to_owned()
    } else {
        format!("{} {} of {}", word(state), human::number(here as i64), human::number(total as i64))
    };
    let rest: Vec<String> = states
        .iter()
        .filter(|(s, n)| *s != state && *n > 0)
        .map(|(s, n)| format!("{} {}", human::number(*n as i64), word(*s).to_lowercase()))
        .collect();
    Said { class: state.as_str(), words, detail: rest.join(", "), leaves: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RecipientState::{Failed, Notified, Opened, Retracted, Waiting};

    fn said(states: &[(RecipientState, u64)]) -> (String, String) {
        let said = of_message(states, Time(0), Time(1));
        (said.words, said.detail)
    }

    #[test]
    fn one_recipient_is_one_word() {
        assert_eq!(said(&[(Opened, 1)]), ("Opened".into(), String::new()));
        assert_eq!(said(&[(Failed, 1)]), ("Not delivered".into(), String::new()));
    }

    #[test]
    fn several_are_counted_and_none_is_left_out() {
        assert_eq!(said(&[(Notified, 1), (Opened, 2)]), ("Opened 2 of 3".into(), "1 notified".into()));
        assert_eq!(said(&[(Opened, 2), (Failed, 1), (Retracted, 1)]), ("Not delivered 1 of 4".into(), "2 opened, 1 retracted".into()));
        assert_eq!(said(&[(Retracted, 3)]), ("Retracted".into(), String::new()));
    }

    #[test]
    fn what_leaves_later_says_when() {
        let said = of_message(&[(Waiting, 2)], Time::parse("2026-12-01T09:30:00Z").unwrap(), Time(0));
        let leaves = said.leaves.unwrap();
        assert_eq!((said.words.as_str(), leaves.words()), ("Leaves later", "1 December 2026 09:30 UTC"));
    }
}
