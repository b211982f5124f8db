//! A town: own database, own mailbox, stopped clock, seeded chance.

use crate::{Accounts, SignIn, SignInRefused, SignUp, SignedIn, computation::COMPUTATIONS};
use kernel::{Clock, JobEnd, Site, TenantId, Time};
use keys::{Cost, PasswordHasher, Token};
use mail::{CapturedLetter, CapturedMail, Mailer};
use quota::Limits;
use std::{net::IpAddr, sync::Arc, time::Duration};
use store::{
    Caller, Db, Ground, Origin,
    testing::{self, TestDatabase},
};

pub const PASSWORD: &str = "correct horse battery 7";
pub const OTHER_PASSWORD: &str = "quite another phrase 8";

pub struct Town {
    pub accounts: Accounts,
    pub clock: Clock,
    pub mailbox: Arc<CapturedMail>,
    pub mailer: Mailer,
    _database: TestDatabase,
}

impl Town {
    pub async fn on_sqlite() -> Town {
        Town::on(testing::fresh_sqlite().await).await
    }

    pub async fn on_postgres() -> Town {
        Town::on(testing::fresh_postgres().await).await
    }

    async fn on(database: TestDatabase) -> Town {
        let clock = Clock::stopped(Time::parse("2027-01-31T10:00:00Z").unwrap());
        let ground = Ground { clock: clock.clone(), ..database.ground(7) };
        let chance = ground.chance.clone();
        let db = Db::open(&database.database, ground).await.unwrap();
        let site = Site::new("https://mail.example.com", "notices@mail.example.com".parse().unwrap());
        let hasher = PasswordHasher::new(Cost::Test, chance);
        let mailbox = Arc::new(CapturedMail::new(1_000));
        Town {
            accounts: Accounts { db, hasher, site, sign_up_plan: "personal".into(), sign_up_limits: limits() },
            clock,
            mailer: Mailer::Mailbox(mailbox.clone()),
            mailbox,
            _database: database,
        }
    }

    pub async fn sign_up(&self, email: &str, password: &str) -> SignedIn {
        self.accounts.sign_up(&form(email, password), from("192.0.2.1")).await.unwrap()
    }

    /// Signs up and proves the address.
    pub async fn member(&self, email: &str, password: &str) -> SignedIn {
        let signed_in = self.sign_up(email, password).await;
        self.work().await;
        let token = self.newest_token(email, "/prove/");
        assert!(self.accounts.prove_address(&signed_in.caller, &token).await.unwrap().is_some());
        self.seen().await;
        signed_in
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Result<SignIn, SignInRefused> {
        self.sign_in_to(email, password, None).await
    }

    pub async fn sign_in_to(&self, email: &str, password: &str, tenant: Option<TenantId>) -> Result<SignIn, SignInRefused> {
        self.accounts.sign_in(email, password, tenant, None, from("192.0.2.1")).await
    }

    /// Who acts for the house in this caller's tenant.
    pub fn house(&self, caller: &Caller) -> Caller {
        self.accounts.db.front_desk().system(caller.tenant())
    }

    /// The caller behind a cookie, as the next request would see it.
    pub async fn session(&self, token: &Token) -> Option<Caller> {
        self.seen().await;
        self.accounts.db.front_desk().session(token, Origin::default()).await.unwrap()
    }

    /// Lets the second pass within which every process hears of a revocation.
    pub async fn seen(&self) {
        self.clock.advance(Duration::from_millis(1_001));
    }

    /// Runs every job that is due, as the worker would.
    pub async fn work(&self) {
        let jobs = self.accounts.db.jobs();
        loop {
            let claimed = jobs.claim(100, Duration::from_secs(60)).await.unwrap();
            if claimed.is_empty() {
                return;
            }
            for job in claimed {
                let kept = match self.accounts.run_job(&self.mailer, &job).await {
                    JobEnd::Done => jobs.done(&job).await.unwrap(),
                    JobEnd::Written => true,
                    JobEnd::Again { after, why } | JobEnd::Wait { after, why } => {
                        jobs.again(&job, self.clock.now().plus(after), &why).await.unwrap()
                    }
                    JobEnd::Park(why) => panic!("parked: {why}"),
                };
                assert!(kept, "nobody else works in this town");
            }
        }
    }

    /// Jobs that wait for the worker.
    pub async fn queued(&self) -> u64 {
        self.accounts.db.jobs().counts().await.unwrap().queued
    }

    pub fn letters_to(&self, email: &str) -> Vec<CapturedLetter> {
        self.mailbox.letters_to(email)
    }

    /// The token in the newest letter to `email` that has a link to `path`.
    pub fn newest_token(&self, email: &str, path: &str) -> Token {
        self.tokens(email, path).pop().unwrap_or_else(|| panic!("no letter to {email} has a link to {path}"))
    }

    /// The tokens of every letter to `email` with a link to `path`, oldest first.
    pub fn tokens(&self, email: &str, path: &str) -> Vec<Token> {
        let link = format!("https://mail.example.com{path}");
        let token = |letter: &CapturedLetter| Some(letter.text.split_once(&link)?.1[..43].parse().unwrap());
        self.letters_to(email).iter().filter_map(token).collect()
    }
}

pub fn form(email: &str, password: &str) -> SignUp {
    SignUp { name: "Ana Brandt".into(), email: email.into(), password: password.into() }
}

pub fn from(ip: &str) -> Origin {
    Origin::new(Some(ip.parse::<IpAddr>().unwrap()), "Firefox")
}

pub fn limits() -> Limits {
    Limits {
        sends: Some(10),
        recipients: Some(5),
        message_bytes: Some(25 << 20),
        stored_bytes: Some(250 << 20),
        life_days: Some(30),
        api_per_minute: Some(60),
        own_domains: Some(0),
    }
}

/// Password computations while `work` ran.
pub async fn computations<T>(work: impl Future<Output = T>) -> (T, usize) {
    let before = COMPUTATIONS.get();
    let done = work.await;
    (done, COMPUTATIONS.get() - before)
}

pub fn done(answer: Result<SignIn, SignInRefused>) -> SignedIn {
    match answer {
        Ok(SignIn::Done(signed_in)) => signed_in,
        other => panic!("not signed in: {other:?}"),
    }
}
