//! What a tenant may call its own domain. Whether it is theirs is proven later; this only turns away what cannot be anybody's, or is ours.

use crate::DomainRefused;
use kernel::HostName;
use unicode_security::{GeneralSecurityProfile, MixedScript, skeleton};

/// Endings that no public CA certifies (RFC 6761, RFC 6762, RFC 7686, RFC 8375, ICANN's `internal`).
const NOT_PUBLIC: [&str; 6] = ["localhost", "local", "internal", "onion", "arpa", "invalid"];

/// Letters of their own in Danish, Norwegian, French and Icelandic, which UTS #39 holds for others; nobody who reads them does.
const OWN_LETTERS: [char; 3] = ['æ', 'œ', 'þ'];
/// The same where Turkish is read.
const OF_TR: char = 'ı';

/// Reads a name as somebody types it. `ours`: the site's hosts.
pub fn parse(text: &str, ours: &[HostName]) -> Result<HostName, DomainRefused> {
    let name = HostName::parse(text)?;
    let typed = || text.trim().chars().filter(|c| !c.is_control()).collect::<String>();
    let ending = name.as_str().rsplit('.').next().unwrap_or_default();
    if !name.as_str().contains('.') || NOT_PUBLIC.contains(&ending) {
        return Err(DomainRefused::NotPublic(typed()));
    }
    let Some(registered) = psl::domain_str(name.as_str()) else { return Err(DomainRefused::Suffix(typed())) };
    if ours.iter().any(|own| own == &name || registered_of(own) == registered) {
        return Err(DomainRefused::Ours(typed()));
    }
    if looks_like_another(&name) || ours.iter().any(|own| reads_as(&name, registered_of(own))) {
        return Err(DomainRefused::LookAlike(typed()));
    }
    Ok(name)
}

fn registered_of(own: &HostName) -> &str {
    psl::domain_str(own.as_str()).unwrap_or(own.as_str())
}

/// UTS #39: a label of several scripts, of letters that identifiers should not have, or, below an ending that people read as ASCII, one whose
/// letters all look like ASCII (§5.3, a whole-script confusable).
fn looks_like_another(name: &HostName) -> bool {
    let shown = shown(name);
    let below_ascii = shown.rsplit('.').next().is_some_and(str::is_ascii);
    let odd = |label: &str| {
        let rest = label.replace(|c| OWN_LETTERS.contains(&c) || (c == OF_TR && shown.ends_with(".tr")), "");
        !label.is_single_script()
            || !label.chars().all(GeneralSecurityProfile::identifier_allowed)
            || (below_ascii && !rest.is_ascii() && skeleton(&rest).all(|c| c.is_ascii()))
    };
    shown.split('.').any(|label| !label.is_ascii() && odd(label))
}

/// Whether `name` is, to the eye, `own` or below it; also where both are ASCII, as `rn` and `m`, `1` and `l`, `0` and `o`.
fn reads_as(name: &HostName, own: &str) -> bool {
    let seen = |text: &str| skeleton(text).flat_map(char::to_lowercase).collect::<String>();
    let (name, own) = (seen(&shown(name)), seen(own));
    name.strip_suffix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// As people read it: U-labels where there are some.
pub fn shown(name: &HostName) -> String {
    idna::domain_to_unicode(name.as_str()).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let ours = ["mail.countersign.example", "files.content.example", "mail.example", "aether.example"];
        let ours = ours.map(|own| HostName::parse(own).unwrap());
        parse(text, &ours).map_or_else(|refused| refused.to_string(), |name| name.to_string())
    }

    #[test]
    fn names_that_may_be_somebody_s_pass() {
        for (typed, name) in [
            ("Post.Acme.example", "post.acme.example"),
            ("acme.co.uk", "acme.co.uk"),
            ("þing.is", "xn--ing-ooa.is"),
            ("kızılay.org.tr", "xn--kzlay-n4ab.org.tr"),
            ("büro.acme.example", "xn--bro-hoa.acme.example"),
            ("почта.acme.example", "xn--80a1acny.acme.example"),
            ("læge.example", "xn--lge-yla.example"),
            ("straße.example", "xn--strae-oqa.example"),
            ("北京.example", "xn--1lq90i.example"),
            // Nobody takes what is Cyrillic to its ending for Latin.
            ("аррӏе.рф", "xn--80ak6aa92e.xn--p1ai"),
            ("my-mail.example", "my-mail.example"),
            ("gmail.example", "gmail.example"),
            ("mail.example.acme.example", "mail.example.acme.example"),
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
            ("files.content.example", "is ours"),
            ("post.content.example", "is ours"),
            ("content.example", "is ours"),
        ] {
            assert!(said(typed).contains(says), "{typed}: {}", said(typed));
        }
    }

    #[test]
    fn what_people_could_take_for_another_name_is_refused_as_it_was_typed() {
        for typed in [
            // Of several scripts.
            "p\u{0430}ypal.example",
            "соuntersign.example",
            "аррӏе.раураl.example",
            // Cyrillic from end to end.
            "аррӏе.com",
            "раураӏ.com",
            "post.раураӏ.com",
            // Latin from end to end.
            "paypaı.com",
            // One of ours to the eye: by letters of ASCII, and by one that is nobody else's look-alike.
            "rnail.example",
            "post.rnail.example",
            "mai1.example",
            "c0untersign.example",
            "æther.example",
            "files.c0ntent.example",
        ] {
            let said = said(&format!(" {typed} "));
            assert!(said.starts_with(&format!("“{typed}” has letters that look like others")), "{said}");
        }
    }
}
