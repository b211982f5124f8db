//! One test's world: the assembled server on a database of its own, a mailbox, a stopped clock, seeded chance. Nothing is shared.

use crate::{Browser, Door, Letter, Member, Recipient, letters::read_letter};
use countersign::{App, Config, Outside, config::CertificateSource};
use evidence::Break;
use kernel::{Chance, Clock};
use mail::{CapturedMail, Mailer, SmtpConfig, SmtpRelay, testing::Peer};
use messages::UnaskedMail;
use secrecy::SecretString;
use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst},
    },
};
use store::{
    Database,
    testing::{START, TestDatabase, fresh_postgres, fresh_sqlite},
};

/// Letters kept; more than any test mails.
const LETTERS: usize = 10_000;
/// Where the links in the letters lead.
pub(crate) const BASE: &str = "https://mail.example.test";

/// Ids are drawn from the seed, and the pages count live windows by session in the whole process: no two towns may draw alike.
static SEED: AtomicU64 = AtomicU64::new(1);

/// Cheap to clone; clones are the same town.
#[derive(Clone)]
pub struct Town {
    pub app: App,
    pub clock: Clock,
    pub mailbox: Arc<CapturedMail>,
    pub door: Door,
    /// Takes the letters instead of the mailbox.
    relay: Option<Arc<Peer>>,
    house: Arc<House>,
}

struct House {
    database: TestDatabase,
    left: AtomicBool,
    /// So that the brakes on a network tell people apart.
    browsers: AtomicU32,
}

/// Runs a fact on SQLite and on PostgreSQL, in a town whose newcomers get the plan `business`.
pub async fn on_both(fact: impl AsyncFn(Town)) {
    on_both_with(|_| {}, fact).await;
}

/// As [`on_both`], with another configuration.
pub async fn on_both_with(change: impl Fn(&mut Config), fact: impl AsyncFn(Town)) {
    for database in [fresh_sqlite().await, fresh_postgres().await] {
        let town = Town::on(database, &change, None).await;
        // On the heap: a long fact fills the stack of a test.
        Box::pin(fact(town.clone())).await;
        town.leave().await;
    }
}

/// As [`on_both`], with a real mail server between, which does as it is told.
pub async fn on_both_over_smtp(fact: impl AsyncFn(Town, &Peer)) {
    for database in [fresh_sqlite().await, fresh_postgres().await] {
        let peer = Arc::new(Peer::start(Vec::new()).await);
        let town = Town::on(database, |_| {}, Some(peer.clone())).await;
        Box::pin(fact(town.clone(), &peer)).await;
        town.leave().await;
    }
}

impl Town {
    pub async fn on(database: TestDatabase, change: impl Fn(&mut Config), relay: Option<Arc<Peer>>) -> Town {
        let seed = SEED.fetch_add(1, SeqCst);
        println!("seed {seed} on {:?}", database.database);
        let mut config = config(&database);
        change(&mut config);
        let (clock, mailbox) = (Clock::stopped(START), Arc::new(CapturedMail::new(LETTERS)));
        let mailer = relay.as_ref().map_or_else(|| Mailer::Mailbox(mailbox.clone()), |peer| over_smtp(peer));
        let outside = Outside { clock: clock.clone(), chance: Chance::seeded(seed), mailer };
        let app = App::build(&config, outside).await.expect("a migrated database opens");
        let house = House { database, left: AtomicBool::new(false), browsers: AtomicU32::new(0) };
        Town { door: Door::inside(&app), app, clock, mailbox, relay, house: Arc::new(house) }
    }

    pub fn database(&self) -> &TestDatabase {
        &self.house.database
    }

    /// Files in the directory of blobs.
    pub fn blob_files(&self) -> usize {
        fn below(dir: &Path) -> usize {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            entries.map(|entry| if entry.path().is_dir() { below(&entry.path()) } else { 1 }).sum()
        }
        below(&self.database().dir.path().join("data").join("blobs"))
    }

    /// Somebody nobody knows, at a browser and an address of their own.
    pub fn browser(&self) -> Browser {
        Browser::new(self.door.clone(), self.next_address())
    }
    pub(crate) fn next_address(&self) -> IpAddr {
        let [_, b, c, d] = self.house.browsers.fetch_add(1, SeqCst).to_be_bytes();
        Ipv4Addr::new(10, b, c, d).into()
    }

    /// A new tenant whose owner has not proven their address.
    pub async fn newcomer(&self, email: &str) -> Member {
        Member::sign_up(self.browser(), &name_of(email), email).await
    }

    /// A new tenant whose owner followed the link in the mail.
    pub async fn member(&self, email: &str) -> Member {
        self.member_called(&name_of(email), email).await
    }
    pub async fn member_called(&self, name: &str, email: &str) -> Member {
        let member = Member::sign_up(self.browser(), name, email).await;
        self.run_jobs().await;
        self.prove(&member).await;
        member
    }

    /// Presses the button behind the newest proof link mailed to the member.
    pub async fn prove(&self, member: &Member) {
        let link = self.newest_to(&member.email).link("/prove/");
        member.browser.get(&link).await.is(200);
        member.browser.press(&link, &[]).await.is(303);
    }

    /// Whoever holds the link in the newest notice to `email`, at a browser of their own.
    pub fn recipient(&self, email: &str) -> Recipient {
        let notice = self.letters(email).into_iter().rev().find(|letter| letter.text.contains("/p/")).expect("a notice has come");
        Recipient::new(self.browser(), &notice.link("/p/"))
    }

    /// All that came to `email`, oldest first.
    pub fn letters(&self, email: &str) -> Vec<Letter> {
        let all: Vec<Letter> = match &self.relay {
            Some(peer) => peer.letters().iter().map(|raw| read_letter(raw)).collect(),
            None => self.mailbox.letters().into_iter().map(Letter::from).collect(),
        };
        all.into_iter().filter(|letter| letter.to.eq_ignore_ascii_case(email)).collect()
    }
    pub fn newest_to(&self, email: &str) -> Letter {
        self.letters(email).pop().unwrap_or_else(|| panic!("no letter has come to {email}"))
    }
    pub fn letters_to(&self, email: &str) -> usize {
        self.letters(email).len()
    }
    /// The code in the newest letter to `email`.
    pub fn code(&self, email: &str) -> String {
        self.newest_to(email).code()
    }

    /// Runs what is due until nothing is; how many ran.
    pub async fn run_jobs(&self) -> usize {
        let ran = Box::pin(self.app.run_due_jobs()).await;
        let counts = self.app.db.jobs().counts().await.expect("jobs can be counted");
        assert_eq!(counts.parked, 0, "a job was parked");
        ran
    }

    /// The end of every test: no job was forgotten, and every tenant's chain of evidence holds.
    pub async fn leave(self) {
        let (now, jobs) = (self.clock.now(), self.app.db.jobs());
        let next = jobs.next_run_at().await.expect("jobs can be read");
        assert!(next.is_none_or(|at| at > now), "jobs that were due never ran: {:?}", jobs.counts().await);
        assert_eq!(self.broken_evidence().await, []);
        self.house.left.store(true, SeqCst);
    }

    /// Recomputes the evidence chain of every tenant; where one does not hold.
    pub async fn broken_evidence(&self) -> Vec<Break> {
        let db = &self.app.db;
        let mut broken = Vec::new();
        for tenant in db.front_desk().tenants(None, 1_000).await.expect("tenants can be listed") {
            let system = db.front_desk().system(tenant.id);
            broken.extend(db.read(&system, async |read| evidence::verify_chain(read).await).await.expect("no fault").err());
        }
        broken
    }
}

/// `Ana Brandt` for `ana@acme.example`.
fn name_of(email: &str) -> String {
    let mut name = email.split('@').next().unwrap_or_default().to_owned();
    name[..1].make_ascii_uppercase();
    format!("{name} Brandt")
}

/// A town that is dropped without having been left may hide jobs that never ran.
impl Drop for House {
    fn drop(&mut self) {
        assert!(self.left.load(SeqCst) || std::thread::panicking(), "a town was dropped without `leave`");
    }
}

fn over_smtp(peer: &Peer) -> Mailer {
    let config = SmtpConfig { timeout_secs: 5, final_timeout_secs: 5, ..SmtpConfig::plain("127.0.0.1", peer.port) };
    Mailer::Smtp(Arc::new(SmtpRelay::new(&config).expect("a relay on this machine")))
}

fn config(database: &TestDatabase) -> Config {
    let mut config = Config { data_dir: database.dir.path().join("data"), ..Config::default() };
    config.database.url = SecretString::from(match &database.database {
        Database::Sqlite { path } => format!("sqlite:{}", path.display()),
        Database::Postgres { url, connections } => format!("{url}?connections={connections}"),
    });
    config.site.base_url = BASE.into();
    config.site.mail_from = "post@mail.example.test".into();
    // As a site that orders certificates by itself: it could have tenants' domains. Nobody listens or orders in these tests.
    config.listen.https = "127.0.0.1:443".into();
    config.tls.certificates = CertificateSource::Acme;
    config.domains.resolvers = vec![crate::dns::that_knows_nothing(); 2];
    config.sign_up.plan = "business".into();
    // Most tests mail the same few addresses over and over; the brakes have tests of their own.
    config.unasked_mail = UnaskedMail::UNLIMITED.into();
    config
}
