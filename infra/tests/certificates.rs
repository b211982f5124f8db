//! Signing in with a certificate, from the settings page to the session: the program itself, with curl as the browser and openssl as the
//! authority.
#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const FILE_PASSWORD: &str = "four other herons";

/// The demo behind TLS, and a folder with what belongs to it.
struct Site {
    child: Child,
    dir: tempfile::TempDir,
    url: String,
    /// The root of its own CA.
    ca: String,
    email: String,
    password: String,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser: its cookies, and the certificate that it shows.
struct Browser<'s> {
    site: &'s Site,
    jar: PathBuf,
    certificate: Vec<String>,
}

struct Answer {
    status: String,
    to: String,
    body: String,
}

impl Site {
    fn start() -> Site {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let mut command = Command::new(PROGRAM);
        command.args(["demo", "--tls", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        command.env_clear().env("PATH", "/usr/bin:/bin").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let text = |name: &str| said[name].as_str().unwrap().to_owned();
        Site { url: text("url"), ca: text("ca"), email: text("email"), password: text("password"), child, dir }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    fn browser(&self, name: &str, certificate: &[&str]) -> Browser<'_> {
        Browser { site: self, jar: self.path(name), certificate: certificate.iter().map(|part| (*part).to_owned()).collect() }
    }
    fn openssl(&self, arguments: &[&str]) -> bool {
        Command::new("openssl").args(arguments).current_dir(self.dir.path()).stdin(Stdio::null()).output().unwrap().status.success()
    }
}

impl Browser<'_> {
    fn ask(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let out = self.jar.with_extension("out");
        let mut curl = Command::new("curl");
        curl.args(["-s", "--max-time", "20", "-w", "%{http_code} %{redirect_url}", "-o"]).arg(&out);
        curl.arg("--cacert").arg(&self.site.ca).arg("-b").arg(&self.jar).arg("-c").arg(&self.jar).args(&self.certificate);
        // Every name under localhost is this machine.
        let port = self.site.url.rsplit(':').next().unwrap().trim_end_matches('/');
        let host = url.trim_start_matches("https://").split([':', '/']).next().unwrap();
        curl.args(["--resolve", &format!("{host}:{port}:127.0.0.1")]);
        for (name, value) in fields {
            curl.args(["--data-urlencode", &format!("{name}={value}")]);
        }
        let done = curl.arg(url).output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        let (status, to) = said.split_once(' ').unwrap();
        let body = std::fs::read(&out).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        Answer { status: status.to_owned(), to: to.to_owned(), body }
    }
    fn get(&self, url: &str) -> Answer {
        let _ = std::fs::remove_file(self.jar.with_extension("out"));
        self.ask(url, &[])
    }
    /// Fills the form of the page at `from`.
    fn press(&self, from: &str, to: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.get(from).after("name=\"form\" value=\"");
        self.ask(to, &[&[("form", token.as_str())], fields].concat())
    }
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.site.url.trim_end_matches('/'))
    }
    fn sign_in(&self) {
        let (email, password) = (self.site.email.as_str(), self.site.password.as_str());
        let answer = self.press(&self.at("/sign-in"), &self.at("/sign-in"), &[("email", email), ("password", password)]);
        assert_eq!(answer.status, "303", "{}", answer.body);
    }
}

impl Answer {
    fn after(&self, before: &str) -> String {
        let (_, rest) = self.body.split_once(before).unwrap_or_else(|| panic!("no {before} in {} {}", self.status, self.body));
        rest.split(['"', '<']).next().unwrap().to_owned()
    }
}

/// Shows itself at the asking host, goes on with the ticket, and is signed in.
fn signs_in(browser: &Browser<'_>, asking: &str) {
    let page = browser.get(asking);
    assert!(page.status == "200" && page.body.contains("Sign in as"), "{} {}", page.status, page.body);
    let ticket = browser.press(asking, asking, &[]);
    assert!(ticket.to.starts_with(&browser.at("/sign-in/certificate?ticket=")), "{} {}", ticket.status, ticket.to);
    let token = ticket.to.split_once("ticket=").unwrap().1.to_owned();
    let account = Browser { site: browser.site, jar: browser.jar.with_extension("account"), certificate: Vec::new() };
    let done = account.press(&ticket.to, &account.at("/sign-in/certificate"), &[("ticket", &token)]);
    assert_eq!((done.status.as_str(), done.to.as_str()), ("303", account.at("/sent").as_str()), "{}", done.body);
    assert_eq!(account.get(&account.at("/sent")).status, "200");
    let again = account.press(&account.at("/sign-in"), &account.at("/sign-in/certificate"), &[("ticket", &token)]);
    assert_ne!(again.status, "303", "a ticket counts once");
}

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
