//! What hostile connections cost everybody else, here and on stock `poem::Server` over the same TLS:
//! `cargo run --release -p edge --example hostile`.
//!
//! Server and attackers are processes of their own, the attackers' the least urgent one (nice 19), since in life their work is done on
//! other machines. One honest client asks every few milliseconds, first alone and then beside the attack. What counts is the ratio of its
//! p99, and how long an attacking connection stood. Attackers arrive over three seconds, and come back when they are hung up on.

#[path = "../tests/edge/frames.rs"]
#[allow(dead_code)] // some kinds are for the tests
mod frames;

use edge::{Doors, ForwardedBy, Listening, Names, Settings, Shared};
use frames::{CONTINUATION, END_HEADERS, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, frame, head};
use poem::{
    Server,
    endpoint::make_sync,
    http::uri::Scheme,
    listener::Acceptor,
    web::{LocalAddr, RemoteAddr},
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use std::{
    error::Error,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream, server};
use tokio_util::sync::CancellationToken;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const ALONE: Duration = Duration::from_secs(4);
const BESIDE: Duration = Duration::from_secs(17);
const ARRIVING: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(4);
const MANY: usize = 500;
const FEW: usize = 4;

#[derive(Clone, Copy)]
enum Attack {
    /// TLS, and then silence.
    Idle,
    /// A byte of an HTTP/1.1 head every second.
    Drip,
    /// The same frames over and over, 16 KiB every 5 ms a connection.
    Frames(fn(u32) -> Vec<u8>),
}

const ATTACKS: [(&str, usize, Attack); 6] = [
    ("idle", MANY, Attack::Idle),
    ("slow drip", MANY, Attack::Drip),
    ("PING flood", FEW, Attack::Frames(|_| frame(PING, 0, 0, &[7; 8]))),
    ("SETTINGS flood", FEW, Attack::Frames(|_| frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]))),
    (
        "rapid reset",
        FEW,
        Attack::Frames(|n| {
            [frame(HEADERS, END_HEADERS | 1, 1 + 2 * n, &head("/")), frame(RST_STREAM, 0, 1 + 2 * n, &[0, 0, 0, 8])].concat()
        }),
    ),
    (
        "CONTINUATION flood",
        FEW,
        Attack::Frames(|n| if n == 0 { frame(HEADERS, 0, 1, &head("/")) } else { frame(CONTINUATION, 0, 1, &[0x40, 1, b'a', 1, b'b']) }),
    ),
];

fn main() -> Outcome<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", kind, dir] => runtime.block_on(serve(kind, Path::new(dir))),
        ["attack", which, address, dir] => {
            let roots = roots(Path::new(dir))?;
            runtime.block_on(attack(ATTACKS[which.parse::<usize>()?], Target { address: address.parse()?, roots }))
        }
        _ => runtime.block_on(measure()),
    }
}

async fn serve(kind: &str, dir: &Path) -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let (certificate, key) = (dir.join("leaf.pem"), dir.join("leaf.key"));
    let site = make_sync(|_| poem::Response::builder().body("hello"));
    if kind == "poem" {
        return Ok(Server::new_with_acceptor(Stock::open(listener, &certificate, &key)?).run(site).await?);
    }
    let names = Names::new()?;
    names.put(&edge::CertificateFile { certificate, key }.read()?, true);
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
    let doors = Doors { plain: None, tls: Some(Listening { listener, names, challenges: None }) };
    Ok(doors.serve(site, settings, Shared::default(), CancellationToken::new()).await?)
}

/// TLS for poem's own server, each handshake in a task of its own.
struct Stock(mpsc::Receiver<(server::TlsStream<TcpStream>, SocketAddr)>);

impl Stock {
    fn open(listener: TcpListener, chain: &Path, key: &Path) -> Outcome<Stock> {
        let chain: Vec<_> = CertificateDer::pem_file_iter(chain)?.collect::<Result<_, _>>()?;
        let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let (acceptor, (give, take)) = (TlsAcceptor::from(Arc::new(config)), mpsc::channel(64));
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let (acceptor, give) = (acceptor.clone(), give.clone());
                let _ = stream.set_nodelay(true);
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = give.send((stream, peer)).await;
                    }
                });
            }
        });
        Ok(Stock(take))
    }
}

impl Acceptor for Stock {
    type Io = server::TlsStream<TcpStream>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        Vec::new()
    }
    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, peer) = self.0.recv().await.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok((stream, LocalAddr(poem::Addr::SocketAddr(peer)), RemoteAddr(poem::Addr::SocketAddr(peer)), Scheme::HTTPS))
    }
}

/// Where a server listens, and who vouches for it.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    roots: Arc<RootCertStore>,
}

fn roots(dir: &Path) -> Outcome<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("leaf.pem"))?)?;
    Ok(Arc::new(roots))
}

impl Target {
    async fn connect(&self, alpn: &str) -> Outcome<TlsStream<TcpStream>> {
        let mut config = ClientConfig::builder().with_root_certificates(self.roots.clone()).with_no_client_auth();
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        Ok(TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("site.test")?, tcp).await?)
    }
}

/// One server process.
struct Site {
    child: Child,
    target: Target,
}

impl Site {
    fn start(kind: &str, dir: &Path) -> Outcome<Site> {
        let mut child = Command::new(std::env::current_exe()?).args(["serve", kind]).arg(dir).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Site { child, target: Target { address: line.trim().parse()?, roots: roots(dir)? } })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn measure() -> Outcome<()> {
    let dir = std::env::temp_dir().join(format!("edge-hostile-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let key = rcgen::KeyPair::generate()?;
    std::fs::write(dir.join("leaf.pem"), rcgen::CertificateParams::new(vec!["site.test".to_owned()])?.self_signed(&key)?.pem())?;
    std::fs::write(dir.join("leaf.key"), key.serialize_pem())?;
    for (which, (what, how_many, _)) in ATTACKS.iter().enumerate() {
        for kind in ["poem", "edge"] {
            let site = Site::start(kind, &dir)?;
            let alone = p99(&site.target, ALONE).await?;
            let mut attackers = Command::new("nice");
            attackers.args(["-n", "19"]).arg(std::env::current_exe()?).args(["attack", &which.to_string()]);
            let attackers = attackers.arg(site.target.address.to_string()).arg(&dir).stdout(Stdio::piped()).spawn()?;
            let beside = p99(&site.target, BESIDE).await?;
            let said = String::from_utf8(attackers.wait_with_output()?.stdout)?;
            let (ratio, said) = (beside.div_duration_f64(alone), said.trim());
            println!("{what} × {how_many}, {kind}: p99 {alone:.0?} alone, {beside:.0?} beside it ({ratio:.2}×); {said}");
        }
    }
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

/// All attackers of one kind, until the time is over; then it says how long those stood that were hung up on.
async fn attack((_, how_many, attack): (&str, usize, Attack), target: Target) -> Outcome<()> {
    let stood = Arc::new(Mutex::new(Vec::new()));
    for n in 0..how_many {
        let (target, stood) = (target.clone(), stood.clone());
        let arriving = ARRIVING.mul_f64(n as f64 / how_many as f64);
        tokio::spawn(async move {
            tokio::time::sleep(arriving).await;
            attacker(target, attack, stood).await;
        });
    }
    tokio::time::sleep(BESIDE).await;
    let stood = stood.lock().map_err(|_| "an attacker panicked")?;
    match stood.iter().max() {
        None => println!("none was hung up on"),
        Some(longest) => println!("{} were hung up on, none stood longer than {longest:.1?}", stood.len()),
    }
    Ok(())
}

/// Of one honest client on one kept connection, for so long.
async fn p99(site: &Target, during: Duration) -> Outcome<Duration> {
    let (mut stream, began, mut took) = (site.connect("http/1.1").await?, Instant::now(), Vec::new());
    while began.elapsed() < during {
        let asked = Instant::now();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: site.test\r\n\r\n").await?;
        let mut heard = Vec::new();
        while !heard.ends_with(b"hello") {
            let mut some = [0; 512];
            match stream.read(&mut some).await? {
                0 => return Err("the honest client was hung up on".into()),
                n => heard.extend(&some[..n]),
            }
        }
        took.push(asked.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    took.sort();
    Ok(took[took.len() * 99 / 100])
}

/// One attacking place: it comes back whenever it is hung up on.
async fn attacker(site: Target, attack: Attack, stood: Arc<Mutex<Vec<Duration>>>) {
    loop {
        if let Ok(began) = attack_once(&site, attack).await
            && let Ok(mut all) = stood.lock()
        {
            all.push(began.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// When the connection stood, after it was ended.
async fn attack_once(site: &Target, attack: Attack) -> Outcome<Instant> {
    let alpn = if matches!(attack, Attack::Frames(_)) { "h2" } else { "http/1.1" };
    let (mut reader, mut writer) = tokio::io::split(site.connect(alpn).await?);
    let began = Instant::now();
    let attacking = async {
        match attack {
            Attack::Idle => std::future::pending().await,
            Attack::Drip => drip(&mut writer).await,
            Attack::Frames(more) => flood(&mut writer, more).await,
        }
    };
    let reading = async {
        let mut some = [0; 16_384];
        while reader.read(&mut some).await.is_ok_and(|n| n > 0) {}
    };
    tokio::select! { _ = attacking => {}, () = reading => {} }
    Ok(began)
}

async fn drip(writer: &mut (impl AsyncWriteExt + Unpin)) -> io::Result<()> {
    for byte in b"GET / HTTP/1.1\r\nhost: site.test\r\nx-slow: ".iter().chain(std::iter::repeat(&b'a')) {
        writer.write_all(&[*byte]).await?;
        writer.flush().await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

async fn flood(writer: &mut (impl AsyncWriteExt + Unpin), more: fn(u32) -> Vec<u8>) -> io::Result<()> {
    writer.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await?;
    let mut n = 0;
    loop {
        let mut piece = Vec::new();
        while piece.len() < 16_384 {
            piece.extend(more(n));
            n += 1;
        }
        writer.write_all(&piece).await?;
        writer.flush().await?;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
