use super::{facts, town::*};
use crate::{PasswordRefused, SignInRefused};
use kernel::Fault;
use store::{NewJob, Origin};

const ANA: &str = "ana@example.org";

facts! {
    async fn a_reset_sets_the_password_and_ends_all_sessions_and_keys(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let key = town.accounts.create_key(&ana.caller, "laptop").await.unwrap();
        let other = done(town.sign_in(ANA, PASSWORD).await);
        for _ in 0..2 {
            town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
        }
        town.work().await;
        let tokens = town.tokens(ANA, "/reset/");
        let done_once = town.accounts.reset_password(&tokens[0], OTHER_PASSWORD, Origin::default()).await.unwrap();
        assert!(done_once.is_some());
        for token in [&ana.token, &other.token] {
            assert!(town.session(token).await.is_none());
        }
        for token in &tokens {
            let again = town.accounts.reset_password(token, "a third phrase of mine", Origin::default()).await.unwrap();
            assert!(again.is_none(), "neither the spent link nor its sister");
        }
        assert!(matches!(town.sign_in(ANA, PASSWORD).await, Err(SignInRefused::Wrong)));
        let fresh = done(town.sign_in(ANA, OTHER_PASSWORD).await);
        assert_eq!(town.accounts.keys(&fresh.caller).await.unwrap(), []);
        let key = crate::key_token(&key.secret).unwrap();
        assert!(town.accounts.db.front_desk().api_key(&key, Origin::default()).await.unwrap().is_none());
    }

    async fn a_strangers_sign_up_gains_nothing_when_its_victim_resets_the_password(town) {
        let eve = town.sign_up(ANA, PASSWORD).await;
        let held = NewJob { kind: "messages.notice", payload: "{}".into(), run_at: town.clock.now(), held: true, urgent: false };
        town.accounts.db.act::<_, Fault, _>(&eve.caller, async |tx| tx.later(held.clone()).await).await.unwrap();
        let key = town.accounts.create_key(&eve.caller, "eve's").await.unwrap();
        town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
        town.work().await;
        let (reset, prove) = (town.newest_token(ANA, "/reset/"), town.newest_token(ANA, "/prove/"));
        town.accounts.reset_password(&reset, OTHER_PASSWORD, Origin::default()).await.unwrap().unwrap();
        assert!(town.session(&eve.token).await.is_none(), "her session is over");
        let token = crate::key_token(&key.secret).unwrap();
        assert!(town.accounts.db.front_desk().api_key(&token, Origin::default()).await.unwrap().is_none(), "and so is her key");
        let ana = done(town.sign_in(ANA, OTHER_PASSWORD).await);
        assert!(!town.accounts.me(&ana.caller).await.unwrap().proven);
        assert_eq!((town.accounts.held_for_proof(&ana.caller).await.unwrap(), town.queued().await), (1, 0), "nothing has left");
        let proven = town.accounts.prove_address(&ana.caller, &prove).await.unwrap().unwrap();
        assert_eq!(proven.released, 1, "only the person herself lets it go");
    }

    async fn a_weak_new_password_is_refused_and_the_link_still_works(town) {
        town.member(ANA, PASSWORD).await;
        town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
        town.work().await;
        let token = town.newest_token(ANA, "/reset/");
        for weak in ["short", "passwordpassword", ANA] {
            let (refused, cost) = computations(town.accounts.reset_password(&token, weak, Origin::default())).await;
            assert_eq!((refused.unwrap_err().field(), cost), (Some("password"), 0), "{weak}");
        }
        assert!(town.accounts.reset_password(&token, OTHER_PASSWORD, Origin::default()).await.unwrap().is_some());
    }

    async fn a_reset_of_one_membership_leaves_the_other_alone(town) {
        let one = town.member(ANA, PASSWORD).await;
        let two = town.member(ANA, "second phrase of mine").await;
        town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
        town.work().await;
        let token = town.newest_token(ANA, "/reset/");
        town.accounts.reset_password(&token, OTHER_PASSWORD, Origin::default()).await.unwrap().unwrap();
        let alive = [town.session(&one.token).await.is_some(), town.session(&two.token).await.is_some()];
        assert_eq!(alive.iter().filter(|alive| **alive).count(), 1);
    }

    async fn changing_the_password_ends_api_keys_when_told_to_and_not_else(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let key = crate::key_token(&town.accounts.create_key(&ana.caller, "laptop").await.unwrap().secret).unwrap();
        let works = async || town.accounts.db.front_desk().api_key(&key, Origin::default()).await.unwrap().is_some();
        let ana = town.accounts.change_password(&ana.caller, PASSWORD, OTHER_PASSWORD, false).await.unwrap();
        town.seen().await;
        assert!(works().await, "programs go on working");
        town.accounts.change_password(&ana.caller, OTHER_PASSWORD, PASSWORD, true).await.unwrap();
        town.seen().await;
        assert!(!works().await);
    }

    async fn changing_the_password_keeps_this_browser_and_ends_the_others(town) {
        let one = town.member(ANA, PASSWORD).await;
        let two = done(town.sign_in(ANA, PASSWORD).await);
        let new = town.accounts.change_password(&two.caller, PASSWORD, OTHER_PASSWORD, false).await.unwrap();
        assert_ne!(new.token.as_bytes(), two.token.as_bytes());
        assert!(town.session(&one.token).await.is_none() && town.session(&two.token).await.is_none());
        assert!(town.session(&new.token).await.is_some());
        assert!(matches!(town.sign_in(ANA, PASSWORD).await, Err(SignInRefused::Wrong)));
        assert!(town.sign_in(ANA, OTHER_PASSWORD).await.is_ok());
    }

    async fn each_refusal_of_a_change_names_its_field(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let change = async |old: &str, new: &str| town.accounts.change_password(&ana.caller, old, new, false).await.unwrap_err();
        assert_eq!(change("wrong horse battery 7", OTHER_PASSWORD).await.field(), Some("old_password"));
        assert_eq!(change(PASSWORD, "short").await.field(), Some("password"));
        assert!(matches!(change(PASSWORD, PASSWORD).await, PasswordRefused::Same));
        assert!(town.session(&ana.token).await.is_some(), "and nothing has changed");
    }

    async fn guessing_the_old_password_in_a_stolen_session_is_braked(town) {
        let ana = town.member(ANA, PASSWORD).await;
        for _ in 0..10 {
            let wrong = town.accounts.change_password(&ana.caller, "wrong horse battery 7", OTHER_PASSWORD, false).await;
            assert!(matches!(wrong, Err(PasswordRefused::WrongOld)));
        }
        let held = town.accounts.change_password(&ana.caller, PASSWORD, OTHER_PASSWORD, false).await;
        assert!(matches!(held, Err(PasswordRefused::SlowDown { .. })));
    }

    async fn a_session_whose_password_was_changed_elsewhere_changes_nothing(town) {
        let one = town.member(ANA, PASSWORD).await;
        let two = done(town.sign_in(ANA, PASSWORD).await);
        town.accounts.change_password(&one.caller, PASSWORD, OTHER_PASSWORD, false).await.unwrap();
        // The old browser's request was already past the guard.
        let late = town.accounts.change_password(&two.caller, PASSWORD, "a third phrase of mine", false).await;
        assert!(matches!(late, Err(PasswordRefused::WrongOld)));
    }
}
