//! Signing up, in and out, mailed links, settings.

use super::town::{PASSWORD, Town};
use poem::http::StatusCode;
use std::time::Duration;

#[tokio::test]
async fn a_person_signs_up_proves_the_address_and_signs_in_again() {
    let town = Town::new().await;
    let visitor = town.member_browser("ana@example.org").await;
    let flash = visitor.get("/settings").await;
    assert!(flash.body.contains("ana@example.org is proven."), "{}", flash.body);
    assert!(!visitor.get("/settings").await.body.contains("is proven."), "a sentence is said once");

    let out = visitor.submit_from("/settings", "/sign-out", &[]).await;
    assert_eq!((out.status, out.location()), (StatusCode::SEE_OTHER, "/sign-in"));
    town.clock.advance(Duration::from_millis(1_001));
    let away = visitor.get("/settings").await;
    assert_eq!(away.location(), "/sign-in?next=%2Fsettings");

    let fields = [("email", "ana@example.org"), ("password", PASSWORD), ("next", "/settings")];
    let back = visitor.submit("/sign-in", &fields).await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, "/settings"));
    assert_eq!(visitor.get("/settings").await.status, StatusCode::OK);
    assert_eq!(visitor.get("/").await.location(), "/sent");
}

#[tokio::test]
async fn a_form_comes_back_filled_but_for_the_password() {
    let town = Town::new().await;
    let fields = [("name", "Ana \"<b>\" Brandt"), ("email", "ana@nowhere"), ("password", "short")];
    let page = town.visitor().submit("/sign-up", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("Ana &#34;&#60;b&#62;&#34; Brandt"), "{}", page.body);
    assert!(page.body.contains("ana@nowhere") && !page.body.contains("value=\"short\""));
    assert!(
        page.body.contains("id=\"email-wrong\"") && page.body.contains("id=\"password-wrong\"") && !page.body.contains("id=\"name-wrong\"")
    );
    assert!(page.body.contains("<title>Error: Sign up"));
}

#[tokio::test]
async fn one_is_never_sent_to_another_site_after_signing_in() {
    let town = Town::new().await;
    town.member_browser("ana@example.org").await;
    for next in ["//evil.example/", "https://evil.example/", "/\\evil.example"] {
        let page = town.visitor().submit("/sign-in", &[("email", "ana@example.org"), ("password", PASSWORD), ("next", next)]).await;
        assert_eq!(page.location(), "/sent");
    }
}

#[tokio::test]
async fn looking_at_a_mailed_link_uses_nothing_up() {
    let town = Town::new().await;
    let visitor = town.visitor();
    visitor.submit("/sign-up", &[("name", "Ana"), ("email", "ana@example.org"), ("password", PASSWORD)]).await;
    town.work().await;
    let link = town.link("ana@example.org", "/prove/");
    for _ in 0..3 {
        assert!(visitor.get(&link).await.body.contains("Is this your address?"));
    }
    assert!(visitor.get("/settings").await.body.contains("not yet proven"));
    assert_eq!(visitor.submit(&link, &[]).await.location(), "/sent");
    let spent = town.visitor().get(&link).await;
    assert_eq!(spent.status, StatusCode::NOT_FOUND);
    assert!(spent.body.contains("This link does not work any more"));
}

#[tokio::test]
async fn a_link_read_in_another_browser_asks_for_the_sign_in_first() {
    let town = Town::new().await;
    let visitor = town.visitor();
    visitor.submit("/sign-up", &[("name", "Ana"), ("email", "ana@example.org"), ("password", PASSWORD)]).await;
    town.work().await;
    let link = town.link("ana@example.org", "/prove/");
    let stranger = town.member_browser("eve@example.org").await;
    let sentences = ["Sign in as ana@example.org to prove this address.", "You are signed in, but to another account"];
    for (other, sentence) in [&town.visitor(), &stranger].into_iter().zip(sentences) {
        let away = other.get(&link).await;
        assert!(away.location().starts_with("/sign-in?next=%2Fprove%2F"), "{}", away.location());
        assert!(other.get("/sign-in").await.body.contains(sentence));
    }
    assert_eq!(town.visitor().submit_from("/sign-in", &link, &[]).await.location(), link);
    assert_eq!(stranger.submit_from("/settings", &link, &[]).await.status, StatusCode::NOT_FOUND);
    assert!(visitor.get("/settings").await.body.contains("not yet proven"));
    let fields = [("email", "ana@example.org"), ("password", PASSWORD), ("next", &*link)];
    let phone = town.visitor();
    assert_eq!(phone.submit("/sign-in", &fields).await.location(), link);
    assert!(phone.get(&link).await.body.contains("Is this your address?"));
}

#[tokio::test]
async fn known_and_unknown_addresses_get_the_same_pages() {
    let town = Town::new().await;
    town.member_browser("known@example.org").await;
    for (path, fields) in [("/forgot", vec![]), ("/sign-in", vec![("password", "not this one at all")])] {
        let mut pages = Vec::new();
        for email in ["known@example.org", "stray@example.org"] {
            let visitor = town.visitor();
            let mut all = vec![("email", email)];
            all.extend(fields.iter().copied());
            let page = visitor.submit(path, &all).await;
            let form = page.hidden("form").unwrap_or_default();
            let plain = page.body.replace(email, "");
            pages.push((page.status, if form.is_empty() { plain } else { plain.replace(&form, "") }));
        }
        assert_eq!(pages[0], pages[1], "{path}");
    }
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_and_ends_every_session() {
    let town = Town::new().await;
    let visitor = town.member_browser("ana@example.org").await;
    let elsewhere = town.visitor();
    elsewhere.submit("/forgot", &[("email", "ana@example.org")]).await;
    town.work().await;
    let link = town.link("ana@example.org", "/reset/");
    let short = elsewhere.submit(&link, &[("password", "short")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = elsewhere.submit(&link, &[("password", "nine slow purple trains")]).await;
    assert_eq!(done.location(), "/sign-in");
    town.clock.advance(Duration::from_millis(1_001));
    assert_eq!(visitor.get("/settings").await.status, StatusCode::SEE_OTHER);
    assert_eq!(elsewhere.get(&link).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_api_key_is_shown_once_and_revoked() {
    let town = Town::new().await;
    let visitor = town.member_browser("ana@example.org").await;
    let nameless = visitor.submit_from("/settings", "/settings/keys", &[("key_name", " ")]).await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nameless.body.contains("id=\"key_name-wrong\""));

    let page = visitor.submit_from("/settings", "/settings/keys", &[("key_name", "billing server")]).await;
    assert_eq!(page.status, StatusCode::CREATED);
    let secret = page.body.split_once("Bearer ").unwrap().1.split('"').next().unwrap().to_owned();
    assert!(accounts::key_token(&secret).is_some(), "{secret}");
    let later = visitor.get("/settings").await;
    assert!(!later.body.contains(&secret) && later.body.contains("billing server"));

    let key = later.hidden("key").unwrap();
    let revoked = visitor.submit_from("/settings", "/settings/keys/revoke", &[("key", &key)]).await;
    assert_eq!(revoked.status, StatusCode::SEE_OTHER);
    let again = visitor.submit_from("/settings", "/settings/keys/revoke", &[("key", &key)]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_browser_elsewhere_is_signed_out_from_here() {
    let town = Town::new().await;
    let here = town.member_browser("ana@example.org").await;
    let there = town.visitor();
    there.submit("/sign-in", &[("email", "ana@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(there.get("/settings").await.status, StatusCode::OK);
    let session = here.get("/settings").await.hidden("session").unwrap();
    assert_eq!(here.submit_from("/settings", "/settings/sessions/end", &[("session", &session)]).await.status, StatusCode::SEE_OTHER);
    town.clock.advance(Duration::from_millis(1_001));
    assert_eq!(there.get("/settings").await.status, StatusCode::SEE_OTHER);
    assert_eq!(here.get("/settings").await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_tenants_session_and_key_are_not_found() {
    let town = Town::new().await;
    let (ana, bob) = (town.member_browser("ana@example.org").await, town.member_browser("bob@example.net").await);
    ana.submit_from("/settings", "/settings/keys", &[("key_name", "mine")]).await;
    let key = ana.get("/settings").await.hidden("key").unwrap();
    assert_eq!(bob.submit_from("/settings", "/settings/keys/revoke", &[("key", &key)]).await.status, StatusCode::NOT_FOUND);
    assert!(ana.get("/settings").await.hidden("key").is_some());
}

#[tokio::test]
async fn the_password_is_changed_and_this_browser_stays_signed_in() {
    let town = Town::new().await;
    let visitor = town.member_browser("ana@example.org").await;
    let wrong =
        visitor.submit_from("/settings", "/settings/password", &[("old_password", "no"), ("password", "nine slow purple trains")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"old_password-wrong\""));
    let done = visitor
        .submit_from("/settings", "/settings/password", &[("old_password", PASSWORD), ("password", "nine slow purple trains")])
        .await;
    assert_eq!(done.location(), "/settings");
    town.clock.advance(Duration::from_millis(1_001));
    assert_eq!(visitor.get("/settings").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_spent_link_keeps_the_navigation_of_whoever_is_signed_in() {
    let town = Town::new().await;
    let ana = town.member_browser("ana@example.org").await;
    for link in [town.link("ana@example.org", "/prove/"), "/prove/x".into(), "/reset/x".into()] {
        let page = ana.get(&link).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{link}");
        assert!(
            page.body.contains("href=\"/sent\"") && page.body.contains("ana@example.org is proven") && !page.body.contains("Sign in"),
            "{link}"
        );
        let stranger = town.visitor().get(&link).await;
        assert!(!stranger.body.contains("ana@example.org") && stranger.body.contains("href=\"/sign-in\""), "{link}");
    }
}

#[tokio::test]
async fn who_must_wait_is_told_how_long() {
    let town = Town::new().await;
    let visitor = town.visitor();
    let mut last = None;
    for _ in 0..4 {
        last = Some(visitor.submit("/forgot", &[("email", "ana@example.org")]).await);
    }
    let last = last.unwrap();
    let seconds: u64 = last.header("retry-after").parse().unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=3600).contains(&seconds), "{seconds}");
    assert!(last.body.contains("ana@example.org"));
    town.clock.advance(Duration::from_secs(seconds));
    assert_eq!(visitor.submit("/forgot", &[("email", "ana@example.org")]).await.status, StatusCode::OK);
}
