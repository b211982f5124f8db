//! A browser that an account knows, and those who guess at its password.

use tests::{Browser, Member, Town, on_both};

const DEVICE: &str = "__Host-device";

async fn guess(browser: &Browser, email: &str) -> u16 {
    browser.get("/sign-in").await.is(200);
    browser.press("/sign-in", &[("email", email), ("password", "a guess, and a wrong one")]).await.status.as_u16()
}

async fn right(browser: &Browser, member: &Member) -> u16 {
    browser.get("/sign-in").await.is(200);
    let fields = [("email", member.email.as_str()), ("password", tests::PASSWORD)];
    browser.press("/sign-in", &fields).await.status.as_u16()
}

fn device(browser: &Browser) -> String {
    let line = browser.cookie_line();
    line.split("; ").find_map(|pair| pair.strip_prefix(&format!("{DEVICE}="))).expect("the account knows this browser").to_owned()
}

#[tokio::test]
async fn a_strangers_guesses_do_not_lock_the_owner_out_of_their_own_browser() {
    on_both(async |town: Town| {
        let (ana, eve) = (town.member("ana@acme.example").await, town.member("eve@bolt.example").await);
        let known = device(&ana.browser);
        ana.browser.get("/settings").await.is(200);
        ana.browser.press("/sign-out", &[]).await.is(303);
        assert_eq!(device(&ana.browser), known, "signing out does not forget the browser");
        for _ in 0..10 {
            assert_eq!(guess(&town.browser(), &ana.email).await, 422);
        }
        assert_eq!(right(&town.browser(), &ana).await, 429, "elsewhere one waits");
        assert_eq!(right(&ana.browser, &ana).await, 303, "here one does not");
        assert_eq!(device(&ana.browser), known);

        for forged in ["", "x", &"A".repeat(43), &device(&eve.browser)] {
            let browser = town.browser();
            browser.set_cookie(DEVICE, forged);
            assert_eq!(right(&browser, &ana).await, 429, "“{forged}” is not known");
        }
        let thief = town.browser();
        thief.set_cookie(DEVICE, &known);
        assert!(thief.get("/settings").await.to().starts_with("/sign-in"), "the cookie opens nothing");
        for _ in 0..10 {
            assert_eq!(guess(&thief, &ana.email).await, 422);
        }
        assert_eq!(guess(&thief, &ana.email).await, 429, "and has ten guesses");
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_reset_forgets_every_browser() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let other = town.browser();
        other.get("/forgot").await.is(200);
        other.press("/forgot", &[("email", &ana.email)]).await.is(200);
        town.run_jobs().await;
        let link = town.newest_to(&ana.email).link("/reset/");
        other.get(&link).await.is(200);
        other.press(&link, &[("password", tests::PASSWORD)]).await.is(303);
        for _ in 0..10 {
            assert_eq!(guess(&town.browser(), &ana.email).await, 422);
        }
        assert_eq!(right(&ana.browser, &ana).await, 429);
    })
    .await;
}
