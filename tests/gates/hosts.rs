//! Whatever host a request names, and in whichever header, nothing that leaves names any but ours: no letter, link, redirect or page.
//!
//! What would surprise you: a tenant has a live domain, which its notices name and nothing else does, and has typed a strange host as a domain
//! as well. That one leads here and is proven by nobody, so it is named nowhere.

use crate::journeys::domains::{HERE, HOST, SITE, certified, live};
use kernel::Chance;
use poem::http::Method;
use std::time::Duration;
use store::testing::fresh_sqlite;
use tests::{Answer, Ask, Body, Dns, Town};

/// `COUNTERSIGN_HOST_MUTATIONS=100000` for a long run; `COUNTERSIGN_HOST_SEED` to run one again.
const MUTATIONS: u64 = 3_000;
const SEED: u64 = 20_261_125;
/// In every strange host, and in nothing else that is asked; typed as a domain alone.
const MARK: &str = "evil";
const UNPROVEN: &str = "evil.example";

const HEADERS: [&str; 18] = [
    "host",
    "x-forwarded-host",
    "x-forwarded-server",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-scheme",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
    "x-host",
    "x-http-host-override",
    "forwarded",
    "via",
    "base-url",
    "front-end-https",
    "referer",
    "origin",
];
const HOSTS: [&str; 18] = [
    HOST,
    HOST,
    "evil.example",
    "EVIL.EXAMPLE",
    "evil.example:443",
    "evil.example.",
    "mail.example.test.evil.example",
    "mail.example.test:evil",
    "mail.example.test@evil.example",
    "evil.example/mail.example.test",
    "evil.example#mail.example.test",
    "evil.example, mail.example.test",
    "mail.example.test, evil.example",
    "https://evil.example/",
    "xn--evil-9za.example",
    "evil%2eexample",
    "[::ffff:10.0.0.1%25evil]",
    "host=evil.example;proto=https",
];
/// Request targets in absolute form (RFC 9112 §3.2.2), which is also how HTTP/2's `:authority` arrives.
const TARGETS: [&str; 8] = [
    "",
    "",
    "",
    "https://post.acme.example",
    "http://evil.example",
    "https://evil.example:8443",
    "https://mail.example.test.evil.example",
    "http://EVIL.test",
];
const LOOKS: [&str; 14] = [
    "/",
    "/sign-in?next=/sent",
    "/sent",
    "/compose",
    "/forgot",
    "/sign-up",
    "/settings",
    "/openapi.json",
    "/docs",
    "/problems/not-found",
    "/nothing-here",
    "/v1/account",
    "/reset/x",
    "/p/x",
];

fn setting(name: &str, usual: u64) -> u64 {
    #[allow(clippy::disallowed_methods)] // how long a test runs is the operator's to say
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[tokio::test]
async fn no_letter_link_redirect_or_page_names_a_host_that_is_not_ours() {
    let (seed, mutations) = (setting("COUNTERSIGN_HOST_SEED", SEED), setting("COUNTERSIGN_HOST_MUTATIONS", MUTATIONS));
    println!("seed {seed}, {mutations} mutations");
    let dns = [Dns::start(), Dns::start()];
    for dns in &dns {
        dns.a(SITE, HERE);
        dns.a(UNPROVEN, HERE);
    }
    let set = |config: &mut countersign::Config| {
        config.domains.resolvers = dns.iter().map(|dns| dns.address).collect();
        config.sign_up.plan = "server".into();
        config.site.content_host = "files.example.test".into();
    };
    let town = Town::on(fresh_sqlite().await, set, None).await;
    let ((mut ana, _), chance) = (live(&town, &dns, "ana@acme.example").await, Chance::seeded(seed));
    let key = ana.key("ci").await;
    key.post("/v1/domains", &serde_json::json!({ "name": UNPROVEN })).await.is(201);
    town.run_jobs().await;
    town.mailbox.clear();
    let mut wrote = Read::default();
    for n in 0..mutations {
        // A session does not last as long as a long run, nor does a certificate.
        if n % 2_000 == 1_999 {
            ana = ana.sign_in(town.browser()).await;
            certified(&town).await;
        }
        let strange = Strange::drawn(&chance);
        let answer = strange.ask(&town, &chance, n, &ana, &key).await;
        says_only_ours(&answer, &strange);
        town.clock.advance(Duration::from_secs(700));
        if n % 40 == 39 {
            town.run_jobs().await;
            wrote.read(&town);
        }
    }
    town.run_jobs().await;
    wrote.read(&town);
    println!("{wrote:?}");
    assert!(wrote.letters > mutations / 10 && wrote.by_domain > mutations / 50, "{wrote:?} shows little");
    assert!(wrote.by_site > mutations / 50, "{wrote:?} shows little");
    town.leave().await;
}

/// What one request claims.
#[derive(Debug)]
struct Strange {
    target: &'static str,
    headers: Vec<(&'static str, String)>,
}

impl Strange {
    fn drawn(chance: &Chance) -> Strange {
        let target = pick(chance, &TARGETS);
        let headers = (0..=chance.below(4)).map(|_| (pick(chance, &HEADERS), value(chance))).collect();
        Strange { target, headers }
    }

    async fn ask(&self, town: &Town, chance: &Chance, n: u64, ana: &tests::Member, key: &tests::ApiKey) -> Answer {
        let browser = town.browser();
        match chance.below(6) {
            0 => {
                browser.get("/forgot").await.is(200);
                self.post(&browser, "/forgot", "&email=ana%40acme.example").await
            }
            1 => {
                browser.get("/sign-up").await.is(200);
                let fields = format!("&name=Newcomer&email=new{n}%40example.org&password=four+quiet+herons+wading");
                self.post(&browser, "/sign-up", &fields).await
            }
            2 => {
                ana.browser.get("/settings").await.is(200);
                self.post(&ana.browser, "/settings/proof", "").await
            }
            3 => {
                let text = serde_json::json!({ "to": [format!("bob{n}@example.org")], "subject": "Wire instructions", "body": "Dear Bob" });
                let ask = key.request(Method::POST, &self.at("/v1/messages")).body("application/json", text.to_string());
                town.door.ask(self.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))).await
            }
            4 => ana.browser.copy().ask(Method::GET, &self.at(pick(chance, &LOOKS)), &self.pairs(), Body::None).await,
            _ => town.door.ask(self.plain(pick(chance, &LOOKS), browser.address)).await,
        }
    }
    async fn post(&self, browser: &tests::Browser, path: &str, fields: &str) -> Answer {
        let hidden = browser.hidden_fields().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let mut headers = self.pairs();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        // A foreign origin is refused before anything is written; this is about those that are not told apart.
        headers.retain(|(name, _)| *name != "origin");
        browser.ask(Method::POST, &self.at(path), &headers, Body::Whole(format!("{hidden}{fields}").into())).await
    }
    fn plain(&self, path: &str, from: std::net::IpAddr) -> Ask {
        let ask = Ask::new(Method::GET, &self.at(path), from);
        self.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
    }
    fn may_be_the_tenant_s(&self) -> bool {
        self.target.contains(HOST) || self.headers.iter().any(|(_, value)| value.contains(HOST))
    }
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.target)
    }
    fn pairs(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
}

fn pick<T: Copy>(chance: &Chance, from: &[T]) -> T {
    from[chance.below(from.len() as u64) as usize]
}

/// A host that is strange or the tenant's, perhaps bent a little: its mark always stays.
fn value(chance: &Chance) -> String {
    let host = pick(chance, &HOSTS);
    match chance.below(6) {
        0 => format!(" {host}"),
        1 => format!("{host}:{}", chance.below(70_000)),
        2 => format!("\"{host}\""),
        3 => format!("{host}\t"),
        4 => format!("{}.{host}", "a".repeat(1 + chance.below(300) as usize)),
        _ => host.to_owned(),
    }
}

fn says_only_ours(answer: &Answer, strange: &Strange) {
    let headers = answer.headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    let all = format!("{}{}", headers.collect::<String>(), answer.text());
    assert!(!all.to_ascii_lowercase().contains(MARK), "{strange:?} was answered {} {all}", answer.status);
    assert!(!answer.status.is_server_error(), "{strange:?} was answered {}", answer.status);
    let to = answer.header("location");
    // From the tenant's host one is led to the account host.
    let home = strange.may_be_the_tenant_s() && to.starts_with("https://mail.example.test/");
    assert!(to.is_empty() || home || to.starts_with('/') && !to.starts_with("//"), "{strange:?} leads to {to}");
}

#[derive(Debug, Default)]
struct Read {
    letters: u64,
    /// Notices, which name the live domain.
    by_domain: u64,
    by_site: u64,
}

impl Read {
    /// Reads the letters that came, and throws them away.
    fn read(&mut self, town: &Town) {
        let letters = town.mailbox.letters();
        town.mailbox.clear();
        for letter in &letters {
            let raw = letter.raw.replace("=\r\n", "");
            assert!(!raw.to_ascii_lowercase().contains(MARK), "{raw}");
            // Whoever was written to by the tenant is led to its domain, and everybody else to the site.
            let host = if letter.to.starts_with("bob") { HOST } else { SITE };
            *if host == HOST { &mut self.by_domain } else { &mut self.by_site } += 1;
            for link in [&raw, &letter.text, &letter.html].into_iter().flat_map(|text| text.split("://").skip(1)) {
                assert!(link.starts_with(&format!("{host}/")), "a link leads to {}", link.chars().take(60).collect::<String>());
            }
            assert!(letter.from.contains("post@mail.example.test"), "{}", letter.from);
        }
        self.letters += letters.len() as u64;
    }
}
