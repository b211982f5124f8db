//! A tenant's own domain: how it comes to be live, what is served there, whom it lets in, and where links lead.

use poem::http::Method;
use std::{net::Ipv4Addr, time::Duration};
use store::Issued;
use tests::{Answer, Body, Browser, Dns, Member, Recipient, Town, on_both_with};

pub const SITE: &str = "mail.example.test";
pub const HOST: &str = "post.acme.example";
pub const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Two resolvers, and a town that asks them.
pub async fn on_both_with_dns(fact: impl AsyncFn(Town, [Dns; 2])) {
    on_plan_with_dns("business", fact).await;
}

async fn on_plan_with_dns(plan: &str, fact: impl AsyncFn(Town, [Dns; 2])) {
    let dns = [Dns::start(), Dns::start()];
    dns.iter().for_each(|dns| dns.a(SITE, HERE));
    let resolvers: Vec<_> = dns.iter().map(|dns| dns.address).collect();
    on_both_with(
        |config| {
            config.domains.resolvers.clone_from(&resolvers);
            config.sign_up.plan = plan.into();
        },
        async |town| {
            dns.iter().for_each(|dns| {
                dns.forget(HOST);
                dns.forget(&format!("_countersign.{HOST}"));
            });
            fact(town, dns.clone()).await;
        },
    )
    .await;
}

/// The id of a domain just added at the page.
pub async fn add(ana: &Member, name: &str) -> String {
    ana.browser.get("/settings/domains").await.is(200);
    let added = ana.browser.press("/settings/domains", &[("name", name)]).await.is(303);
    added.to().trim_start_matches("/settings/domains/").to_owned()
}

pub async fn page(ana: &Member, id: &str) -> String {
    ana.browser.get(&format!("/settings/domains/{id}")).await.is(200).text()
}

/// As if the CA had certified what is wanted.
pub async fn certified(town: &Town) {
    let certificates = town.app.db.certificates();
    for order in certificates.take_due(10, Duration::from_secs(60)).await.unwrap() {
        let now = town.clock.now();
        let not_after = now.plus_days(400);
        let issued = Issued { chain: "CHAIN", key: "KEY", not_before: now, not_after, renew_at: now.plus_days(200) };
        assert!(certificates.issued(&order, &issued).await.unwrap());
    }
}

/// Ana's tenant with `HOST` live, and the id of the domain.
pub async fn live(town: &Town, dns: &[Dns; 2], email: &str) -> (Member, String) {
    let ana = town.member(email).await;
    let id = add(&ana, HOST).await;
    let text = page(&ana, &id).await;
    let value = text.split("id=\"txt-value\" tabindex=\"0\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    dns.iter().for_each(|dns| {
        dns.txt(&format!("_countersign.{HOST}"), &value);
        dns.a(HOST, HERE);
    });
    town.run_jobs().await;
    certified(town).await;
    (ana, id)
}

/// Bob's newest notice: all of it, and the path of its link.
pub fn notice(town: &Town) -> (String, String) {
    let letter = town.newest_to("bob@example.org");
    (letter.text.clone(), letter.link("/p/"))
}

pub async fn send(town: &Town, ana: &Member) {
    ana.send(&[("to", "bob@example.org"), ("subject", "s"), ("body", "the body"), ("proof", "r0")]).await;
    town.run_jobs().await;
}

/// The way of a member's browser from `path` at the tenant's host to the code, which is answered.
async fn way_in(ana: &Browser, there: &Browser, path: &str) -> String {
    let asked = there.get(path).await.is(303).to().to_owned();
    let on = ana.get(asked.strip_prefix("https://mail.example.test").expect("to the account host")).await.is(200);
    let refresh = on.headers["refresh"].to_str().unwrap().to_owned();
    refresh.strip_prefix(&format!("0;url=https://{HOST}")).unwrap_or_else(|| panic!("{refresh}")).to_owned()
}

#[tokio::test]
async fn a_domain_goes_from_a_form_to_live_and_says_at_each_step_what_to_do_and_what_was_seen() {
    on_both_with_dns(async |town, dns| {
        let ana = town.member("ana@acme.example").await;
        let wrong = ana.browser.press("/settings/domains", &[("name", "co.uk")]).await.is(422).text();
        assert!(wrong.contains("is an ending under which many") && wrong.contains("value=\"co.uk\""), "{wrong}");
        let id = add(&ana, HOST).await;
        let place = format!("_countersign.{HOST}");
        dns.iter().for_each(|dns| dns.txt(&place, "something <else>"));
        town.run_jobs().await;
        let first = page(&ana, &id).await;
        assert!(first.contains(&place) && first.contains("countersign-domain=") && first.contains("something &#60;else&#62;"), "{first}");
        let value = first.split("id=\"txt-value\" tabindex=\"0\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        dns.iter().for_each(|dns| {
            dns.txt(&place, &value);
            dns.a(HOST, Ipv4Addr::new(203, 0, 113, 9));
        });
        let over = page(&ana, &id).await;
        assert!(!over.contains("We are looking now") && over.contains("data-poll=\"15\""), "{over}");
        ana.browser.press(&format!("/settings/domains/{id}/look"), &[]).await.is(303);
        let under_way = page(&ana, &id).await;
        assert!(under_way.contains("We are looking now") && under_way.contains("data-poll=\"2\""), "{under_way}");
        town.run_jobs().await;
        assert!(!page(&ana, &id).await.contains("We are looking now"), "it says so no longer than it is so");
        let second = page(&ana, &id).await;
        assert!(second.contains("does not lead here yet") && second.contains("203.0.113.9") && second.contains("192.0.2.1"), "{second}");
        dns.iter().for_each(|dns| dns.a(HOST, HERE));
        ana.browser.press(&format!("/settings/domains/{id}/look"), &[]).await.is(303);
        town.run_jobs().await;
        assert!(page(&ana, &id).await.contains("certificate on its way"));
        certified(&town).await;
        assert!(page(&ana, &id).await.contains(&format!("https://{HOST}/sent")));
        let key = ana.key("ci").await;
        let domain = key.get(&format!("/v1/domains/{id}")).await.is(200).json();
        assert_eq!((&domain["step"], &domain["records"][0]["value"]), (&"live".into(), &value.into()));
        let bad = key.post("/v1/domains", &serde_json::json!({ "name": "*.acme.example" })).await.is(422).json();
        assert_eq!(bad["errors"][0]["pointer"], "/name");
    })
    .await;
}

#[tokio::test]
async fn mails_lead_to_the_domain_once_it_is_live_and_to_the_site_when_it_is_let_go() {
    on_both_with_dns(async |town, dns| {
        let ana = town.member("ana@acme.example").await;
        add(&ana, HOST).await;
        send(&town, &ana).await;
        assert!(!notice(&town).0.contains(HOST), "an unproven host is named nowhere");
        town.run_jobs().await;
        let (carl, id) = live(&town, &dns, "carl@acme.example").await;
        send(&town, &carl).await;
        let (text, link) = notice(&town);
        assert!(text.contains(&format!("https://{HOST}/p/")) && !text.contains(SITE), "{text}");
        // The same link opens at both.
        let bob = Recipient::new(town.browser().at_host(HOST), &link);
        let door = bob.look().await.is(200).text();
        assert!(door.contains(HOST) && !door.contains(SITE));
        assert_eq!(bob.open().await.step(), "message");
        assert!(bob.message().await.is(200).text().contains("the body"));
        town.run_jobs().await;
        Recipient::new(town.browser(), &link).look().await.is(200);
        // Who hides stays hidden: the name of the host would tell.
        carl.send(&[("to", "bob@example.org"), ("subject", "s"), ("body", "b"), ("proof", "r0"), ("hide_sender", "on")]).await;
        town.run_jobs().await;
        let (text, hidden) = notice(&town);
        assert!(!text.contains(HOST));
        // And trying the link at tenants' hosts does not tell either.
        let (there, here) = (Recipient::new(town.browser().at_host(HOST), &hidden), Recipient::new(town.browser(), &hidden));
        there.look().await.is(404);
        there.browser.get(&format!("{hidden}/refuse")).await.is(404);
        there.browser.ask(Method::POST, &format!("{hidden}/open"), &[], Body::None).await.is(404);
        here.look().await.is(200);
        assert_eq!(here.open().await.step(), "message");
        there.look().await.is(200);
        carl.browser.get(&format!("/settings/domains/{id}")).await.is(200);
        carl.browser.press(&format!("/settings/domains/{id}/remove"), &[]).await.is(303);
        send(&town, &carl).await;
        assert!(notice(&town).0.contains(&format!("https://{SITE}/p/")));
        Recipient::new(town.browser(), &link).look().await.is(200);
    })
    .await;
}

#[tokio::test]
async fn at_a_domain_another_tenant_s_link_is_as_unknown_as_one_that_never_was() {
    on_both_with_dns(async |town, dns| {
        let (ana, _) = live(&town, &dns, "ana@acme.example").await;
        let eve = town.member("eve@bolt.example").await;
        send(&town, &eve).await;
        let (_, foreign) = notice(&town);
        let there = town.browser().at_host(HOST);
        let never = format!("{}{}", &foreign[..foreign.len() - 6], "AAAAAA");
        let (one, other) = (there.get(&foreign).await.is(404), there.get(&never).await.is(404));
        assert_eq!(one.bytes, other.bytes);
        there.post(&format!("{foreign}/open"), &[]).await.is(404);
        let message = ana.send(&[("to", "bob@example.org"), ("subject", "s"), ("body", "b"), ("proof", "r0")]).await;
        town.run_jobs().await;
        there.get(&notice(&town).1).await.is(200);
        drop(message);
    })
    .await;
}

#[tokio::test]
async fn passwords_are_asked_for_at_the_account_host_alone() {
    on_both_with_dns(async |town, dns| {
        let (ana, _) = live(&town, &dns, "ana@acme.example").await;
        let there = town.browser().at_host(HOST);
        for path in ["/", "/sign-in", "/sign-up", "/forgot", "/reset/x", "/prove/x", "/settings", "/docs", "/openapi.json", "/nothing-here"]
        {
            let answer = there.get(path).await.is(303);
            assert_eq!(answer.to(), format!("https://{SITE}{path}"), "{path}");
            assert_eq!(answer.headers["strict-transport-security"], "max-age=15552000");
        }
        let fields = [("email".to_owned(), ana.email.clone()), ("password".to_owned(), "a guess, and a wrong one".to_owned())];
        for path in ["/sign-in", "/sign-up", "/forgot", "/settings/password", "/settings/domains"] {
            there.post(path, &fields).await.is(404);
        }
        let key = ana.key("ci").await;
        let bearer = format!("Bearer {}", key.secret);
        there.ask(Method::GET, "/v1/account", &[("authorization", &bearer)], Body::None).await.is(404);
        // The session of the account host is none at the tenant's.
        let carried = town.browser().at_host(HOST);
        for pair in ana.browser.cookie_line().split("; ") {
            let (name, value) = pair.split_once('=').unwrap();
            carried.set_cookie(name, value);
        }
        carried.get("/sent").await.is(303);
    })
    .await;
}

#[tokio::test]
async fn a_member_is_handed_over_once_in_the_browser_that_asked() {
    on_both_with_dns(async |town, dns| {
        let (ana, _) = live(&town, &dns, "ana@acme.example").await;
        let there = ana.browser.at_host(HOST);
        let code = way_in(&ana.browser, &there, "/sent?q=x").await;
        // Login CSRF: a stranger's browser is sent ana's code, and hers a stranger's.
        town.browser().at_host(HOST).get(&code).await.is(403);
        let victim = town.browser().at_host(HOST);
        victim.get("/sent").await.is(303);
        victim.get(&code).await.is(403);
        assert_eq!(there.get(&code).await.is(303).to(), "/sent?q=x");
        there.get("/sent").await.is(200);
        let listed = ana.browser.get("/settings").await.is(200).text();
        assert!(listed.contains(&format!("at <b>{HOST}</b>")) && listed.contains(&format!("at <b>{SITE}</b>")), "{listed}");
        // Its session is good there alone.
        let home = town.browser();
        for pair in there.cookie_line().split("; ") {
            let (name, value) = pair.split_once('=').unwrap();
            home.set_cookie(name, value);
        }
        assert!(home.get("/sent").await.is(303).to().starts_with("/sign-in"));
        // Twice is once too often, also with the right cookie.
        let again = ana.browser.at_host(HOST);
        let code = way_in(&ana.browser, &again, "/sent").await;
        let twin = again.copy();
        again.get(&code).await.is(303);
        twin.get(&code).await.is(403);
        // Over.
        let late = ana.browser.at_host(HOST);
        let code = way_in(&ana.browser, &late, "/sent").await;
        town.clock.advance(Duration::from_secs(30));
        late.get(&code).await.is(403);
        // Writing works there, by the forms of its own pages.
        there.get("/compose").await.is(200);
        there.press("/drafts", &[("subject", "typed")]).await.is(303);
        let (site, own) = (format!("https://{SITE}"), format!("https://{HOST}"));
        for (origin, status) in [(&site, 403), (&own, 303)] {
            let fields = there.hidden_fields().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
            let headers = [("origin", origin.as_str()), ("content-type", "application/x-www-form-urlencoded")];
            there.ask(Method::POST, "/drafts", &headers, Body::Whole(fields.into())).await.is(status);
        }
        there.get("/sent").await.is(200);
        there.press("/sign-out", &[]).await.is(303);
        there.get("/sent").await.is(303);
    })
    .await;
}

#[tokio::test]
async fn nobody_is_handed_over_to_a_host_that_is_not_their_tenant_s() {
    on_both_with_dns(async |town, dns| {
        live(&town, &dns, "ana@acme.example").await;
        let eve = town.member("eve@bolt.example").await;
        let there = eve.browser.at_host(HOST);
        let asked = there.get("/sent").await.is(303).to().to_owned();
        let path = asked.strip_prefix("https://mail.example.test").unwrap();
        let foreign = eve.browser.get(path).await.is(403);
        let nobodys = eve.browser.get(&path.replace(HOST, "evil.example")).await.is(403);
        assert_eq!(foreign.bytes, nobodys.bytes);
        assert!(!foreign.headers.contains_key("refresh"));
    })
    .await;
}

#[tokio::test]
async fn one_is_led_to_a_path_of_the_host_and_nowhere_else() {
    on_both_with_dns(async |town, dns| {
        let (ana, _) = live(&town, &dns, "ana@acme.example").await;
        for next in ["//evil.example", "/\\evil.example", "https://evil.example", "/sign-out", ""] {
            let there = ana.browser.at_host(HOST);
            let asked = there.get("/sent").await.is(303).to().to_owned();
            let path = asked.strip_prefix("https://mail.example.test").unwrap().rsplit_once("next=").unwrap().0.to_owned();
            let next: String = next.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let on: Answer = ana.browser.get(&format!("{path}next={next}")).await.is(200);
            let code = on.headers["refresh"].to_str().unwrap().strip_prefix(&format!("0;url=https://{HOST}")).unwrap().to_owned();
            assert_eq!(there.get(&code).await.is(303).to(), "/sent");
        }
    })
    .await;
}

#[tokio::test]
async fn a_domain_itself_is_told_our_addresses_at_the_page_and_in_the_api() {
    on_both_with_dns(async |town, _| {
        let ana = town.member("ana@acme.example").await;
        let (itself, below) = (add(&ana, "acme.example").await, add(&ana, HOST).await);
        assert!(page(&ana, &itself).await.contains("They stand here after the first look."));
        town.run_jobs().await;
        let shown = page(&ana, &itself).await;
        assert!(shown.contains(">192.0.2.1</code>") && !shown.contains("CNAME"), "{shown}");
        let key = ana.key("ci").await;
        let record = async |id: &str| {
            let records = key.get(&format!("/v1/domains/{id}")).await.is(200).json()["records"].clone();
            assert_eq!(records.as_array().unwrap().len(), 2, "{records}");
            [&records[1]["type"], &records[1]["name"], &records[1]["value"]].map(|said| said.as_str().unwrap().to_owned())
        };
        assert_eq!(record(&itself).await, ["A", "acme.example", "192.0.2.1"]);
        assert_eq!(record(&below).await, ["CNAME", HOST, "mail.example.test."]);
    })
    .await;
}

#[tokio::test]
async fn quotes_and_an_appended_domain_are_named_beside_what_was_seen() {
    on_both_with_dns(async |town, dns| {
        let ana = town.member("ana@acme.example").await;
        let id = add(&ana, HOST).await;
        let text = page(&ana, &id).await;
        let value = text.split("id=\"txt-value\" tabindex=\"0\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        dns.iter().for_each(|dns| {
            dns.txt(&format!("_countersign.{HOST}"), &format!("\"{value}\""));
            dns.cname(HOST, "mail.example.test.acme.example");
        });
        town.run_jobs().await;
        let shown = page(&ana, &id).await;
        assert!(shown.contains("not yet proven") && shown.contains("Remove the quotes around it."), "{shown}");
        assert!(shown.contains("mail.example.test.acme.example</code>, which has no address"), "{shown}");
        assert!(shown.contains("put your own domain after the name") && !shown.contains("We saw no address"), "{shown}");
        assert!(shown.contains(">mail.example.test.</code>"), "with the dot");
    })
    .await;
}

#[tokio::test]
async fn a_site_that_orders_no_certificates_says_so_in_place_of_the_form() {
    let proxied = |config: &mut countersign::Config| config.listen.https = String::new();
    on_both_with(proxied, async |town| {
        let ana = town.member("ana@acme.example").await;
        let page = ana.browser.get("/settings/domains").await.is(200).text();
        assert!(page.contains("does not get certificates by itself") && !page.contains("name=\"name\""), "{page}");
        assert!(!page.contains("the certificate comes by itself"), "{page}");
        // The form of a page that was opened before.
        ana.browser.press("/settings/domains", &[("name", HOST)]).await.is(409);
        let none = ana.key("ci").await.post("/v1/domains", &serde_json::json!({ "name": HOST })).await.is(409).json();
        assert!(none["type"].as_str().unwrap().ends_with("/conflict"), "{none}");
        assert!(none["detail"].as_str().unwrap().contains("Whoever runs it can turn that on."), "{none}");
    })
    .await;
}

#[tokio::test]
async fn a_plan_s_own_domains_are_as_many_at_the_page_as_in_the_api() {
    on_plan_with_dns("solo", async |town, _| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        assert_eq!(key.get("/v1/account").await.is(200).json()["own_domains_limit"], 1);
        assert!(ana.browser.get("/settings/domains").await.is(200).shows("0 of 1 in use"));
        let id = add(&ana, HOST).await;
        let full = ana.browser.get("/settings/domains").await.is(200).text();
        assert!(full.contains("one domain of your own") && !full.contains("name=\"name\""), "{full}");
        // The form of a page that was opened before.
        let late = ana.browser.press("/settings/domains", &[("name", "second.acme.example")]).await.is(402).text();
        assert!(late.contains("choose a larger plan"), "{late}");
        let over = key.post("/v1/domains", &serde_json::json!({ "name": "second.acme.example" })).await.is(402).json();
        let said = (over["type"].as_str().unwrap().rsplit('/').next().unwrap(), &over["dimension"], &over["limit"], &over["used"]);
        assert_eq!(said, ("over-quota", &"own_domains".into(), &1.into(), &1.into()));
        assert_eq!(key.get("/v1/domains").await.is(200).json()["domains"].as_array().unwrap().len(), 1);
        ana.browser.get(&format!("/settings/domains/{id}")).await.is(200);
        ana.browser.press(&format!("/settings/domains/{id}/remove"), &[]).await.is(303);
        key.post("/v1/domains", &serde_json::json!({ "name": "second.acme.example" })).await.is(201);
        town.run_jobs().await;
    })
    .await;
    on_plan_with_dns("personal", async |town, _| {
        let ana = town.member("ana@acme.example").await;
        let page = ana.browser.get("/settings/domains").await.is(200).text();
        assert!(page.contains("Your plan has no domains of your own") && !page.contains("name=\"name\""), "{page}");
        let none = ana.key("ci").await.post("/v1/domains", &serde_json::json!({ "name": HOST })).await.is(403).json();
        assert_eq!((&none["dimension"], &none["limit"]), (&"own_domains".into(), &0.into()));
    })
    .await;
}
