//! A real S3 to talk to: `moto_server`, in memory, on loopback, with one bucket. `tests/moto` installs it.

use super::free_port;
use crate::S3Config;
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const BUCKET: &str = "countersign-test";
/// Python takes its time, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Stopped when it is dropped.
pub struct Moto {
    child: Child,
    port: u16,
    access_key: String,
    secret_key: String,
}

impl Moto {
    /// Takes whoever comes. `None`, with the reason printed, where there is no Python.
    pub fn start() -> Option<Moto> {
        let moto = Moto::run(&[])?;
        assert_eq!(moto.ask("PUT", &format!("/{BUCKET}"), "s3", ""), 200);
        Some(moto)
    }

    /// Takes who has the right keys, and nobody else.
    pub fn start_strict() -> Option<Moto> {
        let mut moto = Moto::run(&[("INITIAL_NO_AUTH_ACTION_COUNT", "4")])?;
        assert_eq!(moto.ask("PUT", &format!("/{BUCKET}"), "s3", ""), 200);
        moto.iam("CreateUser", "");
        let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D";
        moto.iam("PutUserPolicy", &format!("&PolicyName=all&PolicyDocument={policy}"));
        let made = moto.iam("CreateAccessKey", "");
        moto.access_key = element(&made, "AccessKeyId");
        moto.secret_key = element(&made, "SecretAccessKey");
        Some(moto)
    }

    fn run(environment: &[(&str, &str)]) -> Option<Moto> {
        let installer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/moto");
        let installed = Command::new(installer).output().expect("tests/moto is a program");
        if installed.status.code() == Some(3) {
            eprintln!("skipped: {}", String::from_utf8_lossy(&installed.stderr).trim());
            return None;
        }
        assert!(installed.status.success(), "tests/moto: {}", String::from_utf8_lossy(&installed.stderr));
        let program = String::from_utf8_lossy(&installed.stdout).trim().to_owned();
        let port = free_port();
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).envs(environment.iter().copied());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("moto_server was installed");
        let moto = Moto { child, port, access_key: "test".into(), secret_key: "test".into() };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, moto.port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "moto_server does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(moto)
    }

    pub fn config(&self) -> S3Config {
        S3Config {
            endpoint: Some(format!("http://127.0.0.1:{}", self.port)),
            region: "us-east-1".into(),
            bucket: BUCKET.into(),
            access_key: self.access_key.clone(),
            secret_key: self.secret_key.clone(),
        }
    }
    /// How many objects the bucket has, up to a thousand. Not of a strict one.
    pub fn objects(&self) -> usize {
        self.say("GET", &format!("/{BUCKET}?list-type=2"), "s3", "").1.matches("<Key>").count()
    }
    /// It answers nobody until `go_on`, as behind a broken network.
    pub fn pause(&self) {
        self.signal("-STOP");
    }
    pub fn go_on(&self) {
        self.signal("-CONT");
    }
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().is_ok_and(|s| s.success()));
    }
    fn iam(&self, action: &str, more: &str) -> String {
        let (status, answer) = self.say("POST", "/", "iam", &format!("Action={action}&UserName=countersign&Version=2010-05-08{more}"));
        assert_eq!(status, 200, "{action}: {answer}");
        answer
    }
    fn ask(&self, method: &str, path: &str, service: &str, body: &str) -> u16 {
        self.say(method, path, service, body).0
    }
    /// Status and text. Which service is meant stands in the credential.
    fn say(&self, method: &str, path: &str, service: &str, body: &str) -> (u16, String) {
        let (port, length) = (self.port, body.len());
        let credential =
            format!("AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=x");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: {credential}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("moto_server listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in text");
        (answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), answer)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.kill();
    }
}

fn element(xml: &str, name: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{name}>")).expect("the element is there");
    rest.split('<').next().unwrap_or_default().to_owned()
}
