//! The questions that fold away on the compose page: what each says while it is shut, and which stand open.

use crate::{human, problems::Problems};
use messages::DraftText;

/// One question: open if something under it needs a look, and its answer in a few words.
pub struct Fold {
    pub open: bool,
    pub said: String,
}

pub struct Folds {
    pub proof: Fold,
    pub expiry: Fold,
    pub more: Fold,
}

pub fn of(text: &DraftText, problems: &Problems) -> Folds {
    let wrong = |fields: &[&str]| fields.iter().any(|field| !problems.about(field).is_empty());
    // The password never comes back, so whoever chose one has to see that it must be typed again.
    let password = text.proof == "r2" && problems.any();
    Folds {
        proof: Fold { open: password || wrong(&["proof", "password", "hint"]), said: proof(text) },
        expiry: Fold { open: wrong(&["expires_days", "remind_days"]), said: expiry(text) },
        more: Fold { open: wrong(&["send_at"]), said: more(text) },
    }
}

fn proof(text: &DraftText) -> String {
    match text.proof.as_str() {
        "r0" => "the link alone",
        "r2" => "a mailed code and a message password",
        "r4" => "a certificate of theirs",
        _ => "a code mailed to them",
    }
    .to_owned()
}

fn expiry(text: &DraftText) -> String {
    let days = match text.expires_days.trim() {
        "" => "30 days".to_owned(),
        days => days.parse().map_or("not a number yet".to_owned(), |n| human::count(n, "day", "days")),
    };
    match text.remind_days.trim() {
        "" => format!("{days}, no reminder"),
        before => format!("{days}, reminded {} days before", before.chars().take(20).collect::<String>()),
    }
}

fn more(text: &DraftText) -> String {
    let chosen = [
        (text.accept_first, "accept first"),
        (text.hide_sender, "sender hidden"),
        (text.show_subject, "subject shown"),
        (text.notify_opened, "mail me"),
        (!text.send_at.trim().is_empty(), "later"),
    ];
    let said: Vec<&str> = chosen.iter().filter(|(on, _)| *on).map(|(_, said)| *said).collect();
    if said.is_empty() { "your name, not the subject, at once".to_owned() } else { said.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_says_its_answer_and_opens_for_what_is_wrong() {
        let text = DraftText {
            proof: "r2".into(),
            expires_days: "14".into(),
            remind_days: "7, 1".into(),
            accept_first: true,
            ..DraftText::default()
        };
        let folds = of(&text, &Problems::of("hint", "no"));
        assert!(folds.proof.open && !folds.expiry.open && !folds.more.open);
        assert_eq!(
            (folds.proof.said.as_str(), folds.expiry.said.as_str(), folds.more.said.as_str()),
            ("a mailed code and a message password", "14 days, reminded 7, 1 days before", "accept first")
        );
        assert!(of(&text, &Problems::of("to", "no")).proof.open, "the password has to be typed again");
        assert!(!of(&DraftText::default(), &Problems::none()).proof.open);
    }
}
