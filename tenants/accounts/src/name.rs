//! The name under which people send. It stands in mails to strangers, in our name.

use crate::WrongField;
use kernel::{Line, MAX_NAME_CHARS};

/// One line with neither an address nor a link in it: mail programs make those clickable.
pub(crate) fn parse(text: &str) -> Result<Line<MAX_NAME_CHARS>, WrongField> {
    let name = Line::parse_some(text).map_err(WrongField::Name)?;
    let folded = name.as_str().to_lowercase();
    match ["@", "//", "www."].iter().any(|mark| folded.contains(mark)) {
        true => Err(WrongField::NameCarriesLink),
        false => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_carries_neither_address_nor_link() {
        for good in ["Ana Brandt", "J.R.R. Tolkien", "Booking.com", "O'Hara & Söhne", "A/S Norge"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["Åsa <eve@evil.example>", "https://evil.example", "see //evil.example", "WWW.evil.example"] {
            assert_eq!(parse(bad), Err(WrongField::NameCarriesLink), "{bad}");
        }
    }
}
