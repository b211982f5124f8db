//! Two resolvers that say what the test tells them, a database, two tenants with an owner each.

use domains::{Dns, DomainView, Domains};
use kernel::{EmailAddress, Fault, HostName, JobEnd, MemberId, Site};
use keys::Token;
use mail::{CapturedMail, Mailer};
use quota::Limits;
use std::{
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use store::{
    Caller, ClaimedJob, Db, Origin, TenantTx,
    entity::{allowance, chain, member, session},
    sea_orm::Set,
    testing::{TestDatabase, free_port, fresh_postgres, fresh_sqlite},
};

pub const DAY: Duration = Duration::from_secs(86_400);
/// Where the site is.
pub const HERE: &str = "192.0.2.1";

/// Limits that nothing meets.
const UNLIMITED: Limits = Limits {
    sends: None,
    recipients: None,
    message_bytes: None,
    stored_bytes: None,
    life_days: None,
    api_per_minute: None,
    own_domains: None,
};

pub struct Town {
    pub domains: Domains,
    pub a: Caller,
    pub b: Caller,
    pub resolvers: [Resolver; 2],
    pub letters: Arc<CapturedMail>,
    _under: TestDatabase,
}

/// One DNS server; gone with the test.
pub struct Resolver {
    pub address: SocketAddr,
    management: SocketAddr,
    child: Child,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

#[macro_export]
macro_rules! on_both {
    ($(async fn $name:ident($town:ident) $body:block)*) => { $(
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            async fn run(on: $crate::domains::town::On) {
                #[allow(unused_mut)]
                let mut $town = $crate::domains::town::Town::found(on).await;
                $body
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                run($crate::domains::town::On::Sqlite).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                run($crate::domains::town::On::Postgres).await;
            }
        }
    )* };
}

impl Town {
    pub async fn found(on: On) -> Town {
        let under = match on {
            On::Sqlite => fresh_sqlite().await,
            On::Postgres => fresh_postgres().await,
        };
        let db = under.open(1).await.unwrap();
        let (a, b) = (owner(&db, "Acme").await, owner(&db, "Bolt").await);
        let resolvers = [Resolver::start(), Resolver::start()];
        let dns = Dns::new(&[resolvers[0].address, resolvers[1].address]).unwrap();
        let ours = HostName::parse("mail.countersign.example").unwrap();
        let site = Site::new("https://mail.countersign.example", EmailAddress::parse("post@countersign.example").unwrap());
        let town = Town {
            domains: Domains { db, dns, site, ours, orders: true, ca: "letsencrypt.org".into() },
            a,
            b,
            resolvers,
            letters: Arc::new(CapturedMail::new(100)),
            _under: under,
        };
        town.say("add-a", r#"{"host":"mail.countersign.example.","addresses":["192.0.2.1","192.0.2.2"]}"#);
        town
    }
    /// Tells both resolvers.
    pub fn say(&self, what: &str, json: &str) {
        self.resolvers.iter().for_each(|resolver| resolver.say(what, json));
    }
    pub fn proves(&self, view: &DomainView) {
        self.resolvers.iter().for_each(|resolver| resolver.proves(view));
    }
    pub fn leads_to(&self, name: &str, address: &str) {
        self.say("clear-a", &format!(r#"{{"host":"{name}."}}"#));
        self.say("add-a", &format!(r#"{{"host":"{name}.","addresses":["{address}"]}}"#));
    }
    /// Runs the jobs that are due.
    pub async fn work(&self) {
        loop {
            let jobs = self.domains.db.jobs().claim(10, Duration::from_secs(60)).await.unwrap();
            if jobs.is_empty() {
                return;
            }
            for job in jobs {
                match self.run(&job).await {
                    JobEnd::Written => {}
                    JobEnd::Done => assert!(self.domains.db.jobs().done(&job).await.unwrap()),
                    other => panic!("{} ended as {other:?}", job.kind),
                }
            }
        }
    }
    pub async fn run(&self, job: &ClaimedJob) -> JobEnd {
        self.domains.run_job(&Mailer::Mailbox(self.letters.clone()), job).await
    }
    /// Subjects and texts of what was mailed since the last time.
    pub fn told(&self) -> Vec<(String, String)> {
        let letters = self.letters.letters();
        self.letters.clear();
        letters.into_iter().map(|letter| (letter.subject, letter.text)).collect()
    }
    pub async fn view(&self, of: &DomainView, who: &Caller) -> DomainView {
        self.domains.get(who, of.id).await.unwrap().unwrap()
    }
    /// The view after the jobs that are due `later`.
    pub async fn after(&self, later: Duration, of: &DomainView) -> DomainView {
        self.domains.db.clock().advance(later);
        self.work().await;
        self.view(of, &self.a).await
    }
    /// The first tenant's plan has so many domains from now on.
    pub async fn allow(&self, own_domains: i64) {
        let set =
            async |tx: &mut TenantTx| tx.update::<allowance::Entity>().set(allowance::Column::OwnDomainsLimit, own_domains).exec().await;
        assert_eq!(self.domains.db.act::<_, Fault, _>(&self.a, set).await.unwrap(), 1);
    }
    /// The first tenant's owner has not followed the link in the mail.
    pub async fn nobody_is_proven(&self) {
        let set = async |tx: &mut TenantTx| tx.update::<member::Entity>().set(member::Column::EmailProvenAt, None::<i64>).exec().await;
        assert_eq!(self.domains.db.act::<_, Fault, _>(&self.a, set).await.unwrap(), 1);
    }
    /// As if the CA had certified it.
    pub async fn certified(&self) {
        self.certified_for(400, 400).await;
    }
    /// As if the CA had certified it for so many days, and refused to do it again, in these words.
    pub async fn certified_once(&self, days: i64, said: &str) {
        self.certified_for(days, 0).await;
        let certificates = self.domains.db.certificates();
        for order in certificates.take_due(10, Duration::from_secs(60)).await.unwrap() {
            let later = self.domains.db.clock().now().plus_days(400);
            assert!(certificates.failed(&order, said, later, true).await.unwrap());
        }
    }
    async fn certified_for(&self, days: i64, renewed_after: i64) {
        let certificates = self.domains.db.certificates();
        for order in certificates.take_due(10, Duration::from_secs(60)).await.unwrap() {
            let now = self.domains.db.clock().now();
            let (not_after, renew_at) = (now.plus_days(days), now.plus_days(renewed_after));
            let issued = store::Issued { chain: "CHAIN", key: "KEY", not_before: now, not_after, renew_at };
            assert!(certificates.issued(&order, &issued).await.unwrap());
        }
    }
}

impl Resolver {
    pub fn start() -> Resolver {
        for _ in 0..5 {
            let [address, management] = [(); 2].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
            let mut command = Command::new("pebble-challtestsrv");
            command.args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "", "-defaultIPv6", ""]);
            command.arg("-dns01").arg(address.to_string()).arg("-management").arg(management.to_string());
            let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("pebble is installed");
            let mut resolver = Resolver { address, management, child };
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(20) && resolver.child.try_wait().unwrap().is_none() {
                if TcpStream::connect(address).is_ok() && TcpStream::connect(management).is_ok() {
                    return resolver;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("pebble-challtestsrv does not start");
    }
    pub fn say(&self, what: &str, json: &str) {
        let address = format!("http://{}/{what}", self.management);
        let status = Command::new("curl").args(["-sf", "--max-time", "10", "-d", json, &address]).stdout(Stdio::null()).status();
        assert!(status.unwrap().success(), "{what} {json}");
    }
    pub fn proves(&self, view: &DomainView) {
        self.say("set-txt", &format!(r#"{{"host":"{}.","value":"{}"}}"#, view.record.name, view.record.value));
    }
    pub fn forgets(&self, view: &DomainView) {
        self.say("clear-txt", &format!(r#"{{"host":"{}."}}"#, view.record.name));
    }
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A tenant's owner, signed in.
async fn owner(db: &Db, name: &str) -> Caller {
    let token = Token::random(db.chance());
    let desk = db.front_desk();
    let founding = desk.found(name, "server", Origin::default(), async |tx: &mut TenantTx| {
        let id = MemberId::new(tx.now(), tx.chance());
        quota::open_allowance(tx, &UNLIMITED).await?;
        tx.insert(chain::ActiveModel { seq: Set(0), head: Set(vec![0; 32]), ..Default::default() }).await?;
        tx.insert(member::ActiveModel {
            id: Set(id.0),
            email: Set("ada@example.org".into()),
            email_folded: Set("ada@example.org".into()),
            name: Set("Ada".into()),
            role: Set("owner".into()),
            state: Set("active".into()),
            password_hash: Set("$argon2id$".into()),
            email_proven_at: Set(Some(tx.now().0)),
            epoch: Set(1),
            created_at: Set(tx.now().0),
            ..Default::default()
        })
        .await?;
        tx.insert(session::ActiveModel {
            id: Set(kernel::SessionId::new(tx.now(), tx.chance()).0),
            member_id: Set(id.0),
            token_hash: Set(token.hash().to_vec()),
            epoch: Set(1),
            ip: Set("192.0.2.7".into()),
            user_agent: Set("test".into()),
            created_at: Set(tx.now().0),
            seen_at: Set(tx.now().0),
            expires_at: Set(tx.now().plus_days(1_000).0),
            ..Default::default()
        })
        .await?;
        Ok::<_, Fault>(())
    });
    founding.await.unwrap();
    db.front_desk().session(&token, Origin::default()).await.unwrap().unwrap()
}
