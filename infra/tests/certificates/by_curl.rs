//! The demo behind TLS, and browsers that are curl.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// The demo behind TLS, and a folder with what belongs to it.
pub struct Site {
    pub child: Child,
    pub dir: tempfile::TempDir,
    pub url: String,
    /// The root of its own CA.
    pub ca: String,
    pub email: String,
    pub password: String,
    pub api_key: String,
    /// What programs that use a smart card have in their environment.
    pub reader: Vec<(&'static str, PathBuf)>,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser: its cookies, and the certificate that it shows.
pub struct Browser<'s> {
    pub site: &'s Site,
    pub jar: PathBuf,
    pub certificate: Vec<String>,
}

pub struct Answer {
    pub status: String,
    pub to: String,
    pub body: String,
}

impl Site {
    pub fn start() -> Site {
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
        Site {
            url: text("url"),
            ca: text("ca"),
            email: text("email"),
            password: text("password"),
            api_key: text("api_key"),
            reader: Vec::new(),
            child,
            dir,
        }
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    pub fn browser(&self, name: &str, certificate: &[&str]) -> Browser<'_> {
        Browser { site: self, jar: self.path(name), certificate: certificate.iter().map(|part| (*part).to_owned()).collect() }
    }
    pub fn openssl(&self, arguments: &[&str]) -> bool {
        self.run("openssl", arguments)
    }
    /// Runs a program in the folder, half a minute at most; whether it went well.
    pub fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let mut command = Command::new("timeout");
        command.args(["30", program]).args(arguments).current_dir(self.dir.path()).stdin(Stdio::null());
        let done = command.envs(self.reader.iter().map(|(name, value)| (name, value))).output().unwrap();
        if !done.status.success() {
            println!("{program} {arguments:?}: {} {}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        }
        done.status.success()
    }
}

impl Browser<'_> {
    pub fn ask(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let out = self.jar.with_extension("out");
        let mut curl = Command::new("curl");
        curl.args(["-s", "--max-time", "30", "-w", "%{http_code} %{redirect_url}", "-o"]).arg(&out);
        curl.arg("--cacert").arg(&self.site.ca).arg("-b").arg(&self.jar).arg("-c").arg(&self.jar).args(&self.certificate);
        curl.envs(self.site.reader.iter().map(|(name, value)| (name, value)));
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
    pub fn get(&self, url: &str) -> Answer {
        let _ = std::fs::remove_file(self.jar.with_extension("out"));
        self.ask(url, &[])
    }
    /// Fills the form of the page at `from`.
    pub fn press(&self, from: &str, to: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.get(from).after("name=\"form\" value=\"");
        self.ask(to, &[&[("form", token.as_str())], fields].concat())
    }
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.site.url.trim_end_matches('/'))
    }
    pub fn sign_in(&self) {
        let (email, password) = (self.site.email.as_str(), self.site.password.as_str());
        let answer = self.press(&self.at("/sign-in"), &self.at("/sign-in"), &[("email", email), ("password", password)]);
        assert_eq!(answer.status, "303", "{}", answer.body);
    }
}

impl Answer {
    pub fn after(&self, before: &str) -> String {
        let (_, rest) = self.body.split_once(before).unwrap_or_else(|| panic!("no {before} in {} {}", self.status, self.body));
        rest.split(['"', '<']).next().unwrap().to_owned()
    }
}

/// Shows itself at the asking host, goes on with the ticket, and is signed in.
pub fn signs_in(browser: &Browser<'_>, asking: &str) {
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
