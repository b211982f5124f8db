//! Certificates that count.

use super::workshop::{CA, PERSON, Workshop, authority, now, with_list};
use crate::verify::{BadCertificate, verify};
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(3_600);

#[test]
fn keys_of_every_kind_that_is_taken_count() {
    let shop = Workshop::new();
    let at = now().plus(Duration::from_secs(120));
    let root = shop.root("root", "Acme", 3_650, CA);
    let rsa = shop.root_of("rsa", "Rsa", 3_650, CA, ("rsa:2048", "-sha384"));
    for (name, issuer, kind) in [
        ("p256", "root", "ec:P-256"),
        ("p384", "root", "ec:P-384"),
        ("p521", "rsa", "ec:P-521"),
        ("ed", "root", "ED25519"),
        ("rsa2", "rsa", "rsa:2048"),
    ] {
        let made = shop.issue_of(name, issuer, 30, PERSON, (kind, "-sha256"));
        let found = verify(&[made.der], &[authority(&[&rsa]), authority(&[&root])], at).unwrap_or_else(|bad| panic!("{kind}: {bad}"));
        assert_eq!((found.facts.subject.as_str(), found.facts.addresses.as_slice()), (name, &["ana@example.org".to_owned()][..]));
    }
}

#[test]
fn an_intermediate_may_be_sent_along_or_uploaded() {
    let shop = Workshop::new();
    let at = now().plus(Duration::from_secs(120));
    let root = shop.root("root", "Acme", 3_650, CA);
    let middle = shop.issue("middle", "root", 300, CA);
    let ana = shop.issue("ana", "middle", 30, PERSON);
    let sent = verify(&[ana.der.clone(), middle.der.clone()], &[authority(&[&root])], at).unwrap();
    let kept = verify(std::slice::from_ref(&ana.der), &[authority(&[&middle, &root])], at).unwrap();
    let alone = verify(&[ana.der], &[authority(&[&middle])], at).unwrap();
    assert_eq!(sent.issuer_key_hash, crate::Facts::of(&middle.der).unwrap().key_hash);
    assert_eq!((kept.issuer_key_hash, alone.issuer_key_hash), (sent.issuer_key_hash, sent.issuer_key_hash));
}

#[test]
fn an_authority_may_vouch_for_the_addresses_that_it_is_limited_to() {
    let shop = Workshop::new();
    let at = now().plus(Duration::from_secs(120));
    let hosts = "permitted;email:example.org,permitted;email:.acme.example,permitted;DNS:acme.example,excluded;email:eve@example.org";
    let bound = shop.root("bound", "Bound", 3_650, &format!("{CA}nameConstraints=critical,{hosts}\n"));
    let named = |san: &str| PERSON.replace("email:ana@example.org", san);
    for (name, san) in [
        ("ana", "email:ana@example.org,DNS:ana.acme.example"),
        ("beneath", "email:ana@post.acme.example,email:bo@EXAMPLE.org"),
        ("without", "DNS:acme.example"),
    ] {
        let made = shop.issue(name, "bound", 30, &named(san));
        verify(&[made.der], &[authority(&[&bound])], at).unwrap_or_else(|bad| panic!("{san}: {bad}"));
    }
    for (name, san) in [("excluded", "email:eve@example.org"), ("host", "email:ana@example.org,DNS:bolt.example")] {
        let made = shop.issue(name, "bound", 30, &named(san));
        assert_eq!(verify(&[made.der], &[authority(&[&bound])], at).unwrap_err(), BadCertificate::Constraints, "{san}");
    }
    // Limits of an intermediate are followed where it is uploaded itself.
    let root = shop.root("root", "Acme", 3_650, CA);
    let limited = shop.issue("limited", "root", 300, &format!("{CA}nameConstraints=critical,permitted;email:example.org\n"));
    let ana = shop.issue("by-limited", "limited", 30, PERSON);
    let below = |accepted| verify(&[ana.der.clone(), limited.der.clone()], &[accepted], at);
    assert_eq!(below(authority(&[&root])).unwrap_err(), BadCertificate::AddressConstraints);
    assert!(below(authority(&[&limited])).is_ok());
}

#[test]
fn lists_of_several_authorities_count_together() {
    let shop = Workshop::new();
    let at = now().plus(Duration::from_secs(120));
    let root = shop.root("root", "Acme", 3_650, CA);
    let middle = shop.issue("middle", "root", 300, CA);
    let (ana, bob) = (shop.issue("ana", "middle", 30, PERSON), shop.issue("bob", "root", 30, PERSON));
    let (of_root, of_middle) = (shop.list("root", &[], 24, ""), shop.list("middle", &[], 24, ""));
    let with = |list: &[u8], until| with_list(authority(&[&middle, &root]), Some(list), until, GRACE);
    let both = || with_list(with(&of_root, at), Some(&of_middle), at, GRACE);
    for made in [&ana, &bob] {
        verify(std::slice::from_ref(&made.der), &[both()], at).unwrap_or_else(|bad| panic!("{}: {bad}", made.name));
    }
    assert!(verify(std::slice::from_ref(&ana.der), &[with(&of_middle, at)], at).is_ok(), "of those between none need be there");
    // One that is too old stands in the way of those alone that it speaks of.
    let old = || with_list(with(&of_middle, at.minus(GRACE * 2)), Some(&of_root), at, GRACE);
    assert!(verify(std::slice::from_ref(&bob.der), &[old()], at).is_ok());
    assert_eq!(verify(std::slice::from_ref(&ana.der), &[old()], at).unwrap_err(), BadCertificate::ListStale);
    // Of two of the same authority the newer one counts, in whatever order, and also while the grace of the older one lasts.
    let newer = shop.list("root", &[&bob], 48, "");
    let two = |until| with_list(with(&of_root, until), Some(&newer), at.plus(Duration::from_secs(86_400)), GRACE);
    for until in [at.minus(GRACE / 2), at.minus(GRACE * 2)] {
        assert_eq!(verify(std::slice::from_ref(&bob.der), &[two(until)], at).unwrap_err(), BadCertificate::Revoked);
    }
}

#[test]
fn a_list_counts_until_its_end_and_the_grace_after_it() {
    let shop = Workshop::new();
    let at = now().plus(Duration::from_secs(120));
    let root = shop.root("root", "Acme", 3_650, CA);
    let (ana, bob) = (shop.issue("ana", "root", 30, PERSON), shop.issue("bob", "root", 30, PERSON));
    let list = shop.list("root", &[&bob], 24, "");
    let accepted = || with_list(authority(&[&root]), Some(&list), at, GRACE);
    for when in [at, at.plus(GRACE)] {
        assert!(verify(std::slice::from_ref(&ana.der), &[accepted()], when).is_ok());
        assert!(verify(std::slice::from_ref(&bob.der), &[accepted()], when).is_err());
    }
    let issued = shop.list("root", &[], 24, "");
    assert!(verify(&[bob.der], &[with_list(authority(&[&root]), Some(&issued), at, GRACE)], at).is_ok());
}
