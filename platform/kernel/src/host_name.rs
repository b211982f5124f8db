//! A host name as DNS, certificates and browsers compare it: A-labels (RFC 5890) in lower case, no final dot.

use std::{fmt, net::IpAddr, str::FromStr};

/// RFC 1035 §2.3.4, written with dots.
const MAX_CHARS: usize = 253;
const MAX_LABEL: usize = 63;

/// One host: no wildcard, no address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// Why a text is no host name, as a sentence for whoever typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHostName {
    #[error("there is no name in it; write one such as mail.example.org")]
    Empty,
    #[error("“{0}” stands for many names; write one name without a star")]
    Wildcard(String),
    #[error("“{0}” is an address; write a name such as mail.example.org")]
    Address(String),
    #[error("“{0}” is longer than a host name may be ({MAX_CHARS} characters, {MAX_LABEL} between two dots)")]
    TooLong(String),
    #[error("“{0}” is no host name; write it without https:// and path, such as mail.example.org")]
    NotAName(String),
}

impl HostName {
    /// Reads a name as somebody types it, in any script and case.
    pub fn parse(text: &str) -> Result<HostName, BadHostName> {
        let typed = text.trim();
        let shown = || typed.chars().filter(|c| !c.is_control()).take(60).collect::<String>();
        let name = typed.strip_suffix('.').unwrap_or(typed);
        if name.is_empty() {
            return Err(BadHostName::Empty);
        }
        if name.contains('*') {
            return Err(BadHostName::Wildcard(shown()));
        }
        if name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok() {
            return Err(BadHostName::Address(shown()));
        }
        if name.len() > MAX_CHARS * 4 {
            return Err(BadHostName::TooLong(shown()));
        }
        let ascii = idna::domain_to_ascii_cow(name.as_bytes(), idna::AsciiDenyList::STD3).map_err(|_| BadHostName::NotAName(shown()))?;
        if ascii.len() > MAX_CHARS || ascii.split('.').any(|label| label.len() > MAX_LABEL) {
            return Err(BadHostName::TooLong(shown()));
        }
        let label = |l: &str| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-');
        let ending = ascii.rsplit('.').next().unwrap_or_default();
        if !ascii.split('.').all(label) || ending.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadHostName::NotAName(shown()));
        }
        Ok(HostName(ascii.to_ascii_lowercase()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl FromStr for HostName {
    type Err = BadHostName;
    fn from_str(text: &str) -> Result<HostName, BadHostName> {
        HostName::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_compared() {
        for (typed, name) in [
            ("Mail.Example.ORG.", "mail.example.org"),
            (" bücher.example ", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("localhost", "localhost"),
            ("4.example", "4.example"),
        ] {
            assert_eq!(HostName::parse(typed).map(|n| n.to_string()), Ok(name.into()), "{typed}");
        }
    }

    #[test]
    fn what_is_no_name_is_a_sentence() {
        let long = format!("{}.example", "a".repeat(64));
        let longer = format!("{}example", "abc.".repeat(70));
        for (typed, says) in [
            ("", "no name in it"),
            (".", "no name in it"),
            ("*.example.org", "without a star"),
            ("192.0.2.1", "is an address"),
            ("[2001:db8::1]", "is an address"),
            ("2001:db8::1", "is an address"),
            ("https://example.org", "no host name"),
            ("example.org/x", "no host name"),
            ("example.org:443", "no host name"),
            ("a..b", "no host name"),
            ("-a.example", "no host name"),
            ("a_b.example", "no host name"),
            ("a b.example", "no host name"),
            ("a\u{202e}b.example", "no host name"),
            ("a\0.example", "no host name"),
            ("1.2.3", "no host name"),
            (&long, "longer than"),
            (&longer, "longer than"),
            (&"a".repeat(16 * 1024), "longer than"),
        ] {
            let said = HostName::parse(typed).unwrap_err().to_string();
            assert!(said.contains(says) && said.len() < 400, "{typed:?}: {said}");
        }
    }
}
