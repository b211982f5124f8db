//! A town: own database and mailbox, stopped clock, seeded chance; and visitors, each a browser with cookies of its own.

use crate::Web;
use accounts::Accounts;
use kernel::{Clock, JobEnd, MessageId, Site};
use keys::{Cost, PasswordHasher};
use mail::{CapturedMail, Mailer};
use messages::{Outline, Post};
use poem::{
    Endpoint, IntoEndpoint, Request, Response, Route,
    http::{HeaderMap, Method, StatusCode, header},
};
use quota::Limits;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{
    Caller, Db,
    testing::{self, TestDatabase},
};

pub const PASSWORD: &str = "seven quiet green boats";
pub const BASE: &str = "https://mail.example.com";

pub struct Town {
    pub web: Web,
    pub clock: Clock,
    pub mailbox: Arc<CapturedMail>,
    mailer: Mailer,
    pages: <Route as IntoEndpoint>::Endpoint,
    _database: TestDatabase,
}

/// What came back.
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// A browser.
pub struct Visitor<'t> {
    town: &'t Town,
    pub cookies: Mutex<BTreeMap<String, String>>,
}

impl Town {
    pub async fn new() -> Town {
        let database = testing::fresh_sqlite().await;
        let ground = database.ground(11);
        let (clock, chance) = (ground.clock.clone(), ground.chance.clone());
        let db = Db::open(&database.database, ground).await.unwrap();
        let site = Site::new(BASE, "notices@mail.example.com".parse().unwrap());
        let hasher = PasswordHasher::new(Cost::Test, chance);
        let mailbox = Arc::new(CapturedMail::new(1_000));
        let post = Post { db: db.clone(), hasher: hasher.clone(), site: site.clone(), unasked: messages::UnaskedMail::UNLIMITED };
        let domains = domains::Domains::unanswered(db.clone());
        let accounts = Accounts { db, hasher, site, sign_up_plan: "personal".into(), sign_up_limits: limits() };
        let egress = egress::Egress::new(egress::Rules::default()).unwrap();
        let web = Web {
            post,
            certificates: client_certificates::ClientCertificates {
                accounts: accounts.clone(),
                egress,
                lists: client_certificates::Lists::default(),
            },
            accounts,
            domains,
            sign_up_open: true,
            origins: crate::Origins::of(&Site::new(BASE, "notices@mail.example.com".parse().unwrap())),
            places: crate::Places::default(),
        };
        let pages = crate::pages(web.clone()).into_endpoint();
        Town { web, clock, mailer: Mailer::Mailbox(mailbox.clone()), mailbox, pages, _database: database }
    }

    pub fn visitor(&self) -> Visitor<'_> {
        Visitor { town: self, cookies: Mutex::default() }
    }

    /// Runs every job that is due, as the worker would.
    pub async fn work(&self) {
        let jobs = self.web.post.db.jobs();
        loop {
            let claimed = jobs.claim(100, Duration::from_secs(60)).await.unwrap();
            if claimed.is_empty() {
                return;
            }
            for job in claimed {
                let end = match job.kind.split('.').next() {
                    Some("accounts") => self.web.accounts.run_job(&self.mailer, &job).await,
                    _ => messages::run_job(&self.web.post, &self.mailer, &job).await,
                };
                match end {
                    JobEnd::Done => assert!(jobs.done(&job).await.unwrap()),
                    JobEnd::Written => {}
                    JobEnd::Again { after, why } | JobEnd::Wait { after, why } => {
                        assert!(jobs.again(&job, self.clock.now().plus(after), &why).await.unwrap())
                    }
                    JobEnd::Park(why) => panic!("parked: {why}"),
                }
            }
        }
    }

    /// The newest link to `path` (`/p/`, `/prove/`, `/reset/`) mailed to `address`, as a path of ours.
    pub fn link(&self, address: &str, path: &str) -> String {
        let link = format!("{BASE}{path}");
        let letters = self.mailbox.letters_to(address);
        let found = letters.iter().rev().find_map(|letter| Some(letter.text.split_once(&link)?.1[..43].to_owned()));
        format!("{path}{}", found.unwrap_or_else(|| panic!("no letter to {address} has a link to {path}")))
    }

    /// The code in the newest letter to `address`.
    pub fn code(&self, address: &str) -> String {
        let letter = self.mailbox.letters_to(address).pop().expect("a letter has come");
        let code = letter.text.lines().map(str::trim).find(|line| line.len() >= 6 && line.chars().all(|c| c.is_ascii_digit() || c == ' '));
        code.unwrap_or_else(|| panic!("no code in: {}", letter.text)).to_owned()
    }

    /// A member with a proven address.
    pub async fn member(&self, email: &str) -> Caller {
        let visitor = self.member_browser(email).await;
        let session = visitor.cookie("__Host-session").unwrap().parse().unwrap();
        self.clock.advance(Duration::from_millis(1_001));
        self.web.accounts.db.front_desk().session(&session, Default::default()).await.unwrap().unwrap()
    }

    /// The browser of a member with a proven address.
    pub async fn member_browser(&self, email: &str) -> Visitor<'_> {
        let visitor = self.visitor();
        let page = visitor.submit("/sign-up", &[("name", "Ana Brandt"), ("email", email), ("password", PASSWORD)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        self.work().await;
        let link = self.link(email, "/prove/");
        assert_eq!(visitor.submit(&link, &[]).await.status, StatusCode::SEE_OTHER);
        visitor
    }

    /// Sends as `caller` and runs the notices.
    pub async fn send(&self, caller: &Caller, outline: Outline) -> MessageId {
        let sent = messages::submit(&self.web.post, caller, &outline, None).await.unwrap();
        self.work().await;
        sent.id
    }
}

impl Visitor<'_> {
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    pub async fn get(&self, path: &str) -> Page {
        self.ask(Method::GET, path, &[], None).await
    }

    /// Fetches the page at `path`, fills the form and sends it there, as a person would.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.submit_from(path, path, fields).await
    }

    /// As [`Visitor::submit`], with the form on another page.
    pub async fn submit_from(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(from).await;
        let mut all = fields.to_vec();
        let (form, nonce) = (page.hidden("form"), page.hidden("nonce"));
        all.extend(form.as_deref().map(|v| ("form", v)));
        all.extend(nonce.as_deref().map(|v| ("nonce", v)));
        self.post(path, &all).await
    }

    /// Posts exactly these fields.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.ask(Method::POST, path, &[], Some(encoded(fields))).await
    }

    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Page {
        let answer = self.raw(method, path, headers, body).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.into_body().into_vec().await.unwrap();
        Page { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    async fn raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Response {
        let cookies = self.cookies.lock().unwrap().iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("; ");
        let mut request = Request::builder().method(method).uri_str(path).header(header::COOKIE, cookies);
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.content_type("application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.town.pages.get_response(request.body(body.unwrap_or_default())).await;
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            match line.contains("Max-Age=0") {
                true => cookies.remove(name),
                false => cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }
}

impl Page {
    /// Value of the first hidden field of that name.
    pub fn hidden(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!(r#"type="hidden" name="{name}" value=""#))?;
        Some(rest.split('"').next()?.to_owned())
    }
    pub fn location(&self) -> &str {
        self.header("location")
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

pub fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A message to one recipient; the rest as it comes.
pub fn to(address: &str) -> Outline {
    Outline { to: vec![address.into()], subject: "Wire instructions".into(), body: "Dear Bob, **read** this.".into(), ..Outline::default() }
}

fn limits() -> Limits {
    Limits {
        sends: Some(10),
        recipients: Some(5),
        message_bytes: Some(25 << 20),
        stored_bytes: Some(250 << 20),
        life_days: Some(30),
        api_per_minute: Some(60),
        own_domains: Some(10),
    }
}
