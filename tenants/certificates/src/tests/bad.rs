//! Certificates that do not count, each for its reason.

use super::workshop::{CA, Made, PERSON, Workshop, authority, now, with_list};
use crate::{
    authority::Authority,
    verify::{BadCertificate, verify},
};
use kernel::Time;
use rustls_pki_types::CertificateDer;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
const GRACE: Duration = Duration::from_secs(3_600);

struct Bad {
    what: &'static str,
    chain: Vec<CertificateDer<'static>>,
    accepted: Authority,
    at: Time,
    why: BadCertificate,
}

fn person(line: &str, with: &str) -> String {
    let key = line.split('=').next().unwrap();
    let others = PERSON.lines().filter(|l| l.split('=').next() != Some(key)).map(|l| format!("{l}\n")).collect::<String>();
    format!("{others}{with}")
}

fn changed(der: &CertificateDer<'_>, change: impl Fn(&mut Vec<u8>)) -> CertificateDer<'static> {
    let mut bytes = der.to_vec();
    change(&mut bytes);
    CertificateDer::from(bytes)
}

#[test]
fn each_kind_of_bad_certificate_is_refused_for_its_own_reason() {
    use BadCertificate::*;
    let shop = Workshop::new();
    let at = now().plus(Duration::from_secs(120));
    let root = shop.root("root", "Acme", 3_650, CA);
    let ders = |made: &[&Made]| made.iter().map(|one| one.der.clone()).collect::<Vec<_>>();
    let good = shop.issue("ana", "root", 30, PERSON);
    let mut all: Vec<Bad> = Vec::new();
    let mut bad =
        |what, chain: Vec<CertificateDer<'static>>, accepted: Authority, at: Time, why| all.push(Bad { what, chain, accepted, at, why });
    let weak = || Weak(String::new());
    let acme = || authority(&[&root]);

    // Time.
    bad("expired", ders(&[&good]), acme(), at.plus(DAY * 31), Expired);
    bad("not yet", ders(&[&good]), acme(), at.minus(DAY * 2), NotYet);
    let short = shop.root("short", "Short", 10, CA);
    bad(
        "under an expired authority",
        ders(&[&shop.issue("outlives", "short", 30, PERSON)]),
        authority(&[&short]),
        at.plus(DAY * 20),
        AuthorityOver,
    );
    let brief = shop.issue("brief", "root", 5, CA);
    let below = shop.issue("below-brief", "brief", 30, PERSON);
    bad("under an expired intermediate", ders(&[&below, &brief]), acme(), at.plus(DAY * 6), Expired);

    // Use.
    for (what, uses) in [
        ("for servers", "extendedKeyUsage=serverAuth\n"),
        ("without uses", ""),
        ("for anything", "extendedKeyUsage=2.5.29.37.0\n"),
        ("for mail", "extendedKeyUsage=emailProtection\n"),
        ("for code", "extendedKeyUsage=codeSigning\n"),
    ] {
        let name = what.replace(' ', "-");
        bad(what, ders(&[&shop.issue(&name, "root", 30, &person("extendedKeyUsage", uses))]), acme(), at, NotForSigningIn);
    }
    let enciphers = shop.issue("enciphers", "root", 30, &person("keyUsage", "keyUsage=critical,keyEncipherment\n"));
    bad("whose key may not sign", ders(&[&enciphers]), acme(), at, NotForSigningIn);
    let servers = shop.issue("servers", "root", 30, &format!("{CA}extendedKeyUsage=serverAuth\n"));
    bad(
        "under an intermediate for servers",
        ders(&[&shop.issue("by-servers", "servers", 30, PERSON), &servers]),
        acme(),
        at,
        NotForSigningIn,
    );
    let is_ca = shop.issue("is-ca", "root", 30, &format!("{CA}extendedKeyUsage=clientAuth\n"));
    bad("of an authority", ders(&[&is_ca]), acme(), at, IsAuthority);

    // Issuer.
    let own = shop.root("self", "ana", 30, PERSON);
    bad("signed by itself", ders(&[&own]), acme(), at, Foreign);
    let twin = shop.root("twin", "Acme", 3_650, CA);
    let by_twin = shop.issue("by-twin", "twin", 30, PERSON);
    bad("of another authority with the same name", ders(&[&by_twin]), acme(), at, Foreign);
    bad("of another authority with the same name, sent along", ders(&[&by_twin, &twin]), acme(), at, Foreign);
    let bolt = shop.root("bolt", "Bolt", 3_650, CA);
    let bolts = shop.issue("bolts", "bolt", 30, PERSON);
    bad("of another tenant's authority", ders(&[&bolts]), acme(), at, Foreign);
    bad("of another tenant's authority, sent along", ders(&[&bolts, &bolt]), acme(), at, Foreign);
    let middle = shop.issue("middle", "root", 300, CA);
    let under = shop.issue("under", "middle", 30, PERSON);
    bad("whose intermediate is missing", ders(&[&under]), acme(), at, Foreign);
    bad("with one byte of its signature changed", vec![changed(&good.der, |b| *b.last_mut().unwrap() ^= 1)], acme(), at, Foreign);
    let renamed = changed(&good.der, |bytes| {
        let at = bytes.windows(15).position(|w| w == b"ana@example.org").unwrap();
        bytes[at..at + 3].copy_from_slice(b"eve");
    });
    bad("with another's address put in", vec![renamed], acme(), at, Foreign);

    // Path.
    let none_between = shop.root("pathlen", "None between", 3_650, &CA.replace("CA:TRUE", "CA:TRUE,pathlen:0"));
    let between = shop.issue("between", "pathlen", 300, CA);
    bad(
        "longer than the authority allows",
        ders(&[&shop.issue("long", "between", 30, PERSON), &between]),
        authority(&[&none_between]),
        at,
        PathTooLong,
    );
    let last = shop.issue("last", "root", 300, &CA.replace("CA:TRUE", "CA:TRUE,pathlen:0"));
    let beyond = shop.issue("beyond", "last", 300, CA);
    bad(
        "longer than an intermediate allows",
        ders(&[&shop.issue("longer", "beyond", 30, PERSON), &beyond, &last]),
        acme(),
        at,
        PathTooLong,
    );
    bad("issued by a person", ders(&[&shop.issue("by-ana", "ana", 30, PERSON), &good]), acme(), at, BadIntermediate);
    let no_sign = shop.issue("no-sign", "root", 300, &CA.replace("keyCertSign,", ""));
    bad("issued by a key that may not", ders(&[&shop.issue("by-no-sign", "no-sign", 30, PERSON), &no_sign]), acme(), at, BadIntermediate);
    bad("with a crowd of others", vec![good.der.clone(); 11], acme(), at, PathTooLong);

    // Names.
    for (what, constraint, name) in [
        ("with a host that is not permitted", "permitted;DNS:acme.example", "DNS:bolt.example"),
        ("with a host that is excluded", "excluded;DNS:bolt.example", "DNS:x.bolt.example"),
        ("with an address that is not permitted", "permitted;email:acme.example", "email:ana@bolt.example"),
        ("with an address that is excluded", "excluded;email:.bolt.example", "email:ana@post.bolt.example"),
        ("with one address too many", "permitted;email:acme.example", "email:ana@acme.example,email:ana@bolt.example"),
        ("with an address beyond ASCII", "permitted;email:acme.example", "otherName:1.3.6.1.5.5.7.8.9;UTF8:\u{fc}@bolt.example"),
        ("with an IP that is not permitted", "permitted;IP:10.0.0.0/255.0.0.0", "IP:192.0.2.1"),
    ] {
        let name_of = what.replace(' ', "-");
        let bound = shop.root(&format!("{name_of}-root"), &name_of, 3_650, &format!("{CA}nameConstraints=critical,{constraint}\n"));
        let san = person("subjectAltName", &format!("subjectAltName={name}\n"));
        bad(what, ders(&[&shop.issue(&name_of, &bound.name, 30, &san)]), authority(&[&bound]), at, Constraints);
    }
    let bound = shop.root("bound", "Bound", 3_650, &format!("{CA}nameConstraints=critical,permitted;email:acme.example\n"));
    let free = shop.issue("free", "bound", 300, CA);
    let beyond = shop.issue("beyond-bound", "free", 30, PERSON);
    bad("with an address that is not permitted two steps up", ders(&[&beyond, &free]), authority(&[&bound]), at, Constraints);
    let limited = shop.issue("limited", "root", 300, &format!("{CA}nameConstraints=critical,permitted;email:example.org\n"));
    let by_limited = shop.issue("by-limited", "limited", 30, PERSON);
    bad("with an address that an intermediate is limited to", ders(&[&by_limited, &limited]), acme(), at, AddressConstraints);

    // Revocation.
    let revoked = shop.issue("revoked", "root", 30, PERSON);
    let list = shop.list("root", &[&revoked], 24, "");
    let end = at.plus(DAY);
    let listed = |list: Option<&[u8]>, next| with_list(authority(&[&root]), list, next, GRACE);
    bad("revoked", ders(&[&revoked]), listed(Some(&list), end), at, Revoked);
    bad("when the list is too old", ders(&[&good]), listed(Some(&list), end), end.plus(GRACE + Duration::from_secs(1)), ListStale);
    bad("when the list was never fetched", ders(&[&good]), listed(None, end), at, ListStale);
    bad("when the list is another's", ders(&[&good]), listed(Some(&shop.list("bolt", &[], 24, "")), end), at, ListSilent);
    bad("when the list is forged", ders(&[&good]), listed(Some(&shop.list("twin", &[], 24, "")), end), at, ListSilent);
    bad("when the list is not of its intermediate", ders(&[&under, &middle]), listed(Some(&list), end), at, ListSilent);
    let (of_root, of_middle) = (shop.list("root", &[&middle], 24, ""), shop.list("middle", &[], 24, ""));
    let both = |root, until| with_list(listed(root, until), Some(&of_middle), end, GRACE);
    bad("when its intermediate was revoked", ders(&[&under, &middle]), both(Some(&of_root), end), at, AuthorityRevoked);
    bad(
        "when the list above its intermediate is too old",
        ders(&[&under, &middle]),
        both(Some(&list), at.minus(GRACE + DAY)),
        at,
        ListStale,
    );
    bad("when the list above its intermediate was never fetched", ders(&[&under, &middle]), both(None, end), at, ListStale);

    // Strength.
    bad("signed over SHA-1", ders(&[&shop.issue_of("sha1", "root", 30, PERSON, ("ec:P-256", "-sha1"))]), acme(), at, weak());
    let rsa = shop.root_of("rsa", "Rsa", 3_650, CA, ("rsa:2048", "-sha256"));
    bad("signed over MD5", ders(&[&shop.issue_of("md5", "rsa", 30, PERSON, ("ec:P-256", "-md5"))]), authority(&[&rsa]), at, weak());
    bad(
        "with an RSA key of 1024 bits",
        ders(&[&shop.issue_of("rsa1024", "root", 30, PERSON, ("rsa:1024", "-sha256"))]),
        acme(),
        at,
        weak(),
    );
    bad("with a key on another curve", ders(&[&shop.issue_of("k1", "root", 30, PERSON, ("ec:secp256k1", "-sha256"))]), acme(), at, weak());
    bad("with a key of another kind", ders(&[&shop.issue_of("ed448", "root", 30, PERSON, ("ED448", "-sha256"))]), acme(), at, weak());

    // Form.
    let unknown = shop.issue("unknown", "root", 30, &format!("{PERSON}1.2.3.4.5.6=critical,ASN1:UTF8String:x\n"));
    bad("with a condition nobody knows", ders(&[&unknown]), acme(), at, UnknownCondition);
    bad("of version 1", ders(&[&shop.issue("v1", "root", 30, "")]), acme(), at, Malformed);
    bad("that is garbage", vec![CertificateDer::from(b"not a certificate".to_vec())], acme(), at, Unreadable);
    bad("that is empty", vec![CertificateDer::from(Vec::new())], acme(), at, Unreadable);
    bad("that is cut off", vec![changed(&good.der, |bytes| bytes.truncate(bytes.len() - 20))], acme(), at, Unreadable);
    bad("with more after it", vec![changed(&good.der, |bytes| bytes.extend_from_slice(b"more"))], acme(), at, Unreadable);
    bad("that is huge", vec![CertificateDer::from(vec![0x30; 40_000])], acme(), at, Unreadable);
    bad("that is not there", Vec::new(), acme(), at, Unreadable);

    assert!(all.len() >= 40, "{}", all.len());
    let wrong: Vec<String> = all
        .iter()
        .filter_map(|Bad { what, chain, accepted, at, why }| {
            let said = match verify(chain, std::slice::from_ref(accepted), *at) {
                Ok(_) => return Some(format!("a certificate {what} counts")),
                Err(said) => said,
            };
            let same = std::mem::discriminant(&said) == std::mem::discriminant(why);
            (!same).then(|| format!("a certificate {what} is refused with “{said}”"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
