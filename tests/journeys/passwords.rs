//! What ends with a password, and with signing in again.

use tests::{PASSWORD, Town, on_both};

const NEW: &str = "seven loud geese landing";

#[tokio::test]
async fn the_page_says_what_becomes_of_api_keys_when_the_password_changes() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        assert!(!ana.browser.get("/settings").await.is(200).shows("revoke_keys"), "there are none to revoke");
        let key = ana.key("ci").await;
        assert!(ana.browser.get("/settings").await.is(200).shows("name=\"revoke_keys\" value=\"yes\">"), "and not checked");
        ana.browser.press("/settings/password", &[("old_password", PASSWORD), ("password", NEW)]).await.is(303);
        assert!(ana.browser.get("/settings").await.is(200).shows("Your API key goes on working"));
        key.get("/v1/account").await.is(200);
        let both = [("old_password", NEW), ("password", PASSWORD), ("revoke_keys", "yes")];
        ana.browser.press("/settings/password", &both).await.is(303);
        assert!(ana.browser.get("/settings").await.is(200).shows("Your API keys are revoked."));
        key.get("/v1/account").await.is(401);
    })
    .await;
}

#[tokio::test]
async fn a_forgotten_password_ends_api_keys_and_the_mail_and_both_pages_say_so() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        let visitor = town.browser();
        visitor.get("/forgot").await.is(200);
        visitor.press("/forgot", &[("email", &ana.email)]).await.is(200);
        town.run_jobs().await;
        let letter = town.newest_to(&ana.email);
        assert!(letter.text.contains("API keys"), "{}", letter.text);
        let link = letter.link("/reset/");
        assert!(visitor.get(&link).await.is(200).shows("every API key of yours ends"));
        key.get("/v1/account").await.is(200);
        visitor.press(&link, &[("password", NEW)]).await.is(303);
        assert!(visitor.get("/sign-in").await.is(200).shows("every API key is revoked"));
        key.get("/v1/account").await.is(401);
    })
    .await;
}

#[tokio::test]
async fn signing_in_again_ends_the_session_that_the_browser_had() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let elsewhere = ana.sign_in(town.browser()).await;
        let copied = ana.browser.copy();
        copied.get("/settings").await.is(200);
        ana.sign_in(ana.browser.clone()).await;
        assert!(copied.get("/settings").await.to().starts_with("/sign-in"), "nobody holds it, so it is over");
        ana.browser.get("/settings").await.is(200);
        elsewhere.browser.get("/settings").await.is(200);
    })
    .await;
}
