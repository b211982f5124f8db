//! The program at the edge: https from start to restart, with curl and openssl as strangers to our own code.
#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// A child that goes when the test does.
struct Running(Child);

impl Running {
    fn terminate(&self) {
        assert!(Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).status().unwrap().success());
    }
    fn ended(&mut self) -> i32 {
        self.0.wait().unwrap().code().unwrap_or(-1)
    }
}
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("RUST_BACKTRACE", "0");
    command
}
fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
/// Status, HTTP version and the redirect's target of one request.
fn curl(arguments: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.args(["-s", "-o", "/dev/null", "-w", "%{http_code} %{http_version} %{redirect_url}", "--max-time", "20"]).args(arguments);
    let output = command.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), if output.status.success() { "" } else { "failed" })
}

#[test]
fn the_demo_over_tls_is_trusted_by_its_own_root_alone() {
    let mut child =
        program(&["demo", "--tls", "--json", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut demo = Running(child);
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let (url, ca, key) = (said["url"].as_str().unwrap(), said["ca"].as_str().unwrap(), said["api_key"].as_str().unwrap());
    assert!(url.starts_with("https://localhost:"), "{url}");
    assert_eq!(curl(&["--cacert", ca, &format!("{url}/ready")]), "200 2 ");
    assert_eq!(curl(&["--cacert", ca, "--http1.1", "--tlsv1.2", "--tls-max", "1.2", &format!("{url}/ready")]), "200 1.1 ");
    assert!(curl(&[&format!("{url}/ready")]).ends_with("failed"), "nobody trusts it without its root");
    assert!(curl(&["--cacert", ca, "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", &format!("{url}/ready")]).ends_with("failed"));
    let authorization = format!("Authorization: Bearer {key}");
    let body = r#"{"to":["bob@example.org"],"subject":"Hello","body":"Sealed."}"#;
    let sent =
        curl(&["--cacert", ca, "-H", &authorization, "-H", "Content-Type: application/json", "-d", body, &format!("{url}/v1/messages")]);
    assert_eq!(sent, "201 2 ");
    demo.terminate();
    assert_eq!(demo.ended(), 0);
}

/// Configuration with a certificate made by openssl for `mail.test`.
fn configured(dir: &Path, http: SocketAddr, https: SocketAddr) -> String {
    let (chain, key) = (dir.join("chain.pem"), dir.join("key.pem"));
    done(
        Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "30",
                "-subj",
                "/CN=mail.test",
            ])
            .args(["-addext", "subjectAltName=DNS:mail.test", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&chain)
            .stderr(Stdio::null()),
    );
    let (file, data) = (dir.join("countersign.toml"), dir.join("data"));
    let text = format!(
        "data_dir = {data:?}\n[site]\nbase_url = 'https://mail.test:{}'\n[listen]\nhttp = '{http}'\nhttps = '{https}'\n\
         [[tls.files]]\ncertificate = {chain:?}\nkey = {key:?}\n[smtp]\nhost = '127.0.0.1'\nport = 1\ntls = 'none'\n[log]\nformat = 'json'\n",
        https.port()
    );
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Starts `serve` with these sockets handed over as systemd would; it takes connections when this returns.
fn serve(config: &str, sockets: &[&TcpListener]) -> Running {
    for socket in sockets {
        rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::empty()).unwrap();
    }
    // Over high numbers, so that no move lands on a socket that has still to be moved.
    let up = sockets.iter().enumerate().map(|(i, socket)| format!("{}<&{}", 200 + i, socket.as_raw_fd()));
    let down = (0..sockets.len()).map(|i| format!("{}<&{}", 3 + i, 200 + i));
    let moves = up.chain(down).collect::<Vec<_>>().join(" ");
    // $$ stays the same through exec, so LISTEN_PID is the program's.
    let script = format!("exec {moves}; export LISTEN_FDS={} LISTEN_PID=$$; exec {PROGRAM} --config {config} serve", sockets.len());
    let mut command = Command::new("bash");
    command.arg("-c").arg(script).env_clear().env("PATH", "/usr/bin:/bin").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"serving\"") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the server ended: {:?}", child.wait());
    }
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    Running(child)
}

#[test]
fn a_site_with_a_certificate_from_files() {
    let dir = tempfile::tempdir().unwrap();
    let (http, https) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (http_at, https_at) = (http.local_addr().unwrap(), https.local_addr().unwrap());
    let config = configured(dir.path(), http_at, https_at);
    let examined = program(&["--config", &config, "doctor"]).output().unwrap();
    let said = String::from_utf8_lossy(&examined.stderr).into_owned();
    assert!(said.contains("ok     certificates: for mail.test"), "{said}");
    let _server = serve(&config, &[&http, &https]);
    let (chain, port) = (dir.path().join("chain.pem"), https_at.port());
    let (chain, to) = (chain.to_str().unwrap(), format!("mail.test:{port}:127.0.0.1"));
    assert_eq!(curl(&["--cacert", chain, "--resolve", &to, &format!("https://mail.test:{port}/ready")]), "200 2 ");
    let other = ["--cacert", chain, "--resolve", &to, "-H", "Host: other.test", &format!("https://mail.test:{port}/ready")];
    assert!(curl(&other).starts_with("421 "), "{}", curl(&other));
    let plain = format!("http://mail.test:{}/sign-in?a=b", http_at.port());
    let resolved = format!("mail.test:{}:127.0.0.1", http_at.port());
    assert_eq!(curl(&["--resolve", &resolved, &plain]), format!("308 1.1 https://mail.test:{port}/sign-in?a=b"));
    assert_eq!(curl(&["--resolve", &resolved, "-d", "a=b", &plain]), "403 1.1 ");
    for (request, status) in [
        ("GET / HTTP/1.1\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: mail.test\r\nhost: mail.test\r\n", "400"),
        ("GET * HTTP/1.1\r\nhost: mail.test\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: mail.test\r\n", "308"),
    ] {
        let mut stream = TcpStream::connect(http_at).unwrap();
        stream.write_all(format!("{request}connection: close\r\n\r\n").as_bytes()).unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {heard}");
        assert!(status == "308" || !heard.contains("location:"), "{heard}");
    }
}

#[test]
fn a_certificate_that_is_wrong_stops_the_start_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let config = configured(dir.path(), "127.0.0.1:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap());
    std::fs::copy(dir.path().join("chain.pem"), dir.path().join("key.pem")).unwrap();
    let refused = program(&["--config", &config, "serve"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("no private key in it"), "{said}");
}

/// A connection to a listener, TLS or not.
trait Line: Read + Write + Send {}
impl<T: Read + Write + Send> Line for T {}

/// How to reach a listener, and the status that it answers with.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    status: &'static str,
}

impl Target {
    fn connect(&self) -> std::io::Result<Box<dyn Line>> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some(config) => {
                let client = ClientConnection::new(config.clone(), "mail.test".try_into().unwrap()).map_err(std::io::Error::other)?;
                Box::new(StreamOwned::new(client, stream))
            }
        })
    }
}

fn trusting(chain: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_file_iter(chain).unwrap().map(Result::unwrap));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Requests, one a connection and one after the other on a kept one, until told to stop.
fn hammer(target: &Target, stop: &Arc<AtomicBool>, answered: &Arc<AtomicUsize>) -> Vec<std::thread::JoinHandle<Vec<String>>> {
    let one = |keep: bool| {
        let (target, stop, answered) = (target.clone(), stop.clone(), answered.clone());
        std::thread::spawn(move || {
            let mut failed = Vec::new();
            let mut kept: Option<Box<dyn Line>> = None;
            while !stop.load(Ordering::SeqCst) {
                match ask(&target, kept.take(), keep) {
                    Ok(stream) => {
                        answered.fetch_add(1, Ordering::SeqCst);
                        kept = stream;
                    }
                    Err(error) => failed.push(error.to_string()),
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            failed
        })
    };
    (0..4).map(|i| one(i % 2 == 0)).collect()
}

/// One request; the stream if it may be used again.
fn ask(target: &Target, kept: Option<Box<dyn Line>>, keep: bool) -> std::io::Result<Option<Box<dyn Line>>> {
    let mut stream = kept.map_or_else(|| target.connect(), Ok)?;
    let close = if keep { "" } else { "connection: close\r\n" };
    stream.write_all(format!("GET /live HTTP/1.1\r\nhost: mail.test\r\n{close}\r\n").as_bytes())?;
    let (mut heard, mut some) = (String::new(), [0; 512]);
    loop {
        match stream.read(&mut some)? {
            0 => return Err(std::io::Error::other(format!("ended after {heard:?}"))),
            n => heard.push_str(&String::from_utf8_lossy(&some[..n]).to_ascii_lowercase()),
        }
        let Some((head, body)) = heard.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if length.is_some_and(|length| body.len() >= length) {
            assert!(head.starts_with(&format!("http/1.1 {}", target.status)), "{head}");
            return Ok((keep && !head.contains("connection: close")).then_some(stream));
        }
    }
}

#[test]
fn a_restart_with_the_sockets_handed_over_drops_no_request() {
    let dir = tempfile::tempdir().unwrap();
    let (http, https) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let config = configured(dir.path(), http.local_addr().unwrap(), https.local_addr().unwrap());
    let mut server = serve(&config, &[&http, &https]);
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let answered_there = Arc::new(AtomicUsize::new(0));
    let plain = Target { address: http.local_addr().unwrap(), tls: None, status: "308" };
    let tls = Target { address: https.local_addr().unwrap(), tls: Some(trusting(&dir.path().join("chain.pem"))), status: "200" };
    let mut clients = hammer(&plain, &stop, &answered);
    clients.extend(hammer(&tls, &stop, &answered_there));
    for _ in 0..3 {
        let counts = || (answered.load(Ordering::SeqCst), answered_there.load(Ordering::SeqCst));
        let (before, began) = (counts(), Instant::now());
        while counts().0 < before.0 + 50 || counts().1 < before.1 + 50 {
            assert!(began.elapsed() < Duration::from_secs(30), "nobody is answered");
            std::thread::sleep(Duration::from_millis(20));
        }
        server.terminate();
        assert_eq!(server.ended(), 0);
        server = serve(&config, &[&http, &https]);
    }
    std::thread::sleep(Duration::from_millis(300));
    stop.store(true, Ordering::SeqCst);
    let failed: Vec<String> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    assert_eq!(
        failed,
        Vec::<String>::new(),
        "of {} and {} answered",
        answered.load(Ordering::SeqCst),
        answered_there.load(Ordering::SeqCst)
    );
}

#[test]
fn a_socket_that_no_setting_names_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = configured(dir.path(), "127.0.0.1:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap());
    let stray = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::io::fcntl_setfd(&stray, rustix::io::FdFlags::empty()).unwrap();
    let script = format!("exec 3<&{}; export LISTEN_FDS=1 LISTEN_PID=$$; exec {PROGRAM} --config {config} serve", stray.as_raw_fd());
    let ended = Command::new("bash").arg("-c").arg(script).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.code() == Some(2) && said.contains("no setting of listen names"), "{said}");
}
