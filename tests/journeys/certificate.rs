//! Picking a message up with a certificate (R4): the way to the host that asks for it and back, whose it must be, and what is refused.

use poem::http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Answer, ApiKey, Authority, Card, Member, Recipient, Town, on_both};

pub const BOB: &str = "bob@example.org";

use Sign::{ByAddress, Enrolled};

pub enum Sign {
    ByAddress,
    Enrolled,
}

/// Ana, whose tenant accepts Acme's certificates.
struct Scene {
    town: Town,
    ana: Member,
    key: ApiKey,
    acme: Authority,
    /// Where certificates are asked for.
    host: String,
}

impl Scene {
    async fn of(town: &Town, how: Sign) -> Scene {
        let (ana, acme) = (town.member("ana@acme.example").await, Authority::called("Acme Root"));
        let key = ana.key("watch").await;
        let host = accept(&ana, &acme, how).await;
        Scene { town: town.clone(), ana, key, acme, host }
    }
    /// A message for bob that wants a certificate; its id, and bob.
    async fn message(&self, fields: &[(&str, &str)]) -> (String, Recipient) {
        let message = self.ana.send(&[&[("to", BOB), ("proof", "r4")], fields].concat()).await;
        self.town.run_jobs().await;
        (message, self.town.recipient(BOB))
    }
    async fn facts(&self, message: &str, kind: &str) -> Vec<Value> {
        let all = self.key.evidence(message).await;
        all.as_array().unwrap().iter().filter(|fact| fact["kind"] == kind).cloned().collect()
    }
    /// Presses "Open", and shows the card where that leads to; the answer there.
    async fn show(&self, bob: &Recipient, card: Option<&Card>) -> Answer {
        let errand = self.errand(bob).await;
        self.show_for(bob, &errand, card).await
    }
    async fn errand(&self, bob: &Recipient) -> String {
        let open = bob.open().await;
        let there = format!("https://{}", self.host);
        open.to().strip_prefix(&there).unwrap_or_else(|| panic!("{} leads elsewhere", open.to())).to_owned()
    }
    async fn show_for(&self, bob: &Recipient, errand: &str, card: Option<&Card>) -> Answer {
        let there = bob.browser.showing(&self.host, card);
        let page = there.get(errand).await;
        match page.hidden("errand") {
            Some(errand) => there.press("/pickup", &[("errand", &errand)]).await,
            None => page,
        }
    }
}

/// The host that then asks for certificates.
pub async fn accept(who: &Member, authority: &Authority, how: Sign) -> String {
    who.step_up().await;
    who.browser.get("/settings/certificates").await.is(200);
    let by_address = if matches!(how, ByAddress) { "yes" } else { "" };
    let fields = [("chain", authority.pem.as_str()), ("maps_by_address", by_address)];
    who.browser.press("/settings/certificates/authorities", &fields).await.is(303);
    let page = who.browser.get("/settings/certificates").await.is(200);
    format!("cert-{}", page.after("<a href=\"https://cert-").unwrap().trim_end_matches('/'))
}

/// The way back of a certificate that was taken, at bob's own browser: the word that came with it.
fn word(shown: &Answer) -> String {
    let (_, word) = shown.to().split_once("/certificate?shown=").unwrap_or_else(|| panic!("{} is not the way back", shown.to()));
    word.to_owned()
}

async fn go_on(bob: &Recipient, word: &str) -> Answer {
    bob.page(&format!("certificate?shown={word}")).await;
    bob.press("certificate", &[("shown", word)]).await
}

#[tokio::test]
async fn a_message_opens_to_the_certificate_that_names_its_recipient() {
    on_both(async |town: Town| {
        let scene = Scene::of(&town, ByAddress).await;
        let (message, bob) = scene.message(&[]).await;
        let door = bob.look().await.is(200);
        assert!(door.header("content-security-policy").contains(&format!("form-action 'self' https://{};", scene.host)));
        let card = scene.acme.card("Bob Moser", &["other@example.org", "Bob@Example.org"]);
        let errand = scene.errand(&bob).await;
        let there = bob.browser.showing(&scene.host, Some(&card));
        let page = there.get(&errand).await.is(200);
        assert!(page.shows("Show this certificate?") && page.shows("Bob Moser") && page.shows("Acme Root"), "{}", page.text());
        assert!(page.header("content-security-policy").contains("form-action 'self' https://mail.example.test;"));
        assert_eq!(scene.key.kinds(&message).await.last().unwrap(), "gesture", "looking changes nothing");
        let back = there.press("/pickup", &[("errand", &page.hidden("errand").unwrap())]).await;
        assert!(back.to().starts_with(&format!("https://mail.example.test{}/certificate?shown=", bob.link)));
        assert_eq!(scene.key.kinds(&message).await.last().unwrap(), "gesture", "what is opened is opened where the visit is");
        let page = bob.page(&format!("certificate?shown={}", word(&back))).await.is(200);
        assert!(page.shows("Your certificate is recognised") && page.shows("CN=Bob Moser"));
        assert_eq!(bob.press("certificate", &[("shown", &word(&back))]).await.step(), "message");
        let read = bob.message().await.is(200);
        assert!(read.shows("the account is 12-34") && read.shows("by your certificate"), "{}", read.text());

        let proven = scene.facts(&message, "certificate_proven").await.remove(0)["grounds"].take();
        let fingerprint = hex::encode(keys::sha256(&[&card.0]));
        assert_eq!((&proven["certificate"], &proven["certificate_subject"]), (&json!(fingerprint), &json!("CN=Bob Moser")));
        assert_eq!(proven["certificate_issuer"], "CN=Acme Root");
        let opened = scene.facts(&message, "handed_over").await.remove(0)["grounds"].take();
        assert_eq!((&opened["assurance"], &opened["certificate"]), (&json!("R4"), &json!(fingerprint)));
        let page = scene.ana.page(&message).await;
        assert!(page.shows("a certificate of theirs (R4)") && page.shows("CN=Bob Moser, given out by CN=Acme Root, SHA-256"));
        assert_eq!(town.letters(BOB).len(), 1, "no code is mailed");
    })
    .await;
}

#[tokio::test]
async fn a_certificate_that_is_not_theirs_opens_nothing_and_is_recorded() {
    on_both(async |town: Town| {
        let scene = Scene::of(&town, ByAddress).await;
        let (message, bob) = scene.message(&[]).await;
        let eve = Authority::called("Acme Root");
        let names_another = "it does not name the address to which the message was sent";
        let cards = [
            (scene.acme.card("Bob Moser", &["eve@example.org"]), names_another),
            (scene.acme.card(BOB, &[]), names_another),
            (eve.card("Bob Moser", &[BOB]), "from an authority that is not accepted here"),
        ];
        for (n, (card, why)) in cards.iter().enumerate() {
            let refused = scene.show(&bob, Some(card)).await.is(403);
            assert!(refused.shows(why) && refused.shows("does not open the message"), "{}", refused.text());
            let recorded = scene.facts(&message, "certificate_refused").await;
            assert_eq!(recorded.len(), n + 1);
            let grounds = &recorded[n]["grounds"];
            assert!(grounds["why"].as_str().unwrap().contains(why), "{grounds}");
            assert_eq!(grounds["certificate"], json!(hex::encode(keys::sha256(&[&card.0]))));
        }
        let none = scene.show(&bob, None).await.is(403);
        assert!(none.shows("Your browser sent no certificate") && none.shows("What to do") && none.hidden("errand").is_none());
        let short = scene.acme.card_for(Duration::from_secs(3_600), "Bob", &[BOB]);
        town.clock.advance(Duration::from_secs(3_700));
        let expired = scene.show(&bob, Some(&short)).await.is(403);
        assert!(expired.shows("This certificate has expired"));
    })
    .await;
}

#[tokio::test]
async fn refused_certificates_lock_nothing_and_fill_no_register() {
    on_both(async |town: Town| {
        let scene = Scene::of(&town, ByAddress).await;
        let (message, bob) = scene.message(&[]).await;
        let (wrong, right) = (scene.acme.card("Eve", &["eve@example.org"]), scene.acme.card("Bob", &[BOB]));
        let errand = scene.errand(&bob).await;
        for _ in 0..55 {
            scene.show_for(&bob, &errand, Some(&wrong)).await.is(403);
        }
        assert_eq!(scene.facts(&message, "certificate_refused").await.len(), 50);
        let shown = scene.show_for(&bob, &errand, Some(&right)).await;
        assert_eq!(go_on(&bob, &word(&shown)).await.step(), "message");
    })
    .await;
}

#[tokio::test]
async fn what_was_shown_counts_in_the_browser_of_the_gesture_alone_and_for_minutes() {
    on_both(async |town: Town| {
        let scene = Scene::of(&town, ByAddress).await;
        let (message, bob) = scene.message(&[]).await;
        let card = scene.acme.card("Bob", &[BOB]);
        // Eve reads bob's mail, and talks him into showing his certificate for her own gesture.
        let eve = bob.at(town.browser());
        let word = word(&scene.show_for(&bob, &scene.errand(&eve).await, Some(&card)).await);
        let strayed = bob.page(&format!("certificate?shown={word}")).await;
        assert_eq!(strayed.to(), bob.link, "bob has no visit");
        scene.errand(&bob).await;
        let refused = go_on(&bob, &word).await.is(403);
        assert!(refused.shows("from another browser"), "{}", refused.text());
        bob.message().await.is(303);
        // Another message's word is none of this one's.
        let (_, other) = scene.message(&[]).await;
        let theirs = self::word(&scene.show(&other, Some(&card)).await);
        go_on(&bob, &theirs).await.is(403);
        let (late, errand) = (self::word(&scene.show(&bob, Some(&card)).await), scene.errand(&bob).await);
        town.clock.advance(Duration::from_secs(301));
        go_on(&bob, &late).await.is(403);
        town.clock.advance(Duration::from_secs(600));
        let over = scene.show_for(&bob, &errand, Some(&card)).await.is(403);
        assert!(over.shows("out of date"));
        assert!(scene.facts(&message, "handed_over").await.is_empty());
        for changed in ["", "AAAA", &late[1..], &"A".repeat(9_000)] {
            let answer = go_on(&bob, changed).await;
            assert!(answer.status != 303 || !answer.to().ends_with("/message"), "{changed}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_errand_counts_at_its_own_tenants_host() {
    on_both(async |town: Town| {
        let scene = Scene::of(&town, ByAddress).await;
        let (message, bob) = scene.message(&[]).await;
        let mallory = town.member("mallory@evil.example").await;
        let evil = Authority::called("Evil Root");
        let host = accept(&mallory, &evil, ByAddress).await;
        let errand = scene.errand(&bob).await;
        let card = evil.card("Bob", &[BOB]);
        let there = bob.browser.showing(&host, Some(&card));
        assert!(there.get(&errand).await.is(403).shows("out of date"));
        let text = errand.split_once("errand=").unwrap().1;
        there.press("/pickup", &[("errand", text)]).await.is(403);
        scene.show_for(&bob, &errand, Some(&card)).await.is(403);
        assert!(scene.facts(&message, "certificate_proven").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_member_shows_the_certificate_they_enrolled_until_it_is_revoked() {
    on_both(async |town: Town| {
        let scene = Scene::of(&town, Enrolled).await;
        let card = scene.acme.card("Ana Brandt", &[]);
        let there = scene.ana.browser.showing(&scene.host, Some(&card));
        let to = scene.ana.browser.press("/settings/certificates/enrol", &[]).await.to().to_owned();
        let page = there.get(to.strip_prefix(&format!("https://{}", scene.host)).unwrap()).await.is(200);
        there.press("/", &[("enrol", &page.hidden("enrol").unwrap())]).await.is(200);
        let fields = [("to", "ana@acme.example"), ("proof", "r4"), ("accept_first", "on")];
        let message = scene.ana.send(&fields).await;
        town.run_jobs().await;
        let ana = town.recipient("ana@acme.example");
        assert_eq!(go_on(&ana, &word(&scene.show(&ana, Some(&card)).await)).await.step(), "accept");
        ana.page("accept").await.is(200);
        assert_eq!(ana.press("accept", &[]).await.step(), "message");
        let accepted = scene.facts(&message, "accepted").await.remove(0);
        assert_eq!(accepted["grounds"]["certificate"], json!(hex::encode(keys::sha256(&[&card.0]))));

        // Enrolled is hers, whatever else it says.
        town.clock.advance(Duration::from_millis(1));
        accept(&scene.ana, &Authority::called("Acme Other"), ByAddress).await;
        let (_, bob) = scene.message(&[]).await;
        assert!(scene.show(&bob, Some(&card)).await.is(403).shows("does not name the address"));

        scene.ana.send(&fields).await;
        town.run_jobs().await;
        let again = town.recipient("ana@acme.example");
        let authorities = scene.key.get("/v1/authorities").await.is(200).json()["authorities"].take();
        let told =
            |n: usize| (authorities[n]["subject"].clone(), authorities[n]["maps_by_address"].clone(), authorities[n]["lists"].clone());
        assert_eq!(told(0), (json!("Acme Root"), json!(false), json!([])));
        assert_eq!(told(1), (json!("Acme Other"), json!(true), json!([])));
        let mine = scene.key.get("/v1/certificates").await.is(200).json()["certificates"][0].take();
        assert!(mine["subject"] == "Ana Brandt" && mine["last_used_at"].is_string() && mine["revoked_at"].is_null(), "{mine}");
        let revoke = format!("/v1/certificates/{}/revoke", mine["id"].as_str().unwrap());
        let ask = async |method, path: &str| town.door.ask(scene.key.request(method, path)).await;
        ask(Method::POST, &revoke).await.is(204);
        ask(Method::POST, &revoke).await.is(404);
        for (method, path) in [(Method::POST, "/v1/authorities"), (Method::DELETE, "/v1/authorities"), (Method::POST, "/v1/certificates")] {
            ask(method, path).await.is(405);
        }
        assert!(scene.show(&again, Some(&card)).await.is(403).shows("This certificate was revoked"));
    })
    .await;
}

#[tokio::test]
async fn what_is_taken_away_between_showing_and_opening_opens_nothing() {
    on_both(async |town: Town| {
        let scene = Scene::of(&town, ByAddress).await;
        let (_, bob) = scene.message(&[]).await;
        let card = scene.acme.card("Bob", &[BOB]);
        let shown = scene.show(&bob, Some(&card)).await;
        scene.ana.step_up().await;
        let id = scene.ana.browser.get("/settings/certificates").await.is(200).after("name=\"authority\" value=\"").unwrap();
        // The rule alone, then the authority with it.
        let rules = [("authority", id.as_str()), ("crl_grace_hours", "0")];
        scene.ana.browser.press("/settings/certificates/authorities/rules", &rules).await.is(303);
        assert!(go_on(&bob, &word(&shown)).await.is(403).shows("Show it once more"));
        let rules = [("authority", id.as_str()), ("crl_grace_hours", "0"), ("maps_by_address", "yes")];
        scene.ana.browser.press("/settings/certificates/authorities/rules", &rules).await.is(303);
        scene.ana.browser.press("/settings/certificates/authorities/remove", &[("authority", &id)]).await.is(303);
        go_on(&bob, &word(&shown)).await.is(403);
        accept(&scene.ana, &scene.acme, ByAddress).await;
        go_on(&bob, &word(&scene.show(&bob, Some(&card)).await)).await.is(303);
    })
    .await;
}

#[tokio::test]
async fn what_ended_meanwhile_says_so_where_it_began() {
    on_both(async |town: Town| {
        let scene = Scene::of(&town, ByAddress).await;
        let (message, bob) = scene.message(&[]).await;
        let card = scene.acme.card("Bob", &[BOB]);
        let (errand, shown) = (scene.errand(&bob).await, scene.show(&bob, Some(&card)).await);
        scene.ana.page(&message).await;
        scene.ana.retract(&message).await;
        assert_eq!(scene.show_for(&bob, &errand, Some(&card)).await.to(), format!("https://mail.example.test{}", bob.link));
        assert!(go_on(&bob, &word(&shown)).await.shows("took this message back"));
        // An authority that is removed leaves its messages shut, and a page that says so.
        let (_, bob) = scene.message(&[]).await;
        scene.ana.step_up().await;
        let id = scene.ana.browser.get("/settings/certificates").await.is(200).after("name=\"authority\" value=\"").unwrap();
        scene.ana.browser.press("/settings/certificates/authorities/remove", &[("authority", &id)]).await.is(303);
        assert!(bob.open().await.is(409).shows("No certificate can be shown"));
    })
    .await;
}

#[tokio::test]
async fn a_certificate_steps_up_and_leads_back_to_where_one_was() {
    on_both(async |town: Town| {
        let scene = Scene::of(&town, ByAddress).await;
        let card = scene.acme.card("Ana", &["ana@acme.example"]);
        town.clock.advance(Duration::from_secs(360));
        let asked = scene.ana.browser.get("/settings/keys").await;
        let asked = if asked.status == 303 { asked } else { scene.ana.browser.get("/settings/certificates").await.is(303) };
        let (step_up, wanted) = (asked.to().to_owned(), asked.to().split_once("next=").unwrap().1.to_owned());
        let there = scene.ana.browser.get(&step_up).await.is(200).after(&format!("href=\"https://{}", scene.host)).unwrap();
        let host = scene.ana.browser.showing(&scene.host, Some(&card));
        let page = host.get(&there).await.is(200);
        let ticket = host.press("/", &[("next", &page.hidden("next").unwrap())]).await.is(303);
        let arrives = ticket.to().strip_prefix("https://mail.example.test").unwrap().to_owned();
        let page = scene.ana.browser.get(&arrives).await.is(200);
        let fields = [("ticket", page.hidden("ticket").unwrap()), ("next", page.hidden("next").unwrap())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let back = scene.ana.browser.press("/sign-in/certificate", &fields).await.is(303);
        assert_eq!(back.to().replace('/', "%2F"), wanted);
        scene.ana.browser.get(back.to()).await.is(200);
        // Nobody is led away from here.
        for elsewhere in ["//evil.example/", "https://evil.example/", "/\\evil.example"] {
            let page = host.get(&format!("/?next={elsewhere}")).await.is(200);
            assert_eq!(page.hidden("next").as_deref(), Some("/"));
        }
    })
    .await;
}
