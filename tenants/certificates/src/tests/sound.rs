//! Certificates that count.

use super::workshop::{CA, PERSON, Workshop, authority, now, with_list};
use crate::verify::verify;
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(3_600);

#[test]
fn keys_of_every_kind_that_is_taken_count() {
    let shop = Workshop::new();
    let at = now().plus(Duration::from_secs(5));
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
    let at = now().plus(Duration::from_secs(5));
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
fn a_list_counts_until_its_end_and_the_grace_after_it() {
    let shop = Workshop::new();
    let at = now().plus(Duration::from_secs(5));
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
