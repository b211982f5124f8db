//! The password once more, where a key is made.

use super::town::{PASSWORD, Town};
use poem::http::StatusCode;
use std::time::Duration;

const FIVE_MINUTES: Duration = Duration::from_secs(300);

#[tokio::test]
async fn a_key_is_made_at_once_after_signing_in_and_later_asks_for_the_password_first() {
    let town = Town::new().await;
    let ana = town.member_browser("ana@example.org").await;
    assert_eq!(ana.submit_from("/settings", "/settings/keys", &[("key_name", "one")]).await.status, StatusCode::CREATED);
    town.clock.advance(FIVE_MINUTES);
    let asked = ana.submit_from("/settings", "/settings/keys", &[("key_name", "billing <b>")]).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    assert!(
        asked.body.contains("href=\"/step-up?next=%2Fsettings%23keys\"") && asked.body.contains("billing &#60;b&#62;"),
        "{}",
        asked.body
    );
    assert!(!ana.get("/settings").await.body.contains("billing &#60;b"), "nothing was made");

    let wrong =
        ana.submit_from("/step-up?next=/settings%23keys", "/step-up", &[("password", "a wrong one"), ("next", "/settings#keys")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.body.contains("id=\"password-wrong\"")
            && wrong.body.contains("value=\"/settings#keys\"")
            && !wrong.body.contains("a wrong one")
    );
    let before = ana.cookie("__Host-session").unwrap();
    let risen = ana.submit_from("/step-up", "/step-up", &[("password", PASSWORD), ("next", "/settings#keys")]).await;
    assert_eq!((risen.status, risen.location()), (StatusCode::SEE_OTHER, "/settings#keys"));
    assert_ne!(ana.cookie("__Host-session").unwrap(), before);
    assert_eq!(ana.submit_from("/settings", "/settings/keys", &[("key_name", "billing")]).await.status, StatusCode::CREATED);
}

/// The page says: give the password in another window, then send this again from here. Once is enough.
#[tokio::test]
async fn what_was_typed_is_sent_again_after_a_step_up_or_another_sign_in() {
    let town = Town::new().await;
    let ana = town.member_browser("ana@example.org").await;
    let ours = [("sec-fetch-site", "same-origin")];
    let send = async |form: &str| {
        let body = super::town::encoded(&[("form", form), ("key_name", "billing")]);
        ana.ask(poem::http::Method::POST, "/settings/keys", &ours, Some(body)).await
    };
    let form = ana.get("/settings").await.hidden("form").unwrap();
    town.clock.advance(FIVE_MINUTES);
    let asked = send(&form).await;
    assert!(asked.status == StatusCode::FORBIDDEN && asked.body.contains("billing"), "{}", asked.body);
    ana.submit_from("/step-up", "/step-up", &[("password", PASSWORD), ("next", "/settings")]).await;
    assert_eq!(send(&form).await.status, StatusCode::FORBIDDEN, "the session's own token ended with it");
    assert_eq!(send(&asked.hidden("form").unwrap()).await.status, StatusCode::CREATED);

    ana.submit_from("/settings", "/sign-out", &[]).await;
    let signed_out = send(&asked.hidden("form").unwrap()).await;
    assert!(signed_out.body.contains("billing"), "{}", signed_out.body);
    ana.submit_from("/sign-in", "/sign-in", &[("email", "ana@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(send(&signed_out.hidden("form").unwrap()).await.status, StatusCode::CREATED);

    let eve = town.member_browser("eve@example.org").await;
    let theirs = super::town::encoded(&[("form", &asked.hidden("form").unwrap()), ("key_name", "billing")]);
    let stolen = eve.ask(poem::http::Method::POST, "/settings/keys", &ours, Some(theirs)).await;
    assert_eq!(stolen.status, StatusCode::FORBIDDEN, "bound to the browser that it was shown to");
}

#[tokio::test]
async fn one_comes_back_to_our_pages_alone_after_a_step_up() {
    let town = Town::new().await;
    let ana = town.member_browser("ana@example.org").await;
    for next in ["//evil.example/", "https://evil.example/", "/\\evil.example", ""] {
        let risen = ana.submit_from("/step-up", "/step-up", &[("password", PASSWORD), ("next", next)]).await;
        assert_eq!(risen.location(), "/settings");
    }
    assert_eq!(town.visitor().get("/step-up?next=/sent").await.location(), "/sign-in?next=%2Fstep-up%3Fnext%3D%2Fsent");
}
