//! One test's world: a CA, a database, and servers of a small site that get their certificates from it.

use acme::{
    Acme, Budgets, Settings, authorities,
    testing::{Manners, Pebble, Relay},
};
use edge::{Doors, ForwardedBy, Listening, Names, Shared};
use kernel::{Chance, Clock, HostName, Time};
use poem::{Request, Response, endpoint::make};
use std::{
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};
use store::{
    ChallengeKind, Db, Ground, Issued, NameState, WantedBy,
    testing::{TestDatabase, fresh_postgres, fresh_sqlite},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub const PATIENCE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3_600);
pub const DAY: Duration = Duration::from_secs(86_400);

pub struct Town {
    pub pebble: Pebble,
    pub database: TestDatabase,
    /// Stopped at the real time, which the CA goes by.
    pub clock: Clock,
    pub http: Relay,
    pub tls: Relay,
    pub settings: Settings,
}

/// One process.
pub struct Server {
    pub db: Db,
    pub http: SocketAddr,
    pub tls: SocketAddr,
    pub stop: CancellationToken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

impl Town {
    pub async fn new(prefer: ChallengeKind) -> Town {
        Town::with(On::Sqlite, prefer, |_| {}).await
    }
    pub async fn with(on: On, prefer: ChallengeKind, change: impl FnOnce(&mut Manners)) -> Town {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (http, tls) = (Relay::open().await, Relay::open().await);
        let mut manners = Manners::at(http.port, tls.port);
        change(&mut manners);
        let pebble = tokio::task::spawn_blocking(move || Pebble::start(manners)).await.unwrap();
        let database = match on {
            On::Sqlite => fresh_sqlite().await,
            On::Postgres => fresh_postgres().await,
        };
        let settings = Settings {
            directory: pebble.directory.clone(),
            contact: Some("ops@example.org".parse().unwrap()),
            external_account: None,
            authorities: authorities(&std::fs::read(pebble.ca_file()).unwrap()).unwrap(),
            prefer,
            budgets: Budgets { an_hour: 1_000, per_tenant_a_day: 1_000, per_domain_a_week: 1_000 },
            unnamed: None,
        };
        Town { pebble, database, clock: Clock::stopped(Clock::system().now()), http, tls, settings }
    }

    pub async fn open(&self, seed: u64) -> Db {
        let ground = Ground { clock: self.clock.clone(), chance: Chance::seeded(seed), ..self.database.ground(seed) };
        Db::open(&self.database.database, ground).await.unwrap()
    }
    /// Certificates for `names`, as if a CA had issued them.
    pub async fn plant(&self, db: &Db, names: &[String]) {
        let (certificates, now) = (db.certificates(), self.clock.now());
        for name in names {
            certificates.want(&host(name), WantedBy::Operator).await.unwrap();
        }
        for order in certificates.take_due(names.len() as u64, HOUR).await.unwrap() {
            let made = rcgen::generate_simple_self_signed([order.name.to_string()]).unwrap();
            let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
            let (not_after, renew_at) = (now.plus_days(90), now.plus_days(60));
            let issued = Issued { chain: &chain, key: &key, not_before: now, not_after, renew_at };
            assert!(certificates.issued(&order, &issued).await.unwrap());
        }
    }
    /// Starts a server of the site; the CA's questions reach it too from now on.
    pub async fn serve(&self, seed: u64) -> Server {
        let db = self.open(seed).await;
        let names = Names::new().unwrap();
        let acme = Acme::new(db.clone(), self.settings.clone(), names.clone()).unwrap();
        let (plain, listener) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (http, tls) = (plain.local_addr().unwrap(), listener.local_addr().unwrap());
        let listening = Listening { listener, names, challenges: Some(acme.challenges()) };
        let stop = CancellationToken::new();
        let doors = Doors { plain: Some(plain), tls: Some(listening) };
        acme.start(&[], stop.clone()).await.unwrap();
        tokio::spawn(doors.serve(make(hello), settings(), Shared::default(), stop.clone()));
        self.http.to(http);
        self.tls.to(tls);
        Server { db, http, tls, stop }
    }
}

impl Server {
    pub async fn want(&self, names: &[&str]) {
        for name in names {
            self.db.certificates().want(&host(name), WantedBy::Site).await.unwrap();
        }
    }
    pub async fn state(&self, name: &str) -> NameState {
        self.db.certificates().state(&host(name)).await.unwrap().unwrap()
    }
    /// Waits until the name has a certificate, another than the one that ended at `before`.
    pub async fn live(&self, name: &str) -> Time {
        wait_for(name, async || self.state(name).await.live_until).await
    }
    /// Waits until the name's order came to nothing, for the `tries`th time.
    pub async fn failed(&self, name: &str, tries: u32) -> NameState {
        wait_for(name, async || Some(self.state(name).await).filter(|s| s.trouble.as_ref().is_some_and(|t| t.tries >= tries))).await
    }
    /// Waits until somebody who trusts the CA alone sees the site at this name.
    pub async fn seen(&self, pebble: &Pebble, name: &str) {
        wait_for(name, async || (self.curl(pebble, name) == "hello").then_some(())).await;
    }
    /// What curl reads at the name, or nothing.
    pub fn curl(&self, pebble: &Pebble, name: &str) -> String {
        let port = self.tls.port();
        let mut command = Command::new("curl");
        command.args(["-s", "--max-time", "20", "--cacert"]).arg(pebble.root_file());
        command.arg("--resolve").arg(format!("{name}:{port}:127.0.0.1")).arg(format!("https://{name}:{port}/"));
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn host(name: &str) -> HostName {
    HostName::parse(name).unwrap()
}

pub async fn wait_for<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: it did not happen within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn hello(_: Request) -> poem::Result<Response> {
    Ok(Response::builder().body("hello"))
}

fn settings() -> edge::Settings {
    edge::Settings {
        trusted_proxies: Vec::new(),
        forwarded_by: ForwardedBy::XForwardedFor,
        proxy_protocol: Vec::new(),
        max_connections: 1_000,
        max_connections_per_address: 1_000,
        drain_notice: Duration::ZERO,
        drain: Duration::from_secs(5),
        https_port: None,
        body_limit: |_| 1 << 20,
    }
}
