//! A town: database, mailbox and site of one test, and the people who live in it.

use accounts::{Accounts, SignUp};
use kernel::{JobEnd, Site};
use keys::{Cost, PasswordHasher, Token};
use mail::{CapturedMail, Mailer};
use messages::Post;
use poem::{
    Route,
    http::{HeaderMap, StatusCode, header},
    test::{TestClient, TestForm, TestFormField},
};
use quota::Limits;
use std::{sync::Arc, time::Duration};
use store::{
    Caller, Db, Origin,
    testing::{TestDatabase, fresh_sqlite},
};
use url::form_urlencoded;
use web::Web;

pub struct Town {
    pub site: TestClient<Route>,
    pub db: Db,
    pub post: Post,
    pub mailbox: Arc<CapturedMail>,
    accounts: Accounts,
    _database: TestDatabase,
}

/// A signed-in browser.
pub struct Person {
    pub cookie: String,
    /// The token of this browser's forms.
    pub form: String,
    pub caller: Caller,
}

/// An answer read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

pub fn roomy() -> Limits {
    Limits {
        sends: Some(1000),
        recipients: Some(100),
        message_bytes: Some(64 << 20),
        stored_bytes: Some(128 << 20),
        life_days: Some(60),
        api_per_minute: None,
        own_domains: Some(10),
    }
}

impl Town {
    pub async fn new() -> Town {
        Town::with(roomy()).await
    }
    pub async fn with(limits: Limits) -> Town {
        let database = fresh_sqlite().await;
        // Ids are drawn from the seed, and the pages count live windows by session in the whole process: no two towns may draw alike.
        static SEED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(11);
        let seed = SEED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let db = database.open(seed).await.expect("a fresh database opens");
        let site = Site::new("http://127.0.0.1:8080", "post@mail.example".parse().unwrap());
        let hasher = PasswordHasher::new(Cost::Test, db.chance().clone());
        let accounts = Accounts {
            db: db.clone(),
            hasher: hasher.clone(),
            site: site.clone(),
            sign_up_plan: "personal".into(),
            sign_up_limits: limits,
        };
        let post = Post { db: db.clone(), hasher, site, unasked: messages::UnaskedMail::UNLIMITED };
        let origins = web::Origins::of(&post.site);
        let egress = egress::Egress::new(egress::Rules::default()).unwrap();
        let certificates =
            client_certificates::ClientCertificates { accounts: accounts.clone(), egress, lists: client_certificates::Lists::default() };
        let pages = web::pages(Web {
            post: post.clone(),
            accounts: accounts.clone(),
            certificates,
            domains: domains::Domains::unanswered(db.clone()),
            sign_up_open: true,
            origins,
            places: web::Places::default(),
        });
        Town { site: TestClient::new(pages), db, post, mailbox: Arc::new(CapturedMail::new(1000)), accounts, _database: database }
    }

    /// Somebody new, whose address is proven.
    pub async fn person(&self, email: &str) -> Person {
        let form = SignUp { name: "Ana Brandt".into(), email: email.into(), password: "correct horse battery".into() };
        let signed_in = self.accounts.sign_up(&form, Origin::default()).await.expect("a good sign-up");
        self.work().await;
        let letter = self.mailbox.letters_to(email).pop().expect("the address is to be proven");
        let token = letter.text.split("/prove/").nth(1).expect("a link").split_whitespace().next().unwrap();
        self.accounts.prove_address(&signed_in.caller, &token.parse().unwrap()).await.unwrap().expect("the link is good");
        let cookie = format!("__Host-session={}", signed_in.token);
        let mut person = Person { cookie, form: String::new(), caller: signed_in.caller };
        let page = self.get(&person, "/compose").await;
        person.form = value(&page.body, "name=\"form\" value=\"").to_owned();
        person
    }

    /// Does every job that is due.
    pub async fn work(&self) {
        let mailer = Mailer::Mailbox(self.mailbox.clone());
        loop {
            let jobs = self.db.jobs().claim(50, Duration::from_secs(60)).await.unwrap();
            if jobs.is_empty() {
                return;
            }
            for job in jobs {
                let end = if job.kind.starts_with("accounts.") {
                    self.accounts.run_job(&mailer, &job).await
                } else {
                    messages::run_job(&self.post, &mailer, &job).await
                };
                match end {
                    JobEnd::Done => assert!(self.db.jobs().done(&job).await.unwrap()),
                    JobEnd::Written => {}
                    JobEnd::Again { after, why } | JobEnd::Wait { after, why } => {
                        assert!(self.db.jobs().again(&job, self.db.clock().now().plus(after), &why).await.unwrap())
                    }
                    JobEnd::Park(why) => panic!("{} was parked: {why}", job.kind),
                }
            }
        }
    }

    pub async fn get(&self, person: &Person, path: &str) -> Answer {
        read(self.site.get(path).header(header::COOKIE, &person.cookie).send().await).await
    }
    /// An urlencoded form of ours.
    pub async fn post(&self, person: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
        read(
            self.site
                .post(path)
                .header(header::COOKIE, &person.cookie)
                .content_type("application/x-www-form-urlencoded")
                .body(person.encoded(fields))
                .send()
                .await,
        )
        .await
    }
    /// The same, by the page's script.
    pub async fn script(&self, person: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
        let asked = self.site.post(path).header(header::COOKIE, &person.cookie).header(header::ACCEPT, "application/json");
        read(asked.content_type("application/x-www-form-urlencoded").body(person.encoded(fields)).send().await).await
    }
    /// The compose form as a browser without scripts sends it: text, then files.
    pub async fn multipart(&self, person: &Person, path: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Answer {
        let mut form = TestForm::new().text("form", person.form.clone());
        for (name, value) in fields {
            form = form.text(*name, *value);
        }
        for (name, bytes) in files {
            form = form.field(TestFormField::bytes(bytes.to_vec()).name("file").filename(*name).content_type("application/pdf"));
        }
        read(self.site.post(path).header(header::COOKIE, &person.cookie).multipart(form).send().await).await
    }
    /// Sends to `to` by the form; answers the message's path.
    pub async fn sent(&self, person: &Person, to: &str, subject: &str, proof: &str) -> String {
        let answer = self
            .multipart(person, "/drafts?then=send", &[("to", to), ("subject", subject), ("body", "Dear **Bob**"), ("proof", proof)], &[])
            .await;
        answer.to()
    }
    /// Whoever holds the link in the newest notice to `address`.
    pub async fn recipient(&self, address: &str) -> Caller {
        let letter = self.mailbox.letters_to(address).pop().expect("a notice came");
        let token = letter
            .text
            .split("/p/")
            .nth(1)
            .expect("a link")
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
            .next()
            .unwrap();
        let origin = Origin::new("203.0.113.24".parse().ok(), "Mozilla/5.0 (Windows NT 10.0; rv:132.0) Gecko/20100101 Firefox/132.0");
        self.db.front_desk().pickup(&token.parse().unwrap(), origin).await.unwrap().expect("the link is good")
    }
    /// Opens what waits for `address` (R0) in a new browser, whose cookie comes back.
    pub async fn open(&self, address: &str) -> (Caller, Token) {
        let (caller, cookie) = (self.recipient(address).await, Token::random(self.db.chance()));
        messages::gesture(&self.post, &caller, &cookie).await.expect("the gesture opens it");
        (caller, cookie)
    }
}

impl Person {
    fn encoded(&self, fields: &[(&str, &str)]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("form", &self.form).extend_pairs(fields);
        form.finish()
    }
}

impl Answer {
    /// Where a 303 leads.
    pub fn to(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
    pub fn shows(&self, text: &str) -> bool {
        self.body.contains(text)
    }
}

pub async fn read(answer: poem::test::TestResponse) -> Answer {
    let (parts, body) = answer.0.into_parts();
    let body = String::from_utf8_lossy(&body.into_vec().await.unwrap()).into_owned();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// What stands between `before` and the next quote.
pub fn value<'t>(text: &'t str, before: &str) -> &'t str {
    text.split_once(before).expect(before).1.split('"').next().unwrap()
}
