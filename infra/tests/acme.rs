//! The program with certificates from a real CA: two servers on one database, names added and removed while they run.
#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

use acme::testing::{Manners, Pebble, Relay};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use store::testing::Postgres;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const PATIENCE: Duration = Duration::from_secs(90);

struct Server {
    child: Child,
    http: SocketAddr,
    https: SocketAddr,
    metrics: String,
}

impl Server {
    fn start(config: &Path) -> Server {
        let mut child = program(config, &["serve", "--migrate"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let (mut metrics, mut line) = (String::new(), String::new());
        let entry = loop {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ended: {:?}", child.wait());
            let entry: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            match entry["message"].as_str() {
                Some("metrics") => metrics = entry["address"].as_str().unwrap().to_owned(),
                Some("serving") => break entry,
                _ => {}
            }
        };
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let address = |field: &str| entry[field].as_str().unwrap().parse().unwrap();
        Server { child, http: address("address"), https: address("https"), metrics }
    }
    /// What a stranger gets who trusts the CA's root alone.
    fn get(&self, name: &str, root: &Path) -> String {
        let port = self.https.port();
        let mut command = Command::new("curl");
        command.args(["-s", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", "--max-time", "20", "--cacert"]).arg(root);
        command.arg("--resolve").arg(format!("{name}:{port}:127.0.0.1")).arg(format!("https://{name}:{port}/ready"));
        text(&command.output().unwrap().stdout)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("--config").arg(config).args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("RUST_BACKTRACE", "0");
    command
}
fn done(config: &Path, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = program(config, arguments).output().unwrap();
    assert!(status.success(), "{arguments:?}: {}", text(&stderr));
    text(&stdout)
}
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn configured(dir: &Path, pebble: &Pebble, database: &str, more: &str) -> PathBuf {
    let (file, data, ca) = (dir.join("countersign.toml"), dir.join("data"), pebble.ca_file());
    let configuration = format!(
        "data_dir = {data:?}\n[database]\nurl = '{database}'\n[site]\nbase_url = 'https://mail.town.test'\n\
         [listen]\nhttp = '127.0.0.1:0'\nhttps = '127.0.0.1:0'\n[tls]\ncertificates = 'acme'\n\
         [acme]\ndirectory = '{}'\nterms_agreed = true\ncontact = 'ops@example.org'\nca_file = {ca:?}\n{more}\
         [metrics]\nlisten = '127.0.0.1:0'\n[smtp]\nhost = '127.0.0.1'\nport = 1\ntls = 'none'\n[log]\nformat = 'json'\n",
        pebble.directory
    );
    std::fs::write(&file, configuration).unwrap();
    file
}

async fn two_servers(database: &str, dir: &Path) {
    let (http, tls) = (Relay::open().await, Relay::open().await);
    let manners = Manners { nonces_refused: 10, ..Manners::at(http.port, tls.port) };
    let pebble = tokio::task::spawn_blocking(|| Pebble::start(manners)).await.unwrap();
    let config = configured(dir, &pebble, database, "");
    let dir = dir.to_owned();
    let with_them = move || {
        let servers = [Server::start(&config), Server::start(&config)];
        servers.iter().for_each(|server| {
            http.to(server.http);
            tls.to(server.https);
        });
        let root = pebble.root_file();
        let live = |name: &str| servers.iter().all(|server| server.get(name, &root) == "200 2");
        until("the site's own name", || live("mail.town.test"));
        assert!(done(&config, &["admin", "certificate", "want", "Files.Town.test"]).contains("for files.town.test is ordered"));
        until("a name added while they run", || live("files.town.test"));
        let logged = pebble.log();
        assert_eq!(logged.matches("Issued certificate serial").count(), 2, "each name was ordered once:\n{logged}");
        let listed = done(&config, &["admin", "certificate", "list"]);
        assert!(listed.contains("files.town.test\toperator\t20") && listed.contains("mail.town.test\tconfiguration\t20"), "{listed}");
        let examined = text(&program(&config, &["doctor"]).output().unwrap().stderr);
        assert!(examined.contains("certificates: 2 of 2 names are live; the first ends at 20"), "{examined}");
        let told = || text(&Command::new("curl").args(["-s", &format!("http://{}/metrics", servers[0].metrics)]).output().unwrap().stdout);
        until("metrics", || told().contains("countersign_certificates{state=\"live\"} 2"));
        assert!(told().contains("countersign_certificate_expires_seconds"));
        done(&config, &["admin", "certificate", "unwant", "files.town.test"]);
        until("a name removed", || servers.iter().all(|server| server.get("files.town.test", &root) == "000 0"));
        assert!(live("mail.town.test"));
        let again = Server::start(&config);
        assert_eq!(again.get("mail.town.test", &root), "200 2", "at once after a start");
        drop(dir);
    };
    tokio::task::spawn_blocking(with_them).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_sqlite_directory_share_certificates() {
    let dir = tempfile::tempdir().unwrap();
    two_servers("", dir.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_postgres_share_certificates() {
    let dir = tempfile::tempdir().unwrap();
    let url = Postgres::start().fresh_database().await;
    two_servers(&url, dir.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_says_what_the_ca_said() {
    let dir = tempfile::tempdir().unwrap();
    let manners = Manners { blocked: vec!["town.test".into()], ..Manners::at(1, 1) };
    let pebble = tokio::task::spawn_blocking(|| Pebble::start(manners)).await.unwrap();
    let config = configured(dir.path(), &pebble, "", "");
    let look = move || {
        let before = text(&program(&config, &["doctor"]).output().unwrap().stderr);
        assert!(before.contains("certificates: ordered from https://127.0.0.1"), "{before}");
        let _server = Server::start(&config);
        let said = || text(&program(&config, &["doctor"]).output().unwrap().stderr);
        until("the refusal", || said().contains("mail.town.test has no certificate: "));
        let said = said();
        assert!(said.contains("next try at 20") && said.contains("reaches it on ports 443 and 80"), "{said}");
        let broken = configured(dir.path(), &pebble, "", "external_key_id = 'kid'\n");
        let refused = program(&broken, &["serve"]).output().unwrap();
        assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains("both or neither"), "{}", text(&refused.stderr));
        std::fs::write(pebble.ca_file(), "nothing").unwrap();
        let refused = program(&configured(dir.path(), &pebble, "", ""), &["serve"]).output().unwrap();
        assert!(!refused.status.success() && text(&refused.stderr).contains("there is no certificate in it"), "{}", text(&refused.stderr));
    };
    tokio::task::spawn_blocking(look).await.unwrap();
}
