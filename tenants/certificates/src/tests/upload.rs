//! What is uploaded as an authority, and what is fetched as its list.

use super::workshop::{CA, PERSON, Workshop, now};
use crate::{
    BadAuthority,
    authority::Uploaded,
    crl::{self, BadList},
};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn what_is_no_authority_is_refused_with_a_sentence() {
    use BadAuthority::*;
    let shop = Workshop::new();
    let at = now().plus(Duration::from_secs(5));
    let root = shop.root("root", "Acme", 30, CA);
    let other = shop.root("other", "Bolt", 30, CA);
    let middle = shop.issue("middle", "root", 20, CA);
    let key = std::fs::read_to_string(shop.path("root.key")).unwrap();
    let person = shop.issue("ana", "root", 20, PERSON);
    let v1 = shop.issue("v1", "root", 20, "");
    let twin = shop.root("twin", "Acme", 30, CA);
    let no_sign = shop.root("no-sign", "No sign", 30, &CA.replace("keyCertSign,", ""));
    let sha1 = shop.root_of("sha1", "Sha", 30, CA, ("rsa:2048", "-sha1"));
    let small = shop.root_of("small", "Small", 30, CA, ("rsa:1024", "-sha256"));
    let s = String::new;
    let forged = root.pem.replacen("MII", "MIJ", 1);
    let cases: [(&str, String, kernel::Time, BadAuthority); 17] = [
        ("nothing", s(), at, Empty),
        ("words", "hello".into(), at, Empty),
        ("a key", key.clone(), at, PrivateKey),
        ("a key beside the certificate", format!("{}{key}", root.pem), at, PrivateKey),
        ("10 MiB", "a".repeat(10 << 20), at, TooLarge),
        ("a certificate of nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into(), at, Unreadable),
        ("no base64", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n".into(), at, Unreadable),
        ("a length that lies", forged, at, Unreadable),
        ("a person", person.pem.clone(), at, NotAnAuthority(s())),
        ("version 1", v1.pem, at, NotAnAuthority(s())),
        ("a key that may not issue", no_sign.pem, at, NotAnAuthority(s())),
        ("SHA-1", sha1.pem, at, Weak(s(), s())),
        ("RSA 1024", small.pem, at, Weak(s(), s())),
        ("expired", root.pem.clone(), at.plus(DAY * 31), Expired(s())),
        ("not yet", root.pem.clone(), at.minus(DAY * 2), NotYet(s())),
        ("two authorities", format!("{}{}", root.pem, other.pem), at, Stray(s())),
        ("an intermediate of a twin", format!("{}{}", middle.pem, twin.pem), at, BadSignature(s())),
    ];
    for (what, pem, at, why) in cases {
        let said = Uploaded::parse(&pem, at).err().unwrap_or_else(|| panic!("{what} is taken"));
        assert_eq!(std::mem::discriminant(&said), std::mem::discriminant(&why), "{what}: {said}");
    }
    let six: String = (0..6).map(|n| shop.root(&format!("r{n}"), &format!("R{n}"), 30, CA).pem).collect();
    assert_eq!(Uploaded::parse(&six, at).unwrap_err(), TooMany);
}

#[test]
fn several_blocks_are_one_chain_in_whatever_order() {
    let shop = Workshop::new();
    let at = now().plus(Duration::from_secs(5));
    let root = shop.root("root", "Acme", 30, CA);
    let middle = shop.issue("middle", "root", 20, CA);
    let lowest = shop.issue("lowest", "middle", 10, CA);
    for made in [[&root, &middle, &lowest], [&lowest, &root, &middle], [&middle, &lowest, &root]] {
        let pem: String = made.iter().map(|one| format!("# {}\n{}", one.name, one.pem)).collect();
        let uploaded = Uploaded::parse(&pem, at).unwrap();
        assert_eq!(uploaded.chain, [lowest.der.clone(), middle.der.clone(), root.der.clone()]);
        assert_eq!(uploaded.subject, "Acme");
        assert_eq!(uploaded.not_after, crate::Facts::of(&lowest.der).unwrap().not_after);
    }
    let twice = Uploaded::parse(&format!("{0}{0}", root.pem), at).unwrap();
    assert_eq!(twice.chain.len(), 1);
    let shown = shop.openssl(&["x509", "-in", "root.pem", "-noout", "-fingerprint", "-sha256"]);
    let shown = String::from_utf8(shown).unwrap();
    assert_eq!(shown.trim().split_once('=').unwrap().1, crate::authority::fingerprint_words(&twice.fingerprint));
}

#[test]
fn a_list_is_the_authoritys_own_whole_and_of_today() {
    use BadList::*;
    let shop = Workshop::new();
    let at = now().plus(Duration::from_secs(5));
    let root = shop.root("root", "Acme", 30, CA);
    shop.root("twin", "Acme", 30, CA);
    shop.root("bolt", "Bolt", 30, CA);
    let no_crls = shop.root("no-crls", "No lists", 30, &CA.replace(",cRLSign", ""));
    let good = shop.list("root", &[], 24, "");
    let check = |der: &[u8], at| crl::check(der, None, std::slice::from_ref(&root.der), at).map(|_| ());
    assert_eq!(check(&good, at), Ok(()));
    let pem = std::fs::read(shop.path("list.pem")).unwrap();
    let s = String::new;
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    let indirect = "2.5.29.28=critical,DER:30:03:84:01:FF\n";
    let cases: [(&str, Vec<u8>, kernel::Time, BadList); 11] = [
        ("garbage", b"no list".to_vec(), at, Unreadable),
        ("nothing", Vec::new(), at, Unreadable),
        ("cut off", good[..good.len() - 9].to_vec(), at, Unreadable),
        ("PEM", pem, at, IsPem),
        ("a page", b"<!doctype html><title>Not found</title>".to_vec(), at, Unreadable),
        ("another's", shop.list("bolt", &[], 24, ""), at, Foreign(s())),
        ("a twin's", shop.list("twin", &[], 24, ""), at, BadSignature),
        ("changed", changed, at, BadSignature),
        ("over", good.clone(), at.plus(DAY * 2), Over(s())),
        ("of tomorrow", good.clone(), at.minus(DAY), Early(s())),
        ("indirect", shop.list("root", &[], 24, indirect), at, Partial),
    ];
    for (what, der, at, why) in cases {
        let said = check(&der, at).err().unwrap_or_else(|| panic!("{what} is taken"));
        assert_eq!(std::mem::discriminant(&said), std::mem::discriminant(&why), "{what}: {said}");
    }
    let by_no_crls = shop.list("no-crls", &[], 24, "");
    assert_eq!(crl::check(&by_no_crls, None, &[no_crls.der], at).unwrap_err(), BadSignature);
}
