//! E-mail addresses that an authority may vouch for (RFC 5280 §4.2.1.10), by the words of its own certificate.
//!
//! What would surprise you: webpki compares addresses with nothing, and refuses every certificate that has one under an authority that limits
//! them. So these limits alone are taken out of the trust anchor before it looks, and are followed here; everything else stays with
//! it, and so do limits in certificates beneath the anchor, whose bytes are signed.

use crate::{facts, verify::BadCertificate};
use kernel::EmailAddress;
use rustls_pki_types::{CertificateDer, Der, TrustAnchor};
use x509_parser::{
    der_parser::asn1_rs::{Any, Class, FromDer},
    prelude::*,
};

const PERMITTED: u32 = 0;
const EXCLUDED: u32 = 1;
/// Of a GeneralName.
const RFC822_NAME: u32 = 1;
/// An address that is not ASCII (RFC 9598 §3); such limits hold for it, too, and we do not compare it.
const SMTP_UTF8_MAILBOX: &str = "1.3.6.1.5.5.7.8.9";

/// Bases of addresses, as encoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    permitted: Vec<String>,
    excluded: Vec<String>,
}

impl Limits {
    /// The limits of `anchor` on addresses, which it has no more then.
    pub(crate) fn taken_from(anchor: &mut TrustAnchor<'_>) -> Result<Limits, BadCertificate> {
        let Some(all) = anchor.name_constraints.take() else { return Ok(Limits::default()) };
        let (limits, rest) = split(&all).ok_or(BadCertificate::Constraints)?;
        anchor.name_constraints = (!rest.is_empty()).then(|| Der::from(rest));
        Ok(limits)
    }

    /// Whether every address in this certificate is within them.
    pub(crate) fn allow(&self, der: &CertificateDer<'_>) -> Result<(), BadCertificate> {
        if *self == Limits::default() {
            return Ok(());
        }
        let read = facts::read(der)?;
        let names = read.subject_alternative_name().map_err(|_| BadCertificate::Malformed)?;
        for name in names.iter().flat_map(|san| &san.value.general_names) {
            match name {
                GeneralName::RFC822Name(address) => self.allow_one(address)?,
                GeneralName::OtherName(kind, _) if kind.to_id_string() == SMTP_UTF8_MAILBOX => return Err(BadCertificate::Constraints),
                GeneralName::Invalid(..) => return Err(BadCertificate::Malformed),
                _ => {}
            }
        }
        for address in read.subject().iter_email() {
            self.allow_one(address.as_str().map_err(|_| BadCertificate::Constraints)?)?;
        }
        Ok(())
    }

    /// What cannot be compared is not within.
    fn allow_one(&self, address: &str) -> Result<(), BadCertificate> {
        let any = |bases: &[String], alike| bases.iter().try_fold(false, |any, base| Some(any | within(address, base, alike)?));
        let permitted = self.permitted.is_empty() || any(&self.permitted, str::eq) == Some(true);
        // Here a mailbox is the same in any case, so what keeps one out keeps all of its spellings out.
        if permitted && any(&self.excluded, str::eq_ignore_ascii_case) == Some(false) { Ok(()) } else { Err(BadCertificate::Constraints) }
    }
}

/// `base` is a mailbox, a host, or with a dot before it all hosts beneath one. Hosts are compared without case (RFC 5280 §7.5), mailboxes as
/// `alike` says. What is read otherwise than it is written, to say whose a certificate is, is not compared.
fn within(address: &str, base: &str, alike: fn(&str, &str) -> bool) -> Option<bool> {
    let read = EmailAddress::parse(address).ok().filter(|read| read.as_str().eq_ignore_ascii_case(address))?;
    let (local, host) = read.as_str().rsplit_once('@')?;
    if base.is_empty() || !address.is_ascii() || !base.is_ascii() {
        return None;
    }
    Some(match base.rsplit_once('@') {
        Some((mailbox, at)) => alike(local, mailbox) && host.eq_ignore_ascii_case(at),
        None if base.starts_with('.') => host.len() > base.len() && host.to_ascii_lowercase().ends_with(&base.to_ascii_lowercase()),
        None => host.eq_ignore_ascii_case(base),
    })
}

/// The limits on addresses, and the others as they were. `all`: a NameConstraints without its outermost header.
fn split(mut all: &[u8]) -> Option<(Limits, Vec<u8>)> {
    let (mut limits, mut rest) = (Limits::default(), Vec::new());
    while !all.is_empty() {
        let (after, subtrees) = Any::from_der(all).ok()?;
        all = after;
        let bases = match (subtrees.class(), subtrees.tag().0) {
            (Class::ContextSpecific, PERMITTED) => &mut limits.permitted,
            (Class::ContextSpecific, EXCLUDED) => &mut limits.excluded,
            _ => return None,
        };
        let (mut left, mut others) = (subtrees.data, Vec::new());
        while !left.is_empty() {
            let (next, subtree) = Any::from_der(left).ok()?;
            let (more, base) = Any::from_der(subtree.data).ok()?;
            match (base.class(), base.tag().0) {
                // Minimum and maximum are not used (RFC 5280 §4.2.1.10).
                (Class::ContextSpecific, RFC822_NAME) if more.is_empty() => bases.push(std::str::from_utf8(base.data).ok()?.to_owned()),
                (Class::ContextSpecific, RFC822_NAME) => return None,
                _ => others.extend_from_slice(&left[..left.len() - next.len()]),
            }
            left = next;
        }
        if !others.is_empty() {
            rest.push(0xa0 | u8::try_from(subtrees.tag().0).ok()?);
            rest.extend(length(others.len())?);
            rest.extend(others);
        }
    }
    Some((limits, rest))
}

/// X.690 §8.1.3, definite and shortest.
fn length(bytes: usize) -> Option<Vec<u8>> {
    let [high, low] = u16::try_from(bytes).ok()?.to_be_bytes();
    Some(match bytes {
        0..0x80 => vec![low],
        0x80..0x100 => vec![0x81, low],
        _ => vec![0x82, high, low],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_within_a_mailbox_a_host_or_what_is_beneath_one() {
        for (base, address, inside) in [
            ("acme.example", "ana@acme.example", Some(true)),
            ("acme.example", "ana@ACME.Example", Some(true)),
            ("acme.example", "ana@mail.acme.example", Some(false)),
            ("acme.example", "ana@notacme.example", Some(false)),
            ("acme.example", "ana@acme.example.evil.example", Some(false)),
            ("acme.example", "\"x@acme.example\"@evil.example", None),
            ("acme.example", "ana@evil.example@acme.example", None),
            ("acme.example", "ana@acme.example ", None),
            ("acme.example", " ana@acme.example", None),
            ("acme.example", "ana@acme.example.", None),
            (".acme.example", "ana@mail.acme.example", Some(true)),
            (".acme.example", "ana@a.b.Acme.example", Some(true)),
            (".acme.example", "ana@acme.example", Some(false)),
            (".acme.example", "ana@.acme.example", None),
            (".acme.example", "ana@notacme.example", Some(false)),
            ("ana@acme.example", "ana@Acme.example", Some(true)),
            ("ana@acme.example", "Ana@acme.example", Some(false)),
            ("ana@acme.example", "bo@acme.example", Some(false)),
            ("", "ana@acme.example", None),
            ("acme.example", "acme.example", None),
            ("acme.example", "@acme.example", None),
            ("acme.example", "ana@", None),
            ("bücher.example", "ana@bücher.example", None),
        ] {
            assert_eq!(within(address, base, str::eq), inside, "{address} within {base}");
        }
    }

    #[test]
    fn whoever_is_kept_out_is_so_in_every_spelling() {
        let limits = Limits { permitted: Vec::new(), excluded: vec!["eve@acme.example".into(), "bolt.example".into()] };
        for out in ["eve@acme.example", "Eve@Acme.example", " eve@acme.example", "eve@acme.example ", "x@Bolt.example", "x@bolt.example."] {
            assert_eq!(limits.allow_one(out), Err(BadCertificate::Constraints), "{out:?}");
        }
        assert!(limits.allow_one("ana@acme.example").is_ok());
    }

    #[test]
    fn only_addresses_are_taken_out_and_the_rest_is_as_it_was() {
        let name = |tag: u8, text: &str| [&[0x30, text.len() as u8 + 2, tag, text.len() as u8], text.as_bytes()].concat();
        let wrap = |tag: u8, parts: &[Vec<u8>]| {
            let inside = parts.concat();
            [vec![tag], length(inside.len()).unwrap(), inside].concat()
        };
        let (dns, long) = (name(0x82, "acme.example"), name(0x82, &"x".repeat(100)));
        let all = [
            wrap(
                0xa0,
                &[name(0x81, "acme.example"), dns.clone(), name(0x81, "ana@bolt.example"), long.clone(), long.clone(), long.clone()],
            ),
            wrap(0xa1, &[name(0x81, ".evil.example")]),
        ]
        .concat();
        let (limits, rest) = split(&all).unwrap();
        assert_eq!(limits.permitted, ["acme.example", "ana@bolt.example"]);
        assert_eq!(limits.excluded, [".evil.example"]);
        assert_eq!(rest, wrap(0xa0, &[dns, long.clone(), long.clone(), long]));
        assert_eq!(split(&rest).unwrap(), (Limits::default(), rest));
        for cut in 1..all.len() {
            let (first, second) = all.split_at(cut);
            assert!(split(first).is_none_or(|(_, rest)| rest.len() < all.len()) && second.len() < all.len(), "no panic at {cut}");
        }
        let with_minimum = wrap(0xa0, &[[&[0x30, 8, 0x81, 3], b"a.b".as_slice(), &[0x80, 1, 1]].concat()]);
        assert_eq!(split(&with_minimum), None);
    }
}
