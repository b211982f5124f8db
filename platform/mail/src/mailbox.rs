//! A name and an address for the From field. Our own type, because the mail library's panics on a line break in a name.

use kernel::{BadLine, EmailAddress, Line};

/// Characters of a display name; room for "Ana Brandt of Acme Tax Advisers".
const MAX_DISPLAY_NAME: usize = 2 * kernel::MAX_NAME_CHARS + 20;

/// A display name on one line (at most 220 characters) and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    name: Option<String>,
    address: EmailAddress,
}

impl Mailbox {
    /// Refuses line breaks, control and direction characters in the name; an empty name is none.
    pub fn new(name: Option<&str>, address: EmailAddress) -> Result<Mailbox, BadLine> {
        let name = Line::<MAX_DISPLAY_NAME>::parse(name.unwrap_or_default())?.into_string();
        Ok(Mailbox { name: (!name.is_empty()).then_some(name), address })
    }
    pub fn bare(address: EmailAddress) -> Mailbox {
        Mailbox { name: None, address }
    }
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    pub fn address(&self) -> &EmailAddress {
        &self.address
    }
}

impl std::fmt::Display for Mailbox {
    /// For people (`Ana Brandt <ana@example.org>`), not for a header.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => self.address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_start_a_header_is_refused() {
        let address: EmailAddress = "ana@example.org".parse().unwrap();
        assert_eq!(Mailbox::new(Some("Ana\r\nBcc: eve@example.org"), address.clone()), Err(BadLine::LineBreak));
        assert_eq!(Mailbox::new(Some("Ana\nX"), address.clone()), Err(BadLine::LineBreak));
        assert_eq!(Mailbox::new(Some("Ana\u{202e}"), address.clone()), Err(BadLine::Bidi));
        assert_eq!(Mailbox::new(Some("  "), address.clone()), Ok(Mailbox::bare(address)));
    }
}
