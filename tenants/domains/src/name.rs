//! What a tenant may call its own domain. Whether it is theirs is proven later; this only turns away what cannot be anybody's, or is ours.

use crate::DomainRefused;
use kernel::HostName;
use unicode_security::{GeneralSecurityProfile, MixedScript, skeleton};

/// Endings that no public CA certifies (RFC 6761, RFC 6762, RFC 7686, RFC 8375, ICANN's `internal`).
const NOT_PUBLIC: [&str; 6] = ["localhost", "local", "internal", "onion", "arpa", "invalid"];

/// Reads a name as somebody types it. `ours`: the site's own host.
pub fn parse(text: &str, ours: &HostName) -> Result<HostName, DomainRefused> {
    let name = HostName::parse(text)?;
    let ending = name.as_str().rsplit('.').next().unwrap_or_default();
    if !name.as_str().contains('.') || NOT_PUBLIC.contains(&ending) {
        return Err(DomainRefused::NotPublic(name));
    }
    let Some(registered) = psl::domain_str(name.as_str()) else { return Err(DomainRefused::Suffix(name)) };
    if Some(registered) == psl::domain_str(ours.as_str()) || &name == ours {
        return Err(DomainRefused::Ours(name));
    }
    if looks_like_another(&name, ours) {
        return Err(DomainRefused::LookAlike(name));
    }
    Ok(name)
}

/// UTS #39: a label of several scripts, of letters that identifiers should not have, or one that reads as a label of ours.
fn looks_like_another(name: &HostName, ours: &HostName) -> bool {
    let shown = shown(name);
    let odd =
        |label: &str| !label.is_ascii() && (!label.is_single_script() || !label.chars().all(GeneralSecurityProfile::identifier_allowed));
    let registered = psl::domain_str(ours.as_str()).unwrap_or(ours.as_str());
    shown.split('.').any(odd)
        || (!shown.is_ascii() && skeleton(&shown).collect::<String>().ends_with(&skeleton(registered).collect::<String>()))
}

/// As people read it: U-labels where there are some.
pub fn shown(name: &HostName) -> String {
    idna::domain_to_unicode(name.as_str()).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let ours = HostName::parse("mail.countersign.example").unwrap();
        parse(text, &ours).map_or_else(|refused| refused.to_string(), |name| name.to_string())
    }

    #[test]
    fn names_that_may_be_somebody_s_pass() {
        for (typed, name) in [
            ("Post.Acme.example", "post.acme.example"),
            ("acme.co.uk", "acme.co.uk"),
            ("büro.acme.example", "xn--bro-hoa.acme.example"),
            ("почта.acme.example", "xn--80a1acny.acme.example"),
        ] {
            assert_eq!(said(typed), name);
        }
    }

    #[test]
    fn what_cannot_be_theirs_is_refused_with_a_sentence() {
        for (typed, says) in [
            ("", "no name in it"),
            ("*.acme.example", "without a star"),
            ("192.0.2.1", "is an address"),
            ("https://acme.example/x", "is no host name"),
            ("intranet", "cannot be reached from the internet"),
            ("printer.local", "cannot be reached from the internet"),
            ("co.uk", "is an ending under which many have their domains"),
            ("github.io", "is an ending under which many have their domains"),
            ("mail.countersign.example", "is ours"),
            ("acme.countersign.example", "is ours"),
            ("countersign.example", "is ours"),
            ("p\u{0430}ypal.example", "mixes letters"),
            ("соuntersign.example", "mixes letters"),
            ("аррӏе.раураl.example", "mixes letters"),
        ] {
            assert!(said(typed).contains(says), "{typed}: {}", said(typed));
        }
    }
}
