//! The headers that keep a browser safe are on every answer of every route, whoever asks and whatever comes of it.

use super::{
    callers::Caller,
    cases::{CASES, Case, OPEN, Says},
    matrix::unlimited,
    owned::House,
};
use store::testing::fresh_sqlite;
use tests::{Answer, Town};

/// What an answer must say; `None`: the header must not be there.
const EVERYWHERE: [(&str, Option<&str>); 5] = [
    ("x-content-type-options", Some("nosniff")),
    ("referrer-policy", Some("no-referrer")),
    ("permissions-policy", Some("camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()")),
    ("cross-origin-opener-policy", Some("same-origin")),
    ("cross-origin-resource-policy", Some("same-origin")),
];
const HSTS: (&str, Option<&str>) = ("strict-transport-security", Some("max-age=63072000; includeSubDomains"));
/// The same for everybody, so they may be kept.
const KEPT: [&str; 5] = ["/assets/:hash/:name", "/favicon.ico", "/docs", "/problems", "/problems/not-found"];

#[tokio::test]
async fn every_answer_has_every_header() {
    for base in ["https://mail.example.test", "http://127.0.0.1:8080"] {
        let set = |config: &mut countersign::Config| {
            unlimited(config);
            config.site.base_url = base.into();
        };
        let town = Town::on(fresh_sqlite().await, set, None).await;
        let hsts = if base.starts_with("https") { HSTS } else { (HSTS.0, None) };
        walk(&town, hsts).await;
        town.leave().await;
    }
}

async fn walk(town: &Town, hsts: (&str, Option<&str>)) {
    let house = House::found(town, "acme").await;
    let mut owned = house.make(town, &["message", "draft", "upload", "key", "session", "domain", "prove"], 1).await;
    // A site that is reached by an address has none; the headers are those of an id that never was.
    owned.put("certificate", kernel::ClientCertificateId::new(town.clock.now(), &kernel::Chance::seeded(1)).to_string());
    let open: Vec<Case> = OPEN.iter().map(|path| Case { method: "GET", route: path, path, body: Says::Nothing, done: 200 }).collect();
    let mut seen = std::collections::BTreeSet::new();
    for case in CASES.iter().chain(&open) {
        // The brakes on guessing let go again.
        town.clock.advance(std::time::Duration::from_secs(1_000));
        let person = |browser| Caller { name: "owner", browser, key: None, sees: Vec::new() };
        let reader = owned.reader.as_ref().expect("a message was made").browser.copy();
        let member = house.owner.sign_in(town.browser()).await.browser;
        let program = Caller { key: Some(house.key.clone()), ..person(town.browser()) };
        for caller in [person(town.browser()), person(reader), person(member), program] {
            let answer = caller.ask(case, &owned).await;
            seen.insert(answer.status.as_u16());
            has_all(&answer, case, hsts);
            let absent = caller.ask(case, &owned.absent()).await;
            has_all(&absent, case, hsts);
        }
    }
    town.run_jobs().await;
    assert!([200, 201, 303, 401, 404, 422].iter().all(|status| seen.contains(status)), "the walk saw only {seen:?}");
}

fn has_all(answer: &Answer, case: &Case, hsts: (&str, Option<&str>)) {
    let at = format!("{} ({})", case.name(), answer.status);
    for (name, value) in EVERYWHERE.into_iter().chain([hsts]) {
        let found: Vec<&str> = answer.headers.get_all(name).iter().map(|v| v.to_str().unwrap()).collect();
        assert_eq!(found, value.into_iter().collect::<Vec<_>>(), "{name} of {at}");
    }
    let policies: Vec<&str> = answer.headers.get_all("content-security-policy").iter().map(|v| v.to_str().unwrap()).collect();
    let [policy] = policies[..] else { panic!("{at} has policies {policies:?}") };
    assert!(policy.contains("default-src 'none'"), "{at}: {policy}");
    // Some forms lead to the tenant's own host that asks for certificates.
    let policy: String = policy.split(' ').filter(|part| !part.starts_with("https://cert-")).collect();
    for loose in ["unsafe-", "http:", "https:", "*"] {
        assert!(!policy.contains(loose), "{at} allows {loose}: {policy}");
    }
    let kept = KEPT.contains(&case.route) && answer.status == 200;
    assert_eq!(answer.header("cache-control").contains("no-store"), !kept, "{at}: {}", answer.header("cache-control"));
}
