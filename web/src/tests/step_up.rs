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
