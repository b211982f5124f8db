//! The name under which people send. It stands in mails to strangers, in our name.
//!
//! What would surprise you: a name is kept in NFKC, because `＠` and `．` are made into an address by the programs that show it.

use crate::WrongField;
use kernel::{Line, MAX_NAME_CHARS, hides_something};
use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

/// What nobody else is called.
const OURS: &str = "countersign";

/// One line of something to read, with neither an address nor a link in it (mail programs make those clickable), and not ours.
pub(crate) fn parse(text: &str) -> Result<Line<MAX_NAME_CHARS>, WrongField> {
    let typed = Line::<MAX_NAME_CHARS>::parse_some(text).map_err(WrongField::Name)?;
    let name = Line::parse_some(&typed.as_str().nfkc().collect::<String>()).map_err(WrongField::Name)?;
    match name.as_str() {
        name if hides_something(name) || !name.chars().any(char::is_alphanumeric) => Err(WrongField::NameHides),
        name if carries_link(name) => Err(WrongField::NameCarriesLink),
        name if is_ours(name) => Err(WrongField::NameIsOurs),
        _ => Ok(name),
    }
}

/// Whether a mail program makes something in it clickable: an address, a scheme, a host.
pub(crate) fn carries_link(name: &str) -> bool {
    let pieces = name.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '。' | '-' | '_'));
    name.contains('@') || name.contains("//") || pieces.into_iter().any(is_host)
}

/// A dot with something before it and an ending of two letters or more after it, or four numbers.
fn is_host(word: &str) -> bool {
    let labels: Vec<&str> = word.split(['.', '。']).filter(|label| !label.is_empty()).collect();
    let ending = labels.last().filter(|_| labels.len() > 1).copied().unwrap_or_default();
    let named = ending.chars().count() > 1 && ending.chars().any(char::is_alphabetic);
    named || (labels.len() == 4 && labels.iter().all(|label| label.bytes().all(|b| b.is_ascii_digit())))
}

/// Reads as ours (UTS #39), with whatever between its letters.
fn is_ours(name: &str) -> bool {
    let seen = |text: &str| skeleton(&text.to_lowercase()).flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect::<String>();
    seen(name).contains(&seen(OURS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_kept_as_people_write_it() {
        for good in [
            "Ana Brandt",
            "J.R.R. Tolkien",
            "O'Hara & Söhne",
            "A/S Norge",
            "Dr. Müller jun.",
            "Studio 3.0",
            "No.1 Cleaning",
            "S.p.A. Rossi",
            "U.S.A. Imports",
            "株式会社アクメ",
            "می\u{200c}خواهم",
            "Signature Counters",
        ] {
            assert_eq!(parse(good).map(Line::into_string), Ok(good.into()), "{good}");
        }
        assert_eq!(parse("Ａｎａ").map(Line::into_string), Ok("Ana".into()));
    }

    #[test]
    fn a_name_carries_neither_address_nor_link() {
        for bad in [
            "Åsa <eve@evil.example>",
            "Bank＠evil.example",
            "https://evil.example",
            "see //evil.example",
            "WWW.evil.example",
            "Parcel held, pay at evil.example/pay now",
            "evil.example:8080/x",
            "(evil．example)",
            "evil。example",
            "call 192.0.2.7",
            "Booking.com",
        ] {
            assert_eq!(parse(bad), Err(WrongField::NameCarriesLink), "{bad}");
        }
    }

    #[test]
    fn a_name_is_there_to_be_read() {
        for bad in ["a\u{200b}b", "\u{200b}", "\u{3164}", "\u{2800}", "An\u{ad}a", "…", "\u{feff}Ana"] {
            assert_eq!(parse(bad), Err(WrongField::NameHides), "{bad:?}");
        }
        assert!(matches!(parse("Ana\u{202e}"), Err(WrongField::Name(_))));
    }

    #[test]
    fn nobody_is_called_as_we_are() {
        for bad in [
            "Countersign Security",
            "COUNTERSIGN",
            "C o u n t e r s i g n",
            "Сountersign",
            "Ｃountersign support",
            "the counter-sign team",
            "C0untersign",
            "CΟUNTERSIGN",
        ] {
            assert_eq!(parse(bad), Err(WrongField::NameIsOurs), "{bad}");
        }
    }
}
