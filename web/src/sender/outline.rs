//! From what was typed to what the room takes: addresses apart, numbers read, times read. Everything wrong is said by its field.

use super::{send::field_of, typed::Typed};
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

/// Apart at commas, semicolons, line breaks and spaces; of `Bob <bob@example.org>` what is between the angles.
pub fn addresses(typed: &str) -> Vec<String> {
    let mut out = Vec::new();
    for piece in typed.split(['\n', '\r']).flat_map(pieces) {
        match (piece.find('<'), piece.rfind('>')) {
            (Some(from), Some(to)) if from < to => out.push(piece[from + 1..to].trim().to_owned()),
            _ => out.extend(piece.split_whitespace().map(str::to_owned)),
        }
    }
    out
}

/// A line apart at commas and semicolons, but for those in a name in quotes (RFC 5322 §3.2.4): `"Carla, Jr." <carla@example.org>`. Anything
/// less plain is no such name, so that no address is taken for a part of one. Each character is looked at twice at most.
fn pieces(line: &str) -> Vec<&str> {
    let bytes = line.as_bytes();
    let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
    // Nothing of this piece was seen yet but spaces; a quote that is opened on this line may be closed on it.
    let (mut blank, mut may_close) = (true, true);
    while at < bytes.len() {
        match bytes[at] {
            b',' | b';' => {
                pieces.push(&line[from..at]);
                (from, blank) = (at + 1, true);
            }
            b'"' if blank && may_close => {
                match closing(bytes, at) {
                    Some(end) if is_name(&bytes[at..end], &bytes[end + 1..]) => at = end,
                    Some(_) => {}
                    None => may_close = false,
                }
                blank = false;
            }
            b' ' | b'\t' => {}
            _ => blank = false,
        }
        at += 1;
    }
    pieces.push(&line[from..]);
    pieces
}

/// Where the quote that is opened at `at` ends, if it does.
fn closing(bytes: &[u8], at: usize) -> Option<usize> {
    let mut escaped = false;
    bytes[at + 1..]
        .iter()
        .position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })
        .map(|length| at + 1 + length)
}

/// Whether a quote is the name of the address behind it.
fn is_name(quoted: &[u8], behind: &[u8]) -> bool {
    behind.trim_ascii_start().starts_with(b"<") && !quoted.contains(&b'@')
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
    fn addresses_are_taken_as_people_paste_them() {
        assert_eq!(
            addresses("a@b.example, c@d.example;e@f.example\r\ng@h.example i@j.example"),
            ["a@b.example", "c@d.example", "e@f.example", "g@h.example", "i@j.example"]
        );
        assert_eq!(addresses("Bob Smith <bob@example.org>, \"Ana\" <ana@example.org>"), ["bob@example.org", "ana@example.org"]);
        let two = ["ana@example.org", "bob@example.org"];
        for typed in [
            "\"Brandt, Ana \\\"A; B\\\"\" <ana@example.org>, \"Bob\" <bob@example.org>",
            "„Ana\" <ana@example.org>, „Bob\" <bob@example.org>",
            "5\" Pipes <ana@example.org>, 6\" Pipes <bob@example.org>",
            "\"Ana <ana@example.org>\", \"Bob <bob@example.org>\"",
            "\"Ana <ana@example.org>, Bob\" <bob@example.org>",
            "\"Ana <ana@example.org>, \"Bob\" <bob@example.org>",
            "\"Ana\" <ana@example.org>, \"Bob <bob@example.org>",
        ] {
            assert_eq!(addresses(typed), two, "{typed}");
        }
        assert_eq!(addresses("\"a@b.example, c@d.example\ne@f.example"), ["\"a@b.example", "c@d.example", "e@f.example"]);
        assert_eq!(addresses(" ,;\n"), Vec::<String>::new());
        assert_eq!(addresses("a > b < c"), ["a", ">", "b", "<", "c"]);
    }

    /// A quarter of a mebibyte of quotes is looked at as often as one of letters.
    #[test]
    fn quotes_without_an_end_cost_no_more_than_other_letters() {
        for quotes in ["\\\"", "\"", "\",", "\" ,\\\"", ",\"\\\""] {
            let typed = format!("\"{}", quotes.repeat(256 * 1024 / quotes.len()));
            assert!(pieces(&typed).iter().map(|piece| piece.len()).sum::<usize>() <= typed.len());
        }
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
