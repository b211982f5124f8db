//! From what was typed to what the room takes: addresses apart, numbers read, times read. Everything wrong is said by its field.

use super::{addresses::addresses, send::field_of, typed::Typed};
use crate::problems::Problems;
use kernel::{MessageId, Time};
use messages::{AttachmentView, Outline, Proof};
use quota::Usage;

/// The fields of the compose page, from top to bottom.
pub const FIELDS: [&str; 10] =
    ["to", "subject", "body", "attachments", "proof", "password", "hint", "expires_days", "remind_days", "send_at"];

/// The outline, and what of it could not be read. `files` are the draft's.
pub fn of(typed: &Typed, draft: MessageId, files: &[AttachmentView]) -> (Outline, Problems) {
    let mut problems = typed.problems.clone();
    let text = &typed.text;
    let password = Some(typed.password.clone()).filter(|p| !p.is_empty());
    for file in files.iter().filter(|f| !f.complete()) {
        problems
            .add("attachments", format_args!("“{}” is not here in full. Choose the same file again to go on, or remove it.", file.name));
    }
    for file in files.iter().filter(|f| f.complete() && !typed.knows(f.id)) {
        problems.add(
            "attachments",
            format_args!("“{}” was attached in another window, and would go along. Leave it or remove it, then send.", file.name),
        );
    }
    let outline = Outline {
        draft: Some(draft),
        to: addresses(&text.to),
        subject: text.subject.clone(),
        body: text.body.clone(),
        proof: proof(&text.proof, password.is_some(), &mut problems),
        password,
        hint: text.hint.clone(),
        expires_days: days(&text.expires_days, "expires_days", &mut problems).first().copied(),
        remind_days: days(&text.remind_days, "remind_days", &mut problems),
        accept_first: text.accept_first,
        hide_sender: text.hide_sender,
        show_subject: text.show_subject,
        notify_opened: text.notify_opened,
        send_at: send_at(&text.send_at, &mut problems),
        attachments: files.iter().map(|f| f.id).collect(),
    };
    (outline, problems)
}

/// Adds what the room finds wrong, but for fields about which something was said already.
pub fn check(outline: &Outline, now: Time, problems: &mut Problems) {
    let Err(wrong) = messages::Draft::parse(outline, now) else { return };
    problems.add_to_the_rest(wrong.iter().map(|error| (error.field, error)));
}

/// Adds the limits of the plan that it meets, so that whoever has to look again learns of them now. Likewise.
pub fn check_limits(outline: &Outline, files: &[AttachmentView], usage: &Usage, now: Time, problems: &mut Problems) {
    let n = outline.to.len() as i64;
    let bytes = files.iter().map(|f| f.received).sum::<u64>().max(outline.body.len() as u64);
    let days = messages::kept_days(outline.expires_days, outline.send_at, now);
    let mut met = usage.limits.met_by(n, i64::try_from(bytes).unwrap_or(i64::MAX), days);
    met.extend(usage.short_of_sends(n));
    problems.add_to_the_rest(met.iter().map(|quota| (field_of(quota.dimension()), quota)));
}

/// A message password asks for R2 by itself: the page's first choice was made before it was typed.
fn proof(typed: &str, password: bool, problems: &mut Problems) -> Option<Proof> {
    if typed.is_empty() {
        return None;
    }
    match Proof::parse(typed) {
        Some(Proof::R1) if password => None,
        Some(proof) => Some(proof),
        None => {
            problems.add("proof", "Choose one of the proofs listed here.");
            None
        }
    }
}

fn days(typed: &str, field: &str, problems: &mut Problems) -> Vec<i64> {
    let mut out = Vec::new();
    for piece in typed.split([',', ';', ' ']).map(str::trim).filter(|p| !p.is_empty()) {
        match piece.parse() {
            Ok(days) => out.push(days),
            Err(_) => {
                problems.add(field, format_args!("“{}” is not a number of days.", kernel::shown(piece, 30)));
                break;
            }
        }
    }
    if field == "expires_days" && out.len() > 1 {
        problems.add(field, "Give one number of days.");
    }
    out
}

/// RFC 3339, or the browser's `2026-11-24T09:30`, which is taken as UTC.
fn send_at(typed: &str, problems: &mut Problems) -> Option<Time> {
    let typed = typed.trim();
    if typed.is_empty() {
        return None;
    }
    let read = ["Z", ":00Z", ""].iter().find_map(|ending| Time::parse(&format!("{typed}{ending}")));
    if read.is_none() {
        problems.add("send_at", "This is not a date and time. It looks like 2026-11-24T09:30.");
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::DraftText;

    fn read(text: DraftText, password: &str) -> (Outline, Problems) {
        let id = "msg_00000000000000000000000001".parse().unwrap();
        of(&Typed { text, password: password.to_owned(), ..Typed::default() }, id, &[])
    }

    #[test]
    fn numbers_and_times_that_are_none_are_said_by_their_field() {
        let (outline, problems) = read(
            DraftText {
                expires_days: "soon".into(),
                remind_days: "7, x".into(),
                send_at: "tomorrow".into(),
                proof: "r9".into(),
                ..DraftText::default()
            },
            "",
        );
        assert_eq!(outline.expires_days, None);
        for field in ["expires_days", "remind_days", "send_at", "proof"] {
            assert!(!problems.about(field).is_empty(), "{field}");
        }
    }

    #[test]
    fn what_is_right_is_read() {
        let text = DraftText {
            expires_days: " 14 ".into(),
            remind_days: "7, 1".into(),
            send_at: "2026-11-24T09:30".into(),
            ..DraftText::default()
        };
        let (outline, problems) = read(text, "");
        assert!(!problems.any());
        assert_eq!(
            (outline.expires_days, outline.remind_days, outline.send_at),
            (Some(14), vec![7, 1], Time::parse("2026-11-24T09:30:00Z"))
        );
    }

    #[test]
    fn a_message_password_asks_for_its_own_proof() {
        let proof = |typed: &str, password| read(DraftText { proof: typed.into(), ..DraftText::default() }, password).0.proof;
        assert_eq!(proof("r1", "secret"), None);
        assert_eq!(proof("r1", ""), Some(Proof::R1));
        assert_eq!(proof("r0", "secret"), Some(Proof::R0));
        assert_eq!(proof("", "secret"), None);
    }

    #[test]
    fn a_field_that_came_cut_gets_one_sentence() {
        let mut problems = Problems::of("subject", "This has 10485760 bytes.");
        check(&Outline { subject: "x".repeat(10_000), ..Outline::default() }, Time(0), &mut problems);
        assert_eq!(problems.list().iter().filter(|p| p.field == "subject").count(), 1);
        assert!(!problems.about("to").is_empty());
    }
}
