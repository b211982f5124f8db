//! How fast and how heavy the acceptor is beside a bare tokio-rustls and hyper server, and beside one with poem:
//! `cargo run --release -p edge --example speed`.
//!
//! Servers are processes of their own and are loaded in turns (edge, bare, edge, bare …); what counts is the median of the ratios.

use bytes::Bytes;
use edge::{Doors, ForwardedBy, Listening, Names, Settings, Shared};
use http_body_util::{Full, combinators::BoxBody};
use hyper::{Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use poem::{
    Addr, Endpoint,
    endpoint::make_sync,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use std::{
    convert::Infallible,
    error::Error,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const CLIENTS: usize = 16;
const ROUND: Duration = Duration::from_secs(4);
const ROUNDS: usize = 5;
const IDLE: usize = 10_000;
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn main() -> Outcome<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match words.as_slice() {
        ["serve", kind, names, dir] => runtime.block_on(serve(kind, names.parse()?, Path::new(dir))),
        _ => runtime.block_on(measure()),
    }
}

async fn serve(kind: &str, names: usize, dir: &Path) -> Outcome<()> {
    let began = Instant::now();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (chain, key) = (dir.join("leaf.pem"), dir.join("leaf.key"));
    if kind != "edge" {
        println!("{address} {}", began.elapsed().as_micros());
        return bare(listener, &chain, &key, kind == "poem").await;
    }
    let file = edge::CertificateFile { certificate: chain, key };
    let table = Names::new()?;
    table.put(&file.read()?, true);
    let mut other = file.read()?;
    let began = Instant::now();
    for i in 0..names {
        other.names = vec![format!("tenant-{i}.test")];
        table.put(&other, false);
    }
    println!("{address} {}", began.elapsed().as_micros());
    let settings = Settings {
        trusted_proxies: Vec::new(),
        forwarded_by: ForwardedBy::XForwardedFor,
        proxy_protocol: Vec::new(),
        max_connections: 60_000,
        max_connections_per_address: 60_000,
        drain_notice: Duration::ZERO,
        drain: Duration::ZERO,
        https_port: None,
        body_limit: |_| 1 << 20,
    };
    let doors = Doors { plain: None, tls: Some(Listening { listener, names: table, challenges: None }) };
    Ok(doors.serve(make_sync(|_| poem::Response::builder().body("hello")), settings, Shared::default(), CancellationToken::new()).await?)
}

/// What anybody would write in twenty lines; `poem`: with the framework that the site is written for.
async fn bare(listener: TcpListener, chain: &Path, key: &Path, poem: bool) -> Outcome<()> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(chain)?.collect::<Result<_, _>>()?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let server = hyper::server::conn::http1::Builder::new();
            let io = TokioIo::new(stream);
            let _ = match poem {
                false => server.serve_connection(io, service_fn(async |_| Ok::<_, Infallible>(plain_hello()))).await,
                true => server.serve_connection(io, service_fn(async |req| Ok::<_, Infallible>(poem_hello(req).await))).await,
            };
        });
    }
}

fn plain_hello() -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from_static(b"hello")))
}

async fn poem_hello(req: hyper::Request<Incoming>) -> Response<BoxBody<Bytes, std::io::Error>> {
    let nobody = || Addr::Custom("bench", "".into());
    let req = poem::Request::from((req, LocalAddr(nobody()), RemoteAddr(nobody()), Scheme::HTTPS));
    make_sync(|_| poem::Response::builder().body("hello")).get_response(req).await.into()
}

/// One server process.
struct Server {
    child: Child,
    address: SocketAddr,
    /// To fill the table of names, in microseconds.
    filled: u64,
    client: TlsConnector,
}

impl Server {
    fn start(kind: &str, names: usize, dir: &Path) -> Outcome<Server> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(["serve", kind, &names.to_string()]).arg(dir).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let (address, filled) = line.trim().split_once(' ').ok_or("no address")?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(dir.join("leaf.pem"))?)?;
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Server { child, address: address.parse()?, filled: filled.parse()?, client: TlsConnector::from(Arc::new(config)) })
    }
    async fn connect(&self) -> Outcome<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        Ok(self.client.connect(ServerName::try_from("localhost")?, tcp).await?)
    }
    /// User and system time of the process, in clock ticks (proc_pid_stat(5), fields 14 and 15).
    fn ticks(&self) -> Outcome<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
    }
    fn pss_kib(&self) -> Outcome<u64> {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = rollup.lines().find(|line| line.starts_with("Pss:")).ok_or("no Pss")?;
        Ok(line.split_whitespace().nth(1).ok_or("no figure")?.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> Outcome<()> {
    stream.write_all(REQUEST).await?;
    let mut heard = Vec::with_capacity(512);
    while !heard.ends_with(b"hello") {
        let mut some = [0; 512];
        match stream.read(&mut some).await? {
            0 => return Err("ended early".into()),
            n => heard.extend(&some[..n]),
        }
    }
    Ok(())
}

/// Requests a second and microseconds of server CPU a request.
async fn load(server: &Arc<Server>, keep: bool) -> Outcome<(f64, f64)> {
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (ticks, began) = (server.ticks()?, Instant::now());
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(one(server.clone(), keep, stop.clone(), count.clone()))).collect();
    tokio::time::sleep(ROUND).await;
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.await??;
    }
    let (count, ticks) = (count.load(Ordering::SeqCst) as f64, (server.ticks()? - ticks) as f64);
    Ok((count / began.elapsed().as_secs_f64(), ticks * 10_000.0 / count))
}

async fn one(server: Arc<Server>, keep: bool, stop: Arc<AtomicBool>, count: Arc<AtomicU64>) -> Outcome<()> {
    let mut stream = server.connect().await?;
    while !stop.load(Ordering::Relaxed) {
        if !keep {
            stream = server.connect().await?;
        }
        ask(&mut stream).await?;
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn measure() -> Outcome<()> {
    let dir = std::env::temp_dir().join(format!("edge-speed-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let key = rcgen::KeyPair::generate()?;
    std::fs::write(dir.join("leaf.pem"), rcgen::CertificateParams::new(vec!["localhost".to_owned()])?.self_signed(&key)?.pem())?;
    std::fs::write(dir.join("leaf.key"), key.serialize_pem())?;
    let (ours, bare) = (Arc::new(Server::start("edge", 0, &dir)?), Arc::new(Server::start("bare", 0, &dir)?));
    for (what, keep) in [("new TLS connection and request", false), ("keep-alive request", true)] {
        compare(what, keep, &ours, &bare).await?;
    }
    let poem = Arc::new(Server::start("poem", 0, &dir)?);
    compare("keep-alive request, against hyper with poem", true, &ours, &poem).await?;
    let full = Arc::new(Server::start("edge", 10_000, &dir)?);
    println!("a table of 10,000 names was filled in {} ms", full.filled / 1_000);
    compare("new TLS connection, 10,000 names against none", false, &full, &ours).await?;
    idle(&ours).await?;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

async fn compare(what: &str, keep: bool, a: &Arc<Server>, b: &Arc<Server>) -> Outcome<()> {
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let ((ra, ca), (rb, cb)) = (load(a, keep).await?, load(b, keep).await?);
        // The first round warms both up.
        if round > 0 {
            println!("  {what}: {ra:.0}/s {ca:.1} µs CPU; {rb:.0}/s {cb:.1} µs CPU");
            rates.push(ra / rb);
            costs.push(ca / cb);
        }
    }
    println!("{what}: rate {:.3}, server CPU {:.3}", median(rates), median(costs));
    std::io::stdout().flush()?;
    Ok(())
}

/// Memory of connections that asked once and are kept.
async fn idle(server: &Server) -> Outcome<()> {
    let before = server.pss_kib()?;
    let mut held = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        let mut stream = server.connect().await?;
        ask(&mut stream).await?;
        held.push(stream);
    }
    println!("{} idle connections: {} MiB", held.len(), (server.pss_kib()? - before) / 1_024);
    Ok(())
}
