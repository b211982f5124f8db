//! Parsing what a sender asked for: everything wrong is found at once, each with its field and its sentence.

use crate::Proof;
use kernel::{
    AttachmentId, BadLine, EmailAddress, Line, MAX_ATTACHMENTS, MAX_BODY_BYTES, MAX_HINT_CHARS, MAX_RECIPIENTS, MAX_SUBJECT_CHARS,
    MIN_MESSAGE_PASSWORD_CHARS, MessageId, Time,
};
use std::{collections::HashSet, fmt};
use unicode_normalization::UnicodeNormalization;

const DEFAULT_LIFE_DAYS: i64 = 30;
/// However long a plan lets content live.
const MAX_LIFE_DAYS: i64 = 3650;
const MAX_SEND_LATER_DAYS: i64 = 365;
const DAY_SECONDS: u64 = 24 * 3600;
const MAX_MESSAGE_PASSWORD_CHARS: usize = 256;
const MAX_REMINDERS: usize = 5;
const NAMED: &str =
    "Whoever is asked for a certificate is told by which authorities, and so by whom. Show your name, or choose another proof.";

/// A message as a door hands it in: typed, not yet checked.
#[derive(Clone, Default)]
pub struct Outline {
    /// The draft that this message comes of; its attachments belong to it. `None` starts a new message.
    pub draft: Option<MessageId>,
    pub to: Vec<String>,
    pub subject: String,
    /// Text with a small Markdown subset (`markup`).
    pub body: String,
    /// `None`: R2 when there is a password, else R1.
    pub proof: Option<Proof>,
    pub password: Option<String>,
    pub hint: String,
    /// Days from release to expiry; `None`: 30.
    pub expires_days: Option<i64>,
    /// Days before expiry on which those who have not opened are reminded.
    pub remind_days: Vec<i64>,
    pub accept_first: bool,
    pub hide_sender: bool,
    pub show_subject: bool,
    pub notify_opened: bool,
    pub send_at: Option<Time>,
    /// Must all belong to `draft` (or, without one, to one upload's message).
    pub attachments: Vec<AttachmentId>,
}

/// What is wrong with one field, as a sentence to show beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: &'static str,
    /// Which entry of a list field, from 0.
    pub index: Option<usize>,
    pub sentence: String,
}

impl FieldError {
    pub fn new(field: &'static str, sentence: impl Into<String>) -> FieldError {
        FieldError { field, index: None, sentence: sentence.into() }
    }
    /// RFC 6901 pointer into the API's request body.
    pub fn pointer(&self) -> String {
        match self.index {
            Some(i) => format!("/{}/{i}", self.field),
            None => format!("/{}", self.field),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// A message that may be sent: every field checked.
#[derive(Clone)]
pub struct Draft {
    pub(crate) draft: Option<MessageId>,
    pub(crate) to: Vec<EmailAddress>,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) proof: Proof,
    pub(crate) password: Option<String>,
    pub(crate) hint: String,
    pub(crate) expires_days: Option<i64>,
    pub(crate) remind_days: Vec<i64>,
    pub(crate) accept_first: bool,
    pub(crate) hide_sender: bool,
    pub(crate) show_subject: bool,
    pub(crate) notify_opened: bool,
    pub(crate) send_at: Option<Time>,
    pub(crate) attachments: Vec<AttachmentId>,
}

impl Draft {
    /// Fields: to, subject, body, proof, password, hint, expires_days, remind_days, send_at, attachments.
    pub fn parse(outline: &Outline, now: Time) -> Result<Draft, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let to = parse_to(&outline.to, &mut wrong);
        let subject = parse_subject(&outline.subject, &mut wrong);
        check_body(&outline.body, outline.attachments.is_empty(), &mut wrong);
        let proof = parse_proof(outline, &mut wrong);
        if proof == Proof::R4 && outline.hide_sender {
            wrong.push(FieldError::new("proof", NAMED));
        }
        let hint = parse_hint(outline, &mut wrong);
        check_times(outline, now, &mut wrong);
        check_attachments(&outline.attachments, &mut wrong);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut remind_days = outline.remind_days.clone();
        remind_days.sort_unstable_by(|a, b| b.cmp(a));
        remind_days.dedup();
        Ok(Draft {
            draft: outline.draft,
            to,
            subject,
            body: with_plain_line_ends(&outline.body),
            proof,
            password: outline.password.clone().filter(|p| !p.is_empty()),
            hint,
            expires_days: outline.expires_days,
            remind_days,
            accept_first: outline.accept_first,
            hide_sender: outline.hide_sender,
            show_subject: outline.show_subject,
            notify_opened: outline.notify_opened,
            send_at: outline.send_at.filter(|at| *at > now),
            attachments: outline.attachments.clone(),
        })
    }
    pub(crate) fn life_days(&self) -> i64 {
        self.expires_days.unwrap_or(DEFAULT_LIFE_DAYS)
    }
}

/// Days from `now` until it leaves, begun ones counted whole: the content is kept on them as well.
pub(crate) fn days_ahead(send_at: Option<Time>, now: Time) -> i64 {
    let ahead = send_at.map_or(0, |at| at.since(now).as_secs().div_ceil(DAY_SECONDS));
    i64::try_from(ahead).unwrap_or(i64::MAX)
}

/// Days from `now` to expiry that were asked for, for comparing with the plan: those until it leaves and those of its life, of which there is
/// one at least. `None`: nothing was asked for.
pub fn kept_days(expires_days: Option<i64>, send_at: Option<Time>, now: Time) -> Option<i64> {
    match (expires_days, days_ahead(send_at, now)) {
        (None, 0) => None,
        (days, ahead) => Some(days.unwrap_or(1).saturating_add(ahead)),
    }
}

fn with_plain_line_ends(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

fn parse_to(typed: &[String], wrong: &mut Vec<FieldError>) -> Vec<EmailAddress> {
    let typed: Vec<(usize, &str)> = typed.iter().map(|t| t.trim()).enumerate().collect();
    if typed.is_empty() || typed.iter().all(|(_, t)| t.is_empty()) {
        wrong.push(FieldError::new("to", "Say who should get the message: at least one address."));
        return Vec::new();
    }
    if typed.len() > MAX_RECIPIENTS {
        let n = typed.len();
        wrong.push(FieldError::new(
            "to",
            format!("{n} recipients are too many for one message; at most {MAX_RECIPIENTS} fit. Send a second message to the rest."),
        ));
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let mut to = Vec::with_capacity(typed.len());
    for (index, text) in typed {
        match EmailAddress::parse(text) {
            Ok(address) if !seen.insert(address.folded()) => {
                wrong.push(FieldError { field: "to", index: Some(index), sentence: format!("“{address}” is there twice.") });
            }
            Ok(address) => to.push(address),
            Err(e) => wrong.push(FieldError { field: "to", index: Some(index), sentence: e.to_string() }),
        }
    }
    to
}

fn parse_subject(typed: &str, wrong: &mut Vec<FieldError>) -> String {
    match Line::<MAX_SUBJECT_CHARS>::parse_some(typed) {
        Ok(line) => line.into_string(),
        Err(BadLine::Empty) => {
            wrong.push(FieldError::new("subject", "Give the message a subject."));
            String::new()
        }
        Err(e) => {
            wrong.push(FieldError::new("subject", format!("The subject {e}.")));
            String::new()
        }
    }
}

/// A subject alone is sent by mistake.
fn check_body(body: &str, alone: bool, wrong: &mut Vec<FieldError>) {
    if body.len() > MAX_BODY_BYTES {
        wrong.push(FieldError::new(
            "body",
            format!("The text has {} bytes; at most {MAX_BODY_BYTES} fit. Attach it as a file instead.", body.len()),
        ));
    } else if body.contains('\0') {
        wrong.push(FieldError::new("body", "The text has a NUL character in it."));
    } else if alone && kernel::is_blank(body) {
        wrong.push(FieldError::new("body", "Nothing is in it yet: write a text, or attach a file."));
    }
}

fn parse_proof(outline: &Outline, wrong: &mut Vec<FieldError>) -> Proof {
    let password = outline.password.as_deref().filter(|p| !p.is_empty());
    let proof = outline.proof.unwrap_or(if password.is_some() { Proof::R2 } else { Proof::R1 });
    match (proof, password) {
        (Proof::R2, None) => wrong.push(FieldError::new("password", "Choose the message password that the recipient has to know.")),
        (Proof::R0 | Proof::R1 | Proof::R4, Some(_)) => {
            wrong.push(FieldError::new(
                "proof",
                "A message password goes with “code and message password” (r2). Choose that, or leave the password out.",
            ));
        }
        (Proof::R2, Some(p)) => {
            let chars = p.chars().count();
            if p.trim().chars().count() < MIN_MESSAGE_PASSWORD_CHARS {
                wrong.push(FieldError::new(
                    "password",
                    format!("The message password needs at least {MIN_MESSAGE_PASSWORD_CHARS} characters."),
                ));
            } else if chars > MAX_MESSAGE_PASSWORD_CHARS {
                wrong.push(FieldError::new(
                    "password",
                    format!("The message password has {chars} characters; at most {MAX_MESSAGE_PASSWORD_CHARS} fit."),
                ));
            }
        }
        _ => {}
    }
    proof
}

fn parse_hint(outline: &Outline, wrong: &mut Vec<FieldError>) -> String {
    let hint = match Line::<MAX_HINT_CHARS>::parse(&outline.hint) {
        Ok(line) => line.into_string(),
        Err(e) => {
            wrong.push(FieldError::new("hint", format!("The hint {e}.")));
            return String::new();
        }
    };
    let password = plain(outline.password.as_deref().unwrap_or_default());
    if !hint.is_empty() && password.is_empty() {
        wrong.push(FieldError::new("hint", "A hint goes with a message password. Set the password, or leave the hint out."));
    } else if !password.is_empty() && plain(&hint).contains(&password) {
        wrong.push(FieldError::new("hint", "The hint contains the password. Describe it without saying it."));
    }
    hint
}

/// For comparing what people read as the same: NFKC, lower case, white space folded.
fn plain(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn check_times(outline: &Outline, now: Time, wrong: &mut Vec<FieldError>) {
    let life = outline.expires_days.unwrap_or(DEFAULT_LIFE_DAYS);
    if !(1..=MAX_LIFE_DAYS).contains(&life) {
        wrong.push(FieldError::new("expires_days", format!("The message can stay between 1 and {MAX_LIFE_DAYS} days.")));
    }
    if outline.remind_days.len() > MAX_REMINDERS || outline.remind_days.iter().any(|d| *d < 1 || *d >= life) {
        wrong.push(FieldError::new(
            "remind_days",
            format!("Reminders go out between 1 day before expiry and the day after sending, at most {MAX_REMINDERS} of them."),
        ));
    }
    if let Some(at) = outline.send_at {
        if at > now.plus_days(MAX_SEND_LATER_DAYS) {
            wrong.push(FieldError::new("send_at", "“Send later” reaches at most a year ahead."));
        } else if at.0 < now.0 - 5 * 60_000 {
            wrong.push(FieldError::new("send_at", "This time has passed. Choose a later one, or send now."));
        }
    }
}

fn check_attachments(attachments: &[AttachmentId], wrong: &mut Vec<FieldError>) {
    let different: HashSet<_> = attachments.iter().collect();
    if attachments.len() > MAX_ATTACHMENTS {
        wrong.push(FieldError::new(
            "attachments",
            format!("{} files are too many for one message; at most {MAX_ATTACHMENTS} fit.", attachments.len()),
        ));
    } else if different.len() < attachments.len() {
        wrong.push(FieldError::new("attachments", "The same file is listed twice."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_does_not_say_the_password_however_it_is_written() {
        let refused = |password: &str, hint: &str| {
            let outline = Outline {
                to: vec!["bob@example.org".into()],
                subject: "s".into(),
                body: "b".into(),
                proof: Some(Proof::R2),
                password: Some(password.into()),
                hint: hint.into(),
                ..Outline::default()
            };
            Draft::parse(&outline, Time(0)).err().unwrap_or_default().iter().map(|wrong| wrong.field).collect::<Vec<_>>()
        };
        for (password, hint) in [("café au lait", "CAFE\u{301} AU LAIT, ok"), ("our  first dog", "our first dog"), ("ﬁshing", "fishing!")]
        {
            assert_eq!(refused(password, hint), ["hint"], "{hint}");
        }
        assert_eq!(refused("our first dog", "who barked"), [""; 0]);
        assert_eq!(refused("    ", ""), ["password"], "blanks are no password");
    }
}
