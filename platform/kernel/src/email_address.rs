//! An e-mail address as SMTP can carry it without extensions: RFC 5321 §4.1.2 `Mailbox` with a dot-atom local part.
//!
//! Quoted local parts and address literals are refused on purpose: nobody has one by choice, and both are how
//! headers get smuggled. International domains are kept as A-labels (RFC 5891).

use std::{fmt, str::FromStr};

/// What is wrong with an address; a sentence to show beside the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("An address is missing.")]
    Empty,
    #[error("“{0}” has no @. An address looks like name@example.org.")]
    NoAt(String),
    #[error("“{0}” has no domain ending. Check the part after the @.")]
    NoEnding(String),
    #[error("“{0}” is not an address: check the part before the @.")]
    Local(String),
    #[error("“{0}” is not an address: check the part after the @.")]
    Domain(String),
    #[error("“{0}…” is too long for an address (at most 254 characters).")]
    TooLong(String),
    #[error("“{0}” has letters before the @ that mail servers do not all accept. Use an address in plain letters.")]
    NotAscii(String),
}

/// A deliverable address, domain in lower-case A-labels, local part as typed. At most 254 octets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

impl EmailAddress {
    pub fn parse(typed: &str) -> Result<EmailAddress, BadAddress> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(BadAddress::Empty);
        }
        let shown = || crate::shown(typed, 80);
        if typed.len() > 254 {
            return Err(BadAddress::TooLong(shown()));
        }
        let (local, domain) = typed.rsplit_once('@').ok_or_else(|| BadAddress::NoAt(shown()))?;
        check_local(local, &shown)?;
        let domain = check_domain(domain, &shown)?;
        let text = format!("{local}@{domain}");
        if text.len() > 254 {
            return Err(BadAddress::TooLong(shown()));
        }
        Ok(EmailAddress { at: local.len(), text })
    }
    pub fn as_str(&self) -> &str {
        &self.text
    }
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }
    /// For comparing people: the whole address in lower case. In practice no server tells `Bob@` from `bob@`.
    pub fn folded(&self) -> String {
        self.text.to_ascii_lowercase()
    }
    /// For counting what one mailbox gets and for blocking it, and for nothing else: folded, and without what follows a `+` (RFC 5233), because
    /// `bob+1@` and `bob+2@` fill one mailbox nearly everywhere.
    pub fn mailbox(&self) -> String {
        let folded = self.folded();
        match folded[..self.at].find('+') {
            Some(plus) if plus > 0 => format!("{}{}", &folded[..plus], &folded[self.at..]),
            _ => folded,
        }
    }
}

fn check_local(local: &str, shown: &dyn Fn() -> String) -> Result<(), BadAddress> {
    if !local.is_ascii() && !local.chars().any(char::is_control) {
        return Err(BadAddress::NotAscii(shown()));
    }
    // RFC 5322 §3.2.3 atext, RFC 5321 §4.5.3.1.1 at most 64 octets.
    let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let dot_atom = local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext));
    if local.len() <= 64 && dot_atom { Ok(()) } else { Err(BadAddress::Local(shown())) }
}

fn check_domain(domain: &str, shown: &dyn Fn() -> String) -> Result<String, BadAddress> {
    let bad = || BadAddress::Domain(shown());
    if domain.starts_with('[') || domain.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(bad());
    }
    let ascii = idna::domain_to_ascii_cow(domain.as_bytes(), idna::AsciiDenyList::STD3).map_err(|_| bad())?.into_owned();
    let label = |l: &str| !l.is_empty() && l.len() <= 63 && !l.starts_with('-') && !l.ends_with('-');
    if ascii.len() > 253 || !ascii.split('.').all(label) {
        return Err(bad());
    }
    let ending = ascii.rsplit('.').next().unwrap_or_default();
    if !ascii.contains('.') || ending.len() < 2 || ending.bytes().all(|b| b.is_ascii_digit()) {
        return Err(BadAddress::NoEnding(shown()));
    }
    Ok(ascii)
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl FromStr for EmailAddress {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        EmailAddress::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_pass() {
        for good in ["bob@example.org", "a.b+c@sub.example.co.uk", "o'hara@example.ie", "x_y-z@example.test", " trimmed@example.org "] {
            assert_eq!(EmailAddress::parse(good).map(|a| a.to_string()), Ok(good.trim().into()), "{good}");
        }
        assert_eq!(EmailAddress::parse("Bob@EXAMPLE.org").map(|a| a.to_string()), Ok("Bob@example.org".into()));
        assert_eq!(EmailAddress::parse("bob@bücher.example").map(|a| a.to_string()), Ok("bob@xn--bcher-kva.example".into()));
    }

    #[test]
    fn a_mailbox_is_counted_once_whatever_its_tags() {
        for (typed, mailbox) in [
            ("Bob+Bank@Example.org", "bob@example.org"),
            ("bob+1+2@example.org", "bob@example.org"),
            ("bob@example.org", "bob@example.org"),
            ("+1@example.org", "+1@example.org"),
        ] {
            assert_eq!(EmailAddress::parse(typed).unwrap().mailbox(), mailbox);
        }
    }

    #[test]
    fn each_fault_has_its_sentence() {
        assert_eq!(EmailAddress::parse(""), Err(BadAddress::Empty));
        assert_eq!(EmailAddress::parse("bob"), Err(BadAddress::NoAt("bob".into())));
        assert_eq!(EmailAddress::parse("bob@example"), Err(BadAddress::NoEnding("bob@example".into())));
        assert_eq!(EmailAddress::parse("bob@127.0.0.1"), Err(BadAddress::NoEnding("bob@127.0.0.1".into())));
        assert!(matches!(EmailAddress::parse("jürgen@example.org"), Err(BadAddress::NotAscii(_))));
        for bad in [
            "@example.org",
            ".bob@example.org",
            "bob.@example.org",
            "b..b@example.org",
            "b b@example.org",
            "a@b@example.org",
            "\"q\"@example.org",
            "b\r\nRCPT TO:x@example.org",
        ] {
            assert!(matches!(EmailAddress::parse(bad), Err(BadAddress::Local(_))), "{bad:?}");
        }
        for bad in ["bob@[127.0.0.1]", "bob@-a.org", "bob@a..org", "bob@exam ple.org", "bob@example.org\r\nX", "bob@exa_mple.org"] {
            assert!(matches!(EmailAddress::parse(bad), Err(BadAddress::Domain(_))), "{bad:?}");
        }
        assert!(matches!(EmailAddress::parse(&format!("{}@example.org", "x".repeat(65))), Err(BadAddress::Local(_))));
        assert!(matches!(EmailAddress::parse(&"x".repeat(10_000_000)), Err(BadAddress::TooLong(_))));
    }
}
