//! What 10,000 tenants' domains in the database cost a start and a handshake, beside none: two real servers on real databases, started
//! in turns. `start_up PROGRAM [postgres]`; the program is a release build of `countersign`.
//!
//! The server's CPU is counted as well, so that a slow client (this program need not be a release build) hides nothing.
//!
//! What would surprise you: nobody waits for all names at a start. The site's own come first, and then the doors open; a handshake for
//! a tenant's name that is not there yet waits for the loading to end, so three times are measured: until the site answers, until the
//! first asked of the tenants' names does, and how long handshakes take once all is loaded.

use countersign::{App, Config, Outside};
use kernel::HostName;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, RootCertStore, client::Resumption, pki_types::ServerName};
use std::{
    error::Error,
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use store::{Database, Db, Issued, WantedBy, testing::Postgres};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const NAMES: usize = 10_000;
const SITE: &str = "mail.example.test";
const ROUNDS: usize = 7;
const HANDSHAKES: usize = 500;
const START: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(600);
/// Acts at one time while names are planted, so that they share commits.
const AT_ONCE: usize = 200;

/// One server's database and directory, with so many tenants' names in it.
struct Place {
    dir: tempfile::TempDir,
    names: usize,
    database: String,
    client: TlsConnector,
}

/// What one start showed, in milliseconds; `cpu` is the server's own for one handshake.
struct Seen {
    site: f64,
    tenant: Option<f64>,
    handshake: f64,
    cpu: f64,
}

type Figure = fn(&Seen) -> f64;

fn main() -> Outcome<()> {
    countersign::install_cryptography();
    let mut arguments = std::env::args().skip(1);
    let program = PathBuf::from(arguments.next().ok_or("start_up PROGRAM [postgres]")?);
    let postgres = arguments.next().is_some_and(|word| word == "postgres");
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(&program, postgres))
}

async fn measure(program: &Path, postgres: bool) -> Outcome<()> {
    let (none, full) = (Place::with(0, postgres).await?, Place::with(NAMES, postgres).await?);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (a, b) = (none.start(program).await?, full.start(program).await?);
        // The first round warms the page cache.
        if round > 0 {
            without.push(a);
            with.push(b);
        }
    }
    let figures: [(&str, Figure); 3] =
        [("until the site answers", |s| s.site), ("a handshake", |s| s.handshake), ("the server's CPU for it", |s| s.cpu)];
    for (what, figure) in figures {
        let ratio = median(with.iter().zip(&without).map(|(b, a)| figure(b) / figure(a)));
        let [b, a] = [&with, &without].map(|seen| median(seen.iter().map(figure)));
        println!("{what}: {b:.3} ms with {NAMES} names, {a:.3} ms with none, ratio {ratio:.3}");
    }
    println!("until a tenant's name answers: {:.0} ms", median(with.iter().filter_map(|s| s.tenant)));
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn tenant(n: usize) -> String {
    format!("post.tenant-{n}.test")
}

impl Place {
    async fn with(names: usize, postgres: bool) -> Outcome<Place> {
        let dir = tempfile::Builder::new().prefix("countersign-start-up").tempdir()?;
        let database = if postgres { Postgres::start().fresh_database().await } else { String::new() };
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key)?;
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone())?;
        let mut client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        client.resumption = Resumption::disabled();
        let place = Place { dir, names, database, client: TlsConnector::from(Arc::new(client)) };
        place.plant(&Issuer::new(params, key)).await?;
        Ok(place)
    }

    fn settings(&self, port: u16) -> String {
        format!(
            "data_dir = \"{}\"\nsite = {{ base_url = \"https://{SITE}:{port}\", mail_from = \"post@{SITE}\" }}\n\
             listen = {{ http = \"127.0.0.1:0\", https = \"127.0.0.1:{port}\", drain_seconds = 1 }}\ndatabase = {{ url = \"{}\" }}\n\
             worker = {{ in_serve = false }}\ntls = {{ certificates = \"acme\" }}\n\
             acme = {{ directory = \"https://127.0.0.1:9/\", terms_agreed = true }}\n",
            self.dir.path().display(),
            self.database
        )
    }

    /// Certificates for the site and the tenants, as if a CA had issued them.
    async fn plant(&self, ca: &Issuer<'_, KeyPair>) -> Outcome<()> {
        let config = Config::parse(&self.settings(443))?;
        Db::migrate(&Database::parse(&config.database_url())?).await?;
        let app = App::build(&config, Outside::real(&config)?).await?;
        let (certificates, key) = (app.db.certificates(), KeyPair::generate()?);
        let names: Vec<String> = std::iter::once(SITE.to_owned()).chain((0..self.names).map(tenant)).collect();
        for some in names.chunks(AT_ONCE) {
            let hosts: Vec<HostName> = some.iter().map(|name| HostName::parse(name)).collect::<Result<_, _>>()?;
            futures_util::future::try_join_all(hosts.iter().map(|host| {
                let by = if host.as_str() == SITE { WantedBy::Site } else { WantedBy::Operator };
                certificates.want(host, by)
            }))
            .await?;
            let orders = certificates.take_due(AT_ONCE as u64, LEASE).await?;
            let chains: Vec<String> = orders
                .iter()
                .map(|order| Ok(CertificateParams::new(vec![order.name.to_string()])?.signed_by(&key, ca)?.pem()))
                .collect::<Outcome<_>>()?;
            let (now, key) = (app.db.clock().now(), key.serialize_pem());
            let issued: Vec<Issued> = chains
                .iter()
                .map(|chain| Issued { chain, key: &key, not_before: now, not_after: now.plus_days(90), renew_at: now.plus_days(60) })
                .collect();
            futures_util::future::try_join_all(orders.iter().zip(&issued).map(|(order, issued)| certificates.issued(order, issued)))
                .await?;
        }
        app.db.close().await;
        Ok(())
    }

    async fn start(&self, program: &Path) -> Outcome<Seen> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let (config, log) = (self.dir.path().join("site.toml"), File::create(self.dir.path().join("log"))?);
        fs::write(&config, self.settings(address.port()))?;
        let mut command = Command::new(program);
        command.args(["--config".as_ref(), config.as_os_str(), "serve".as_ref()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let began = Instant::now();
        let server = Running(command.spawn()?);
        let since = |began: Instant| began.elapsed().as_secs_f64() * 1_000.0;
        self.until_answered(address, SITE).await?;
        let site = since(began);
        let mut tenant = None;
        if self.names > 0 {
            self.until_answered(address, &self::tenant(self.names - 1)).await?;
            tenant = Some(since(began));
        }
        let (mut took, before) = (Vec::with_capacity(HANDSHAKES), server.cpu()?);
        for n in 0..HANDSHAKES {
            let name = if self.names > 0 { self::tenant(n * 7 % self.names) } else { SITE.to_owned() };
            let began = Instant::now();
            self.shake(address, &name).await?;
            took.push(since(began));
        }
        let cpu = (server.cpu()? - before) / HANDSHAKES as f64;
        Ok(Seen { site, tenant, handshake: median(took.into_iter()), cpu })
    }

    async fn shake(&self, address: SocketAddr, name: &str) -> Outcome<tokio_rustls::client::TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(self.client.connect(ServerName::try_from(name.to_owned())?, stream).await?)
    }

    /// From the first connection that is let in, to an answer of the site's.
    async fn until_answered(&self, address: SocketAddr, name: &str) -> Outcome<()> {
        let until = Instant::now() + START;
        loop {
            match self.shake(address, name).await {
                Ok(mut stream) => {
                    let port = address.port();
                    stream.write_all(format!("GET /live HTTP/1.1\r\nhost: {name}:{port}\r\nconnection: close\r\n\r\n").as_bytes()).await?;
                    let mut heard = Vec::new();
                    let _ = stream.read_to_end(&mut heard).await;
                    return if heard.starts_with(b"HTTP/1.1 ") { Ok(()) } else { Err("no answer".into()) };
                }
                Err(error) if Instant::now() > until => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }
}

struct Running(Child);

impl Running {
    /// What all of its threads have run so far, in milliseconds (`/proc/PID/task/*/schedstat` begins with nanoseconds).
    fn cpu(&self) -> Outcome<f64> {
        let mut all = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let stat = fs::read_to_string(task?.path().join("schedstat"))?;
            all += stat.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e6;
        }
        Ok(all)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
