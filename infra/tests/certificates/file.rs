//! A certificate in a file, from the settings page to the session and its revocation.

use super::by_curl::{Site, signs_in};
use std::{path::Path, time::Duration};

const FILE_PASSWORD: &str = "four other herons";

#[test]
fn a_certificate_signs_in_from_the_settings_page_to_the_session() {
    let site = Site::start();
    let owner = site.browser("owner", &[]);
    let settings = owner.at("/settings/certificates");
    owner.sign_in();
    assert_eq!(owner.press(&settings, &format!("{settings}/own"), &[]).status, "303");
    let asking = owner.get(&settings).after("<a href=\"https://cert-");
    let asking = format!("https://cert-{asking}");
    let file = owner.press(&settings, &format!("{settings}/issue"), &[("file_password", FILE_PASSWORD)]);
    assert_eq!(file.status, "200", "{}", file.body);
    std::fs::copy(owner.jar.with_extension("out"), site.path("ana.p12")).unwrap();
    // Every process hears of the host within a second.
    std::thread::sleep(Duration::from_millis(2_500));

    let shown = format!("{}:{FILE_PASSWORD}", site.path("ana.p12").display());
    let card = ["--cert-type", "P12", "--cert", shown.as_str()];
    signs_in(&site.browser("card", &card), &asking);
    signs_in(&site.browser("card-1", &[&card[..], &["--http1.1"]].concat()), &asking);

    let nothing = site.browser("nothing", &[]).get(&asking);
    assert!(nothing.status == "403" && nothing.body.contains("Your browser sent no certificate"), "{} {}", nothing.status, nothing.body);
    let key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "eve.key", "-out", "eve.pem"];
    assert!(site.openssl(&[&key[..], &["-subj", "/CN=Ana", "-addext", "extendedKeyUsage=clientAuth"]].concat()));
    let file = |name: &str| Path::new(site.dir.path()).join(name).display().to_string();
    let (eve, eve_key) = (file("eve.pem"), file("eve.key"));
    let foreign = site.browser("foreign", &["--cert", &eve, "--key", &eve_key]).get(&asking);
    assert!(
        foreign.status == "403" && foreign.body.contains("This certificate does not sign you in"),
        "{} {}",
        foreign.status,
        foreign.body
    );

    // The asking host has no other page, and nobody is anybody by a header.
    assert_eq!(site.browser("other", &[]).get(&format!("{asking}settings")).status, "404");
    let claimed = ["-H", "Client-Cert: :MIIB:", "-H", "X-SSL-Client-Verify: SUCCESS"];
    assert_eq!(site.browser("claims", &claimed).get(&asking).status, "403");
    assert_eq!(site.browser("old", &["--tls-max", "1.2"]).get(&asking).status, "000", "TLS 1.3 alone is spoken there");

    let id = owner.get(&settings).after("name=\"certificate\" value=\"");
    assert_eq!(owner.press(&settings, &format!("{settings}/revoke"), &[("certificate", &id)]).status, "303");
    let revoked = site.browser("card", &card).get(&asking);
    assert!(revoked.status == "403" && revoked.body.contains("was revoked"), "{} {}", revoked.status, revoked.body);
}
