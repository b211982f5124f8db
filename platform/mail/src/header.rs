//! Header fields (RFC 5322 §2.2) with encoded words (RFC 2047) where needed. Whatever comes in, one field comes out.

use crate::Mailbox;
use base64::{Engine, prelude::BASE64_STANDARD};

/// RFC 2047 §2: a line with an encoded word has at most 76 characters.
const MAX_LINE: usize = 76;
/// Octets in one encoded word: 52 characters of base64 and 12 of frame leave room for the longest field name used here.
const WORD_OCTETS: usize = 39;

/// Free text: plain if it is short ASCII, encoded words otherwise.
pub(crate) fn text(out: &mut String, name: &str, value: &str) {
    let value = without_controls(value);
    let plain = value.is_ascii() && !value.contains("=?") && name.len() + 2 + value.len() <= MAX_LINE;
    let value = if plain { value } else { encoded_words(&value) };
    field(out, name, &value);
}

/// `"Ana Brandt" <ana@example.org>`, the name quoted or encoded, folded before the address where it gets long.
pub(crate) fn mailbox(out: &mut String, name: &str, mailbox: &Mailbox) {
    let address = mailbox.address();
    let Some(display) = mailbox.name() else { return field(out, name, address.as_str()) };
    let display = without_controls(display);
    let plain = display.is_ascii() && !display.contains("=?") && display.len() <= 50;
    let phrase = if plain { quoted(&display) } else { encoded_words(&display) };
    let last_line = phrase.rsplit('\n').next().map_or(0, str::len);
    let gap = if last_line + address.as_str().len() + name.len() + 6 <= MAX_LINE { " " } else { "\r\n " };
    field(out, name, &format!("{phrase}{gap}<{address}>"));
}

/// An identifier or a URL between angle brackets; anything that is not printable ASCII is left out.
pub(crate) fn angled(out: &mut String, name: &str, value: &str) {
    let value: String = value.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>')).collect();
    let gap = if name.len() + value.len() + 4 <= MAX_LINE { "" } else { "\r\n " };
    field(out, name, &format!("{gap}<{value}>"));
}

/// A value of ours, already in its form.
pub(crate) fn field(out: &mut String, name: &str, value: &str) {
    let folded = value.starts_with("\r\n");
    out.push_str(name);
    out.push_str(if folded { ":" } else { ": " });
    out.push_str(value);
    out.push_str("\r\n");
}

/// Line breaks and control characters become spaces. Parsed values have none; this is the second wall.
fn without_controls(value: &str) -> String {
    value.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

/// RFC 5322 §3.2.4.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// RFC 2047 §5: words cut between characters, one a line; readers drop the white space between them.
fn encoded_words(value: &str) -> String {
    let mut words = vec![String::new()];
    for c in value.chars() {
        let word = words.last_mut().expect("never empty: starts with one, only grows");
        if word.len() + c.len_utf8() > WORD_OCTETS {
            words.push(c.to_string());
        } else {
            word.push(c);
        }
    }
    let words: Vec<String> = words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(word))).collect();
    words.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(write: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn short_ascii_stays_readable() {
        assert_eq!(one(|o| text(o, "Subject", "A message is waiting")), "Subject: A message is waiting\r\n");
    }

    #[test]
    fn text_that_looks_encoded_is_encoded() {
        assert_eq!(one(|o| text(o, "Subject", "=?utf-8?B?QQ==?=")), "Subject: =?utf-8?B?PT91dGYtOD9CP1FRPT0/PQ==?=\r\n");
    }

    #[test]
    fn line_breaks_never_start_a_field() {
        for hostile in ["a\r\nBcc: eve@example.org", "a\nBcc: eve", "a\rBcc: eve", "a\u{85}b", "é\r\nBcc: eve"] {
            let out = one(|o| text(o, "Subject", hostile));
            assert!(out.ends_with("\r\n") && !out.trim_end().contains('\n') && !out.trim_end().contains('\r'), "{out:?}");
        }
        assert_eq!(one(|o| angled(o, "Message-ID", "x>\r\nBcc: eve")), "Message-ID: <xBcc:eve>\r\n");
    }

    #[test]
    fn no_line_is_longer_than_76() {
        let long = "Jahresabschluß für Ihre Unterschrift ".repeat(7);
        let address = "ana@example.org".parse::<kernel::EmailAddress>().unwrap();
        let from = Mailbox::new(Some(&"Åsa Ödegård ".repeat(15)), address.clone()).unwrap();
        let plain = Mailbox::new(Some("Fifty characters of plain name, or thereabouts, Ltd"), address).unwrap();
        for out in [one(|o| text(o, "Subject", &long)), one(|o| mailbox(o, "From", &from)), one(|o| mailbox(o, "From", &plain))] {
            assert!(out.lines().all(|l| l.len() <= 76), "{out}");
            assert!(out.lines().skip(1).all(|l| l.starts_with(' ')), "{out}");
        }
    }

    #[test]
    fn quotes_in_a_name_stay_in_the_name() {
        let address = "ana@example.org".parse::<kernel::EmailAddress>().unwrap();
        let from = Mailbox::new(Some(r#"Ana "x" <eve@example.org>, \"#), address).unwrap();
        assert_eq!(one(|o| mailbox(o, "From", &from)), "From: \"Ana \\\"x\\\" <eve@example.org>, \\\\\" <ana@example.org>\r\n");
    }
}
