//! The town: where every test lives. Its own database, mailbox, stopped clock and seeded chance; nothing is shared.

use accounts::{Accounts, SignUp};
use billing::Catalogue;
use kernel::{Clock, EmailAddress, JobEnd, MessageId, RecipientId, Site};
use keys::{Cost, PasswordHasher, Token};
use mail::{CapturedLetter, CapturedMail, Mailer};
use messages::{Outline, Post, RecipientState, Sent};
use std::{sync::Arc, time::Duration};
use store::{
    Caller, Db, Origin,
    testing::{TestDatabase, fresh_postgres, fresh_sqlite},
};

const LEASE: Duration = Duration::from_secs(60);
/// More jobs than any test leaves.
const MANY: u64 = 1_000;

/// One test's world.
pub struct Town {
    pub post: Post,
    pub accounts: Accounts,
    pub mailbox: Arc<CapturedMail>,
    mailer: Mailer,
    _database: TestDatabase,
}

/// Runs a fact on SQLite and on PostgreSQL.
pub async fn on_both(fact: impl AsyncFn(Town)) {
    fact(Town::on(fresh_sqlite().await).await).await;
    fact(Town::on(fresh_postgres().await).await).await;
}

impl Town {
    pub async fn on(database: TestDatabase) -> Town {
        let db = database.open(1).await.expect("a fresh database opens");
        let mailbox = Arc::new(CapturedMail::new(10_000));
        let site = Site::new("https://mail.example.test", EmailAddress::parse("post@mail.example.test").expect("an address"));
        let hasher = PasswordHasher::new(Cost::Test, db.chance().clone());
        let catalogue = Catalogue::shipped();
        let plan = catalogue.plan("business").expect("a shipped plan");
        let accounts = Accounts {
            db: db.clone(),
            hasher: hasher.clone(),
            site: site.clone(),
            sign_up_plan: plan.name.clone(),
            sign_up_limits: plan.limits.clone(),
        };
        Town { post: Post { db, hasher, site }, accounts, mailer: Mailer::Mailbox(mailbox.clone()), mailbox, _database: database }
    }

    pub fn db(&self) -> &Db {
        &self.post.db
    }
    pub fn clock(&self) -> &Clock {
        self.post.db.clock()
    }

    /// A new tenant whose owner has not proven their address.
    pub async fn newcomer(&self, email: &str) -> Caller {
        let form = SignUp { name: "Ana Brandt".into(), email: email.into(), password: "four quiet herons wading".into() };
        self.accounts.sign_up(&form, Origin::default()).await.expect("a good sign-up").caller
    }

    /// A new tenant whose owner followed the link in the mail and signed in again.
    pub async fn owner(&self, email: &str) -> Caller {
        let form = SignUp { name: "Ana Brandt".into(), email: email.into(), password: "four quiet herons wading".into() };
        let signed_in = self.accounts.sign_up(&form, Origin::default()).await.expect("a good sign-up");
        self.run_jobs().await;
        self.prove(email).await;
        // The front desk remembers a caller for up to a second; the proof is in the row.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        self.db().front_desk().session(&signed_in.token, Origin::default()).await.expect("the desk answers").expect("the session is good")
    }

    /// Spends the newest proof link mailed to `email`.
    pub async fn prove(&self, email: &str) {
        let letter = self.newest_to(email);
        let token = token_after(&letter.text, "/prove/");
        self.accounts.prove_address(&token, Origin::default()).await.expect("no fault").expect("the link is good");
    }

    pub async fn send(&self, who: &Caller, outline: Outline) -> Sent {
        messages::submit(&self.post, who, &outline, None).await.expect("accepted")
    }

    /// Runs what is due until nothing is; how many ran.
    pub async fn run_jobs(&self) -> usize {
        let mut ran = 0;
        loop {
            let jobs = self.db().jobs().claim(MANY, LEASE).await.expect("jobs can be claimed");
            if jobs.is_empty() {
                return ran;
            }
            for job in jobs {
                let end = if job.kind.starts_with("accounts.") {
                    self.accounts.run_job(&self.mailer, &job).await
                } else {
                    messages::run_job(&self.post, &self.mailer, &job).await
                };
                let desk = self.db().jobs();
                let at = |after| self.clock().now().plus(after);
                let ours = match end {
                    JobEnd::Written => true,
                    JobEnd::Done => desk.done(&job).await.expect("a job can end"),
                    JobEnd::Again { after, why } => desk.again(&job, at(after), &why).await.expect("a job can wait"),
                    JobEnd::Park(why) => panic!("{} was parked: {why}", job.kind),
                };
                assert!(ours, "nobody else runs jobs here");
                ran += 1;
            }
        }
    }

    pub fn newest_to(&self, email: &str) -> CapturedLetter {
        self.mailbox.letters_to(email).pop().expect("a letter has come")
    }

    /// The recipient as the front desk knows them from the newest notice's link.
    pub async fn visitor(&self, email: &str) -> Caller {
        let token = token_after(&self.newest_to(email).text, "/p/");
        self.at_the_door(&token).await.expect("the link is good")
    }

    pub async fn at_the_door(&self, token: &Token) -> Option<Caller> {
        let origin = Origin::new("203.0.113.24".parse().ok(), "Mozilla/5.0 Firefox/140.0");
        self.db().front_desk().pickup(token, origin).await.expect("the desk answers")
    }

    pub fn cookie(&self) -> Token {
        Token::random(self.db().chance())
    }

    /// The code in the newest letter to `email`.
    pub fn code(&self, email: &str) -> String {
        let text = self.newest_to(email).text;
        let code = text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
        code.unwrap_or_else(|| panic!("no code in: {text}")).to_owned()
    }

    pub async fn states(&self, who: &Caller, id: MessageId) -> Vec<RecipientState> {
        let found = self.db().read(who, async |read| messages::find_message(read, id).await).await;
        found.expect("no fault").expect("the message is there").recipients.iter().map(|r| r.state).collect()
    }

    /// The kinds of evidence of one message, oldest first; the chain must hold.
    pub async fn kinds(&self, who: &Caller, id: MessageId) -> Vec<&'static str> {
        let chain = self.db().read(who, async |read| evidence::verify_chain(read).await).await.expect("no fault");
        chain.expect("the chain holds");
        let facts = self.db().read(who, async |read| evidence::timeline(read, id, None::<RecipientId>, 0, 500).await).await;
        facts.expect("no fault").iter().map(|f| f.kind.as_str()).collect()
    }
}

/// A plain message to these addresses.
pub fn letter_to(to: &[&str]) -> Outline {
    Outline {
        to: to.iter().map(ToString::to_string).collect(),
        subject: "Wire instructions".into(),
        body: "Dear *Bob*,\nthe account is 12-34.".into(),
        ..Outline::default()
    }
}

fn token_after(text: &str, path: &str) -> Token {
    let at = text.find(path).unwrap_or_else(|| panic!("no {path} link in: {text}")) + path.len();
    text[at..at + 43].parse().expect("a token of 43 characters")
}
