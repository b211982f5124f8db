//! A smart card: a key that was made on a token and never leaves it signs a member in and opens a message.
//!
//! The token is SoftHSM's, spoken to by PKCS#11 as a card in a reader is: OpenSC makes the key, and curl's handshake has the token sign.

use super::by_curl::{Answer, Site, signs_in};
use std::{path::Path, process::Command, time::Duration};

const PIN: &str = "1234";
/// Debian's softhsm2 and OpenSC leave them in one of these.
const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
];

/// The authority's words for a person's certificate.
const PERSON: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n";

/// Makes a card in the site's folder, with a key of that kind and a certificate for `email`.
fn make_card(site: &mut Site, kind: &str) {
    let module = MODULES.iter().map(Path::new).find(|path| path.exists());
    let module = module.expect("softhsm2, opensc and libengine-pkcs11-openssl are installed: tests/run does it").to_owned();
    std::fs::create_dir(site.path("tokens")).unwrap();
    let tokens = site.path("tokens").display().to_string();
    std::fs::write(site.path("softhsm2.conf"), format!("directories.tokendir = {tokens}\nobjectstore.backend = file\n")).unwrap();
    site.reader = vec![("SOFTHSM2_CONF", site.path("softhsm2.conf")), ("PKCS11_MODULE_PATH", module.clone())];
    assert!(site.run("softhsm2-util", &["--init-token", "--free", "--label", "card", "--pin", PIN, "--so-pin", "5678"]));
    let module = module.display().to_string();
    let at_the_card = |arguments: &[&str]| {
        let all = [&["--module", &module, "--login", "--pin", PIN, "--label", "ana", "--id", "01"], arguments].concat();
        assert!(site.run("pkcs11-tool", &all), "{arguments:?}");
    };
    at_the_card(&["--keypairgen", "--key-type", kind, "--usage-sign"]);

    let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem"];
    assert!(site.openssl(&[&new[..], &["-subj", "/CN=Acme Cards", "-addext", "keyUsage=critical,keyCertSign"]].concat()));
    let key = key(PIN);
    assert!(site.openssl(&["req", "-new", "-engine", "pkcs11", "-keyform", "engine", "-key", &key, "-subj", "/CN=Ana", "-out", "ana.csr"]));
    std::fs::write(site.path("person.cnf"), format!("{PERSON}subjectAltName=email:{}\n", site.email)).unwrap();
    let sign = ["x509", "-req", "-in", "ana.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "9", "-extfile", "person.cnf"];
    assert!(site.openssl(&[&sign[..], &["-outform", "DER", "-out", "ana.der"]].concat()));
    at_the_card(&["--write-object", "ana.der", "--type", "cert"]);
}

fn key(pin: &str) -> String {
    format!("pkcs11:token=card;object=ana;type=private;pin-value={pin}")
}

/// How curl is told to have the card sign, and to take the certificate from it.
fn card(pin: &str) -> Vec<String> {
    let words =
        ["--engine", "pkcs11", "--key-type", "ENG", "--cert-type", "ENG", "--cert", "pkcs11:token=card;object=ana;type=cert", "--key"];
    words.into_iter().map(str::to_owned).chain([key(pin)]).collect()
}

fn signs_in_and_opens(kind: &str) {
    let mut site = Site::start();
    make_card(&mut site, kind);
    let (words, wrong) = (card(PIN), card("9999"));
    let [words, wrong] = [&words, &wrong].map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
    let owner = site.browser("owner", &[]);
    let settings = owner.at("/settings/certificates");
    owner.sign_in();
    let chain = std::fs::read_to_string(site.path("ca.pem")).unwrap();
    let accepted = owner.press(&settings, &format!("{settings}/authorities"), &[("chain", &chain), ("maps_by_address", "yes")]);
    assert_eq!(accepted.status, "303", "{}", accepted.body);
    let asking = format!("https://cert-{}", owner.get(&settings).after("<a href=\"https://cert-"));
    // Every process hears of the host within a second.
    std::thread::sleep(Duration::from_millis(2_500));

    signs_in(&site.browser("card", &words), &asking);
    assert_eq!(site.browser("guess", &wrong).get(&asking).status, "000", "a card without its PIN signs nothing");

    let link = asked_for_a_certificate(&site);
    let reader = site.browser("reader", &[]);
    let errand = nonced(&reader.get(&link), |nonce| reader.ask(&format!("{link}/open"), &[("nonce", nonce)]));
    assert!(errand.to.starts_with(&asking), "{} {}", errand.status, errand.to);
    let at_the_host = site.browser("reader-there", &words);
    let word = at_the_host.get(&errand.to).after("name=\"errand\" value=\"");
    let back = at_the_host.press(&errand.to, &format!("{asking}pickup"), &[("errand", &word)]);
    assert!(back.to.starts_with(&format!("{link}/certificate?shown=")), "{} {} {}", back.status, back.to, back.body);
    let shown = back.to.split_once("shown=").unwrap().1;
    let done = nonced(&reader.get(&back.to), |nonce| reader.ask(&format!("{link}/certificate"), &[("nonce", nonce), ("shown", shown)]));
    assert_eq!(done.to, format!("{link}/message"), "{} {}", done.status, done.body);
    assert!(reader.get(&done.to).body.contains("only for the card"));
}

fn nonced(page: &Answer, press: impl FnOnce(&str) -> Answer) -> Answer {
    press(&page.after("name=\"nonce\" value=\""))
}

/// A message to the owner's own address that wants a certificate; the link in its notice.
fn asked_for_a_certificate(site: &Site) -> String {
    let body = serde_json::json!({ "to": [site.email], "subject": "Cards", "body": "only for the card", "proof": "r4" }).to_string();
    let api = |path: &str, more: &[&str]| {
        let bearer = format!("Authorization: Bearer {}", site.api_key);
        let mut curl = Command::new("curl");
        curl.args(["-s", "--max-time", "30", "--cacert", &site.ca, "-H", &bearer]).args(more);
        let done = curl.arg(format!("{}{path}", site.url.trim_end_matches('/'))).output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&done.stdout).unwrap_or_else(|e| panic!("{e}: {path}"))
    };
    let sent = api("/v1/messages", &["-H", "Content-Type: application/json", "-d", &body]);
    assert!(sent["id"].is_string(), "{sent}");
    for _ in 0..100 {
        let letters = api("/_mail.json", &[]);
        let links = letters.as_array().unwrap().iter().filter(|letter| letter["to"] == site.email.as_str()).flat_map(|letter| {
            let links = letter["links"].as_array().cloned().unwrap_or_default();
            links.into_iter().filter_map(|link| link.as_str().map(str::to_owned))
        });
        if let Some(link) = links.into_iter().find(|link| link.contains("/p/") && !link.ends_with("/block")) {
            return link;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("no notice has come");
}

#[test]
fn a_key_on_a_smart_card_signs_in_and_opens_a_message() {
    signs_in_and_opens("EC:prime256v1");
}

#[test]
fn a_card_with_an_rsa_key_does_so_too() {
    signs_in_and_opens("rsa:2048");
}
