use super::{facts, town::*};
use crate::{DEVICE_LIFE, SignIn, SignInRefused};
use kernel::Chance;
use keys::Token;
use std::time::Duration;
use store::{Origin, entity::device};

const ANA: &str = "ana@example.org";
const WRONG: &str = "wrong horse battery 7";
const QUARTER: Duration = Duration::from_secs(900);

async fn with(town: &Town, device: &Token, email: &str, password: &str) -> Result<SignIn, SignInRefused> {
    town.accounts.sign_in(email, password, None, Some(device), from("192.0.2.1")).await
}

/// Strangers everywhere guess until the account's guesses are used up.
async fn guess_out(town: &Town, email: &str) {
    for n in 0..11 {
        let guess = town.accounts.sign_in(email, WRONG, None, None, from(&format!("198.51.100.{n}"))).await;
        if is_held(&guess) {
            return;
        }
    }
    panic!("nobody is held")
}

fn is_held(answer: &Result<SignIn, SignInRefused>) -> bool {
    matches!(answer, Err(SignInRefused::SlowDown { .. }))
}

facts! {
    async fn strangers_do_not_hold_out_a_browser_that_signed_in_before(town) {
        let ana = town.member(ANA, PASSWORD).await;
        guess_out(&town, ANA).await;
        assert!(is_held(&town.sign_in(ANA, PASSWORD).await), "a browser that nobody knows waits");
        let (answer, cost) = computations(with(&town, &ana.device, ANA, PASSWORD)).await;
        let again = done(answer);
        assert_eq!((again.caller.member(), cost), (ana.caller.member(), 5));
        assert_eq!(again.device, ana.device, "it goes on being known by the same");
        assert!(matches!(with(&town, &ana.device, ANA, WRONG).await, Err(SignInRefused::Wrong)));
    }

    async fn a_stolen_device_gives_ten_guesses_and_opens_nothing(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let phone = done(town.sign_in(ANA, PASSWORD).await);
        assert_ne!(phone.device, ana.device);
        guess_out(&town, ANA).await;
        for n in 0..10 {
            assert!(matches!(with(&town, &ana.device, ANA, WRONG).await, Err(SignInRefused::Wrong)), "{n}");
        }
        let (held, cost) = computations(with(&town, &ana.device, ANA, PASSWORD)).await;
        assert!(is_held(&held) && cost == 0, "also the right password waits");
        assert!(with(&town, &phone.device, ANA, PASSWORD).await.is_ok(), "another known browser has guesses of its own");
        let desk = town.accounts.db.front_desk();
        assert!(desk.session(&ana.device, Origin::default()).await.unwrap().is_none());
        assert!(desk.api_key(&ana.device, Origin::default()).await.unwrap().is_none());
        assert!(desk.pickup(&ana.device, Origin::default()).await.unwrap().is_none());
        assert!(desk.mailed_link(&ana.device, Origin::default()).await.unwrap().is_none());
        town.clock.advance(QUARTER);
        assert!(with(&town, &ana.device, ANA, PASSWORD).await.is_ok());
    }

    async fn a_forged_device_and_another_accounts_are_none(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let eve = town.member("eve@example.org", PASSWORD).await;
        guess_out(&town, ANA).await;
        let text = ana.device.to_string();
        let changed = format!("{}{}", if text.starts_with('A') { 'B' } else { 'A' }, &text[1..]).parse().unwrap();
        for forged in [Token::random(&Chance::seeded(99)), eve.device.clone(), ana.token.clone(), changed] {
            let (answer, cost) = computations(with(&town, &forged, ANA, PASSWORD)).await;
            assert!(is_held(&answer) && cost == 0);
            let known = town.accounts.db.front_desk().devices(&forged, &ANA.parse().unwrap()).await.unwrap();
            assert_eq!(known, [], "the room has nobody to look up, so it takes no longer than for an address that nobody has");
        }
        assert!(with(&town, &eve.device, "eve@example.org", PASSWORD).await.is_ok());
    }

    async fn who_signs_up_my_address_gains_no_guess_at_my_password(town) {
        let mine = town.member(ANA, PASSWORD).await.caller.tenant();
        let eve = town.sign_up(ANA, OTHER_PASSWORD).await;
        guess_out(&town, ANA).await;
        assert!(matches!(with(&town, &eve.device, ANA, PASSWORD).await, Err(SignInRefused::Wrong)), "even the right one");
        let named = town.accounts.sign_in(ANA, PASSWORD, Some(mine), Some(&eve.device), from("192.0.2.1")).await;
        assert!(is_held(&named));
        assert_eq!(done(with(&town, &eve.device, ANA, OTHER_PASSWORD).await).caller.tenant(), eve.caller.tenant());
    }

    async fn one_browser_is_known_to_everybody_who_signed_in_at_it(town) {
        let ana = town.member(ANA, PASSWORD).await;
        town.member("bob@example.org", PASSWORD).await;
        let bob = done(with(&town, &ana.device, "bob@example.org", PASSWORD).await);
        assert_eq!(bob.device, ana.device);
        for email in [ANA, "bob@example.org"] {
            guess_out(&town, email).await;
            assert!(with(&town, &ana.device, email, PASSWORD).await.is_ok(), "{email}");
        }
    }

    async fn a_new_password_forgets_every_browser(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let new = town.accounts.change_password(&ana.caller, PASSWORD, OTHER_PASSWORD, false).await.unwrap();
        guess_out(&town, ANA).await;
        assert!(is_held(&with(&town, &ana.device, ANA, OTHER_PASSWORD).await));
        assert!(with(&town, &new.device, ANA, OTHER_PASSWORD).await.is_ok(), "but for the one at which it was changed");
        town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
        town.work().await;
        let link = town.newest_token(ANA, "/reset/");
        town.accounts.reset_password(&link, PASSWORD, Origin::default()).await.unwrap().unwrap();
        assert!(is_held(&with(&town, &new.device, ANA, PASSWORD).await), "a reset leaves none");
    }

    async fn a_browser_is_known_for_a_year(town) {
        let ana = town.sign_up(ANA, PASSWORD).await;
        town.clock.advance(DEVICE_LIFE - Duration::from_secs(60));
        guess_out(&town, ANA).await;
        assert!(with(&town, &ana.device, ANA, WRONG).await.is_err_and(|e| matches!(e, SignInRefused::Wrong)));
        town.clock.advance(Duration::from_secs(60));
        assert!(is_held(&with(&town, &ana.device, ANA, WRONG).await));
        town.clock.advance(Duration::from_millis(1));
        let left = town.accounts.db.act::<_, kernel::Fault, _>(&ana.caller, async |tx| {
            crate::sweep(tx).await?;
            tx.find::<device::Entity>().count().await
        });
        assert_eq!(left.await.unwrap(), 0);
    }

    async fn twenty_browsers_are_known_and_the_oldest_makes_room(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let mut second = None;
        for _ in 0..20 {
            town.clock.advance(QUARTER);
            second.get_or_insert(done(town.sign_in(ANA, PASSWORD).await).device);
        }
        guess_out(&town, ANA).await;
        assert!(is_held(&with(&town, &ana.device, ANA, PASSWORD).await));
        assert!(with(&town, &second.unwrap(), ANA, PASSWORD).await.is_ok());
    }
}
