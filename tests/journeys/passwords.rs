//! What ends with a password, and with signing in again; what a suspended account is told; the example with a new key.

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

#[tokio::test]
async fn who_is_suspended_is_told_so_after_the_right_password_or_key_alone() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        let desk = town.app.db.front_desk();
        let tenant = desk.tenants(None, 1).await.unwrap().pop().unwrap().id;
        assert!(desk.set_tenant_state(tenant, "suspended").await.unwrap());
        let visitor = town.browser();
        visitor.get("/sign-in").await.is(200);
        let wrong = visitor.press("/sign-in", &[("email", &ana.email), ("password", NEW)]).await.is(422);
        assert!(wrong.shows("E-mail address or password is not right") && !wrong.shows("suspended"));
        let right = visitor.press("/sign-in", &[("email", &ana.email), ("password", PASSWORD)]).await.is(403);
        assert!(right.shows("This account is suspended"), "{}", right.text());
        assert!(key.get("/v1/account").await.is(401).shows("is suspended, and a new key would not help"));
        let unknown = tests::ApiKey { secret: format!("csk_{}", "A".repeat(43)), ..key.clone() };
        assert!(unknown.get("/v1/account").await.is(401).shows("is not known or was revoked"));
    })
    .await;
}

#[tokio::test]
async fn the_example_with_a_new_key_runs_nothing_but_curl() {
    on_both(async |town: Town| {
        let email = "o'hara`touch${IFS}oops`@acme.example";
        let ana = town.member_called("Ana O'Hara", email).await;
        ana.browser.get("/settings").await.is(200);
        let page = ana.browser.press("/settings/keys", &[("key_name", "ci")]).await.is(201).text();
        let example = page.split_once(r#"id="example" tabindex="0">"#).unwrap().1.split("</code>").next().unwrap();
        let example =
            [("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")].iter().fold(example.to_owned(), |text, (is, was)| text.replace(is, was));
        // What a shell makes of it, with another program in curl's place.
        let dir = town.database().dir.path().join("shell");
        std::fs::create_dir(&dir).unwrap();
        let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{example}");
        let ran = std::process::Command::new("sh").arg("-c").arg(&script).current_dir(&dir).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let body: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap_or_else(|e| panic!("{said}: {e}"));
        assert_eq!(body["to"][0], email);
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0, "something was run");
    })
    .await;
}
