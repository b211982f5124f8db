//! The program as an operator runs it: the real binary, its exit codes, its signals.
#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

#[path = "program/killed_worker.rs"]
mod killed_worker;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("RUST_BACKTRACE", "0");
    command
}
fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A demo that runs until it is dropped.
struct Demo {
    child: Child,
    said: serde_json::Value,
}

impl Demo {
    fn start(data: Option<&std::path::Path>) -> Demo {
        let mut command = program();
        command.args(["demo", "--json", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(dir) = data {
            command.arg("--data").arg(dir);
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line:?} is no JSON: {e}"));
        Demo { child, said }
    }
    fn word(&self, name: &str) -> &str {
        self.said[name].as_str().unwrap()
    }
    fn host(&self) -> &str {
        self.word("url").strip_prefix("http://").unwrap()
    }
    fn get(&self, path: &str) -> (u16, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.host()))
    }
    fn ask(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        answer(stream)
    }
    fn letters(&self) -> Vec<serde_json::Value> {
        let (status, body) = self.get("/_mail.json");
        assert_eq!(status, 200);
        serde_json::from_str(&body).unwrap()
    }
    fn terminate(&self) {
        assert!(Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap().success());
    }
    fn ended(&mut self, within: Duration) -> i32 {
        let began = Instant::now();
        while began.elapsed() < within {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("still running after {within:?}");
    }
}
impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body; chunks are joined.
fn answer(mut stream: TcpStream) -> (u16, String) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let all = text(&all);
    let (head, body) = all.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    (status, if chunked { unchunk(body) } else { body.to_owned() })
}
fn unchunk(body: &str) -> String {
    let (mut rest, mut whole) = (body, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        whole.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
        if size == 0 {
            break;
        }
    }
    whole
}

#[test]
fn the_demo_says_one_line_and_everything_in_it_works() {
    let began = Instant::now();
    let mut demo = Demo::start(None);
    assert!(began.elapsed() < Duration::from_secs(10), "ready after {:?}", began.elapsed());
    assert_eq!(demo.get("/ready").0, 200);
    assert!(demo.word("password").len() >= 12 && demo.word("email").contains('@'));
    let letters = demo.letters().len();
    assert!(letters >= 4, "proof, notices and a code were mailed: {letters}");

    let body = r#"{"to":["bob@example.org"],"subject":"Hello","body":"Sealed."}"#;
    let (status, made) = demo.ask(&format!(
        "POST /v1/messages HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        demo.host(),
        demo.word("api_key"),
        body.len()
    ));
    assert_eq!(status, 201, "{made}");
    let sent = Instant::now();
    let notice = loop {
        if let Some(letter) = demo.letters().into_iter().find(|l| l["to"] == "bob@example.org") {
            break letter;
        }
        assert!(sent.elapsed() < Duration::from_secs(5), "no notice at /_mail.json");
        std::thread::sleep(Duration::from_millis(50));
    };
    let link = notice["links"][0].as_str().unwrap();
    let page = demo.get(link.strip_prefix(demo.word("url")).unwrap());
    assert_eq!(page.0, 200, "{}", page.1);
    assert_eq!(demo.get("/_mail").0, 200);

    demo.terminate();
    assert_eq!(demo.ended(Duration::from_secs(20)), 0);
}

#[test]
fn a_demo_with_a_directory_is_the_same_one_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Demo::start(Some(dir.path()));
    first.terminate();
    assert_eq!(first.ended(Duration::from_secs(20)), 0);
    let second = Demo::start(Some(dir.path()));
    for name in ["email", "password", "api_key"] {
        assert_eq!(first.word(name), second.word(name));
    }
    let asked =
        format!("GET /v1/messages HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n", second.word("api_key"));
    let (status, body) = second.ask(&asked);
    assert_eq!(status, 200, "{body}");
    for subject in ["Your 2025 return for signature", "Wire instructions", "Draft statement, wrong file"] {
        assert!(body.contains(subject), "{body}");
    }
    for state in ["opened", "notified", "retracted"] {
        assert!(body.contains(state), "{state}: {body}");
    }
}

#[test]
fn sigterm_lets_a_running_request_finish() {
    let mut demo = Demo::start(None);
    let mut stream = TcpStream::connect(demo.host()).unwrap();
    let request = format!(
        "POST /sign-in HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 8\r\n\r\nemail",
        demo.host()
    );
    stream.write_all(request.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    demo.terminate();
    std::thread::sleep(Duration::from_millis(500));
    assert!(TcpStream::connect(demo.host()).is_err(), "nobody new is let in");
    stream.write_all(b"=x%").unwrap();
    let (status, _) = answer(stream);
    assert!((200..500).contains(&status), "{status}");
    assert_eq!(demo.ended(Duration::from_secs(20)), 0);
}

#[test]
fn without_a_configuration_a_sentence_says_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    let ended = program().arg("serve").current_dir(empty.path()).output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(text(&ended.stderr).contains("countersign config > countersign.toml"), "{}", text(&ended.stderr));
    assert!(ended.stdout.is_empty());
}

#[test]
fn the_printed_configuration_passes_its_own_check() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    let printed = run(&["config"]);
    assert!(printed.status.success());
    std::fs::write(&file, &printed.stdout).unwrap();
    let checked = run(&["config", "--check", file.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    std::fs::write(&file, "[site]\nbase_url = 'http://mail.example.org'\n").unwrap();
    let refused = run(&["config", "--check", file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("is not https"));
    let lost = dir.path().join("lost.toml");
    let missing = run(&["--config", lost.to_str().unwrap(), "doctor"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains(&format!("no configuration at {}", lost.display())), "{}", text(&missing.stderr));
}

/// A configuration with its data in `dir` and a relay that is not there.
fn configured(dir: &std::path::Path) -> String {
    let file = dir.join("countersign.toml");
    let data = dir.join("data");
    std::fs::write(&file, format!("data_dir = {data:?}\n[smtp]\nhost = '127.0.0.1'\nport = 1\ntls = 'none'\n")).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn doctor_names_what_is_wrong_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let ended = run(&["--config", &configured(dir.path()), "doctor"]);
    assert_eq!(ended.status.code(), Some(2));
    let said = text(&ended.stderr);
    for part in [
        "WRONG  data directory",
        "is not there",
        "install -d -m 0700",
        "WRONG  mail relay",
        "check smtp.host",
        "ok     clock",
        "ok     plans",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["countersign.toml"], "a look changes nothing");
}

#[test]
fn tenants_are_listed_suspended_and_restored_and_their_evidence_holds() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut demo = Demo::start(Some(&data));
    demo.terminate();
    demo.ended(Duration::from_secs(20));
    let config = configured(dir.path());
    let admin = |arguments: &[&str]| {
        let mut all = vec!["--config", &config, "admin"];
        all.extend(arguments);
        run(&all)
    };
    let listed = admin(&["tenant", "list"]);
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    let listed = text(&listed.stdout);
    let line = listed.lines().find(|l| l.contains("Acme Tax Advisers")).unwrap_or_else(|| panic!("{listed}"));
    assert!(line.contains("\tactive\tbusiness\t") && line.contains("ana@acme.example"), "{line}");
    let id = line.split('\t').next().unwrap();
    assert_eq!(text(&admin(&["tenant", "suspend", id]).stdout), format!("{id} is suspended. Running servers follow within a second.\n"));
    assert!(text(&admin(&["tenant", "list"]).stdout).contains("\tsuspended\t"));
    assert_eq!(text(&admin(&["tenant", "restore", id]).stdout), format!("{id} is active. Running servers follow within a second.\n"));
    let verified = admin(&["evidence", "verify"]);
    assert!(verified.status.success() && text(&verified.stdout).contains("\tholds\t"), "{}", text(&verified.stderr));
    for (id, says) in [("ten_nonsense", "is not a tenant's id"), ("ten_01h00000000000000000000000", "There is no tenant")] {
        let refused = admin(&["tenant", "suspend", id]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(text(&refused.stderr).contains(says), "{}", text(&refused.stderr));
    }
}

/// A server started with `serve`, told apart from its log by the addresses it logs.
struct Server {
    child: Child,
    site: String,
    metrics: String,
}

impl Server {
    fn start(config: &str, arguments: &[&str]) -> Server {
        let mut command = program();
        command.args(["--config", config, "serve"]).args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut site, mut metrics) = (String::new(), String::new());
        let mut log = BufReader::new(child.stderr.take().unwrap());
        while site.is_empty() {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ended: {:?}", child.wait());
            let entry: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line:?} is no JSON: {e}"));
            let address = entry["address"].as_str().unwrap_or_default().to_owned();
            match entry["message"].as_str() {
                Some("serving") => site = address,
                Some("metrics") => metrics = address,
                _ => {}
            }
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Server { child, site, metrics }
    }
    fn get(&self, host: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(host).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
        answer(stream)
    }
    fn stop(mut self) -> i32 {
        assert!(Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap().success());
        let status = self.child.wait().unwrap();
        status.code().unwrap_or(-1)
    }
}

/// As [`configured`], listening on free ports, with JSON logs and `more` settings.
fn served(dir: &std::path::Path, more: &str) -> String {
    let file = configured(dir);
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("[listen]\nhttp = '127.0.0.1:0'\n[metrics]\nlisten = '127.0.0.1:0'\n[log]\nformat = 'json'\n");
    text.push_str(more);
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_server_answers_counts_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let config = served(dir.path(), "");
    let server = Server::start(&config, &[]);
    assert_eq!(server.get(&server.site, "/ready").0, 200);
    assert_eq!(server.get(&server.site, "/sign-in").0, 200);
    assert_eq!(server.get(&server.site, "/metrics").0, 404, "numbers are not for the public");
    assert_eq!(server.get(&server.site, "/_mail").0, 404, "mail is shown by the demo alone");
    for hosts in ["", "host: h\r\nhost: h\r\n"] {
        let mut stream = TcpStream::connect(&server.site).unwrap();
        stream.write_all(format!("GET /ready HTTP/1.1\r\n{hosts}connection: close\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(answer(stream).0, 400, "{hosts:?}");
    }
    let (status, numbers) = server.get(&server.metrics, "/metrics");
    assert_eq!(status, 200);
    for line in [
        r#"countersign_requests_total{route="/account",status="2xx"} 1"#,
        r#"countersign_requests_total{route="probe",status="2xx"} 1"#,
        r#"countersign_request_seconds_bucket{route="/account",le="+Inf"} 1"#,
        r#"countersign_jobs{state="queued"} 0"#,
        r#"countersign_mails_total{outcome="taken"} 0"#,
        r#"countersign_mails_total{outcome="refused_for_now"} 0"#,
        "countersign_disk_low 0",
        "process_resident_memory_bytes ",
        "countersign_commits_total ",
    ] {
        assert!(numbers.contains(line), "no {line} in {numbers}");
    }
    assert_eq!(server.get(&server.metrics, "/ready").0, 200);
    let twice = program().args(["--config", &config, "serve"]).env("COUNTERSIGN_DATABASE_URL", "mysql://x").output().unwrap();
    assert_eq!(twice.status.code(), Some(2));
    assert!(text(&twice.stderr).contains("database.url"), "{}", text(&twice.stderr));
    assert_eq!(server.stop(), 0);
}

#[test]
fn postgresql_is_migrated_when_told_and_serves() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(store::testing::Postgres::start().fresh_database());
    let dir = tempfile::tempdir().unwrap();
    let config = served(dir.path(), &format!("[database]\nurl = '{url}'\n"));
    let refused = run(&["--config", &config, "serve"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("Run `countersign migrate`"), "{}", text(&refused.stderr));
    let migrated = run(&["--config", &config, "migrate"]);
    assert!(text(&migrated.stdout).starts_with("applied "), "{}", text(&migrated.stderr));
    assert_eq!(text(&run(&["--config", &config, "migrate"]).stdout), "The database is up to date.\n");
    let server = Server::start(&config, &[]);
    assert_eq!(server.get(&server.site, "/ready").0, 200);
    let examined = run(&["--config", &config, "doctor"]);
    assert!(text(&examined.stderr).contains("ok     database: reachable, migrated, walls checked"), "{}", text(&examined.stderr));
    assert_eq!(text(&run(&["--config", &config, "admin", "job", "replay"]).stdout), "0 parked job(s) are queued again.\n");
    assert_eq!(server.stop(), 0);
}
