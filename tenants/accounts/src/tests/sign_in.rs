use super::{facts, town::*};
use crate::{SignIn, SignInRefused};
use std::time::Duration;
use store::{Origin, entity::member};

facts! {
    async fn the_right_password_signs_in_with_a_new_token(town) {
        let first = town.member("ana@example.org", PASSWORD).await;
        let second = done(town.sign_in("ANA@example.org ", PASSWORD).await);
        assert_ne!(first.token.as_bytes(), second.token.as_bytes());
        assert_eq!(town.session(&second.token).await.map(|c| c.member()), Some(first.caller.member()));
        assert!(town.session(&first.token).await.is_some(), "the other browser stays signed in");
    }

    async fn unknown_wrong_and_suspended_get_one_sentence_for_equal_work(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        town.member("twice@example.org", PASSWORD).await;
        town.member("twice@example.org", OTHER_PASSWORD).await;
        let eve = town.member("eve@example.org", PASSWORD).await;
        assert!(town.accounts.db.front_desk().set_tenant_state(eve.caller.tenant(), "suspended").await.unwrap());
        town.seen().await;
        let mut answers = Vec::new();
        for (email, password) in [
            ("nobody@example.org", PASSWORD),
            ("ana@example.org", "wrong horse battery 7"),
            ("twice@example.org", "wrong horse battery 7"),
            ("eve@example.org", OTHER_PASSWORD),
            ("not an address", PASSWORD),
            ("ana@example.org", ""),
            ("ana@example.org", &"x".repeat(100_000)),
        ] {
            let (answer, cost) = computations(town.sign_in(email, password)).await;
            answers.push((answer.unwrap_err().to_string(), cost));
        }
        assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
        assert_eq!(answers[0], (SignInRefused::Wrong.to_string(), 5));
        let (suspended, cost) = computations(town.sign_in("eve@example.org", PASSWORD)).await;
        assert!(matches!(suspended, Err(SignInRefused::Suspended)), "who has the password is told what is true");
        assert_eq!(cost, 5);
        let (right, cost) = computations(town.sign_in("ana@example.org", PASSWORD)).await;
        assert_eq!((done(right).caller.tenant(), cost), (ana.caller.tenant(), 5), "nor does success cost less");
    }

    async fn a_tenant_that_is_named_costs_one_computation_known_or_not(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let bob = town.member("bob@example.org", PASSWORD).await;
        for (email, tenant) in [("ana@example.org", ana.caller.tenant()), ("ana@example.org", bob.caller.tenant()), ("no@example.org", ana.caller.tenant())] {
            let (_, cost) = computations(town.sign_in_to(email, PASSWORD, Some(tenant))).await;
            assert_eq!(cost, 1);
        }
        assert!(town.sign_in_to("ana@example.org", PASSWORD, Some(ana.caller.tenant())).await.is_ok());
        assert!(matches!(town.sign_in_to("ana@example.org", PASSWORD, Some(bob.caller.tenant())).await, Err(SignInRefused::Wrong)));
    }

    async fn a_password_that_fits_several_tenants_asks_which(town) {
        let one = town.member("ana@example.org", PASSWORD).await.caller.tenant();
        let two = town.member("ana@example.org", PASSWORD).await.caller.tenant();
        let other = town.member("ana@example.org", OTHER_PASSWORD).await.caller.tenant();
        let Ok(SignIn::Choose(choice)) = town.sign_in("ana@example.org", PASSWORD).await else { panic!("no choice") };
        let mut offered: Vec<_> = choice.iter().map(|(id, _)| *id).collect();
        offered.sort();
        assert_eq!(offered, [one, two], "and not the one with another password");
        assert!(choice.iter().all(|(_, name)| name == "Ana Brandt"));
        assert_eq!(done(town.sign_in_to("ana@example.org", PASSWORD, Some(two)).await).caller.tenant(), two);
        assert_eq!(done(town.sign_in("ana@example.org", OTHER_PASSWORD).await).caller.tenant(), other);
    }

    async fn strangers_who_sign_up_my_address_do_not_crowd_me_out(town) {
        let mine = town.member("ana@example.org", PASSWORD).await.caller.tenant();
        for _ in 0..4 {
            town.clock.advance(Duration::from_secs(86_400));
            for _ in 0..2 {
                town.sign_up("ana@example.org", OTHER_PASSWORD).await;
            }
        }
        assert_eq!(done(town.sign_in("ana@example.org", PASSWORD).await).caller.tenant(), mine);
    }

    async fn ten_tries_a_quarter_of_an_hour_whether_the_account_exists_or_not(town) {
        town.member("ana@example.org", PASSWORD).await;
        for email in ["ana@example.org", "nobody@example.org"] {
            for n in 0..10 {
                let wrong = town.accounts.sign_in(email, "wrong horse battery 7", None, None, from(&format!("198.51.100.{n}"))).await;
                assert!(matches!(wrong, Err(SignInRefused::Wrong)), "{n}");
            }
            let (held, cost) = computations(town.accounts.sign_in(email, PASSWORD, None, None, from("198.51.100.99"))).await;
            assert!(matches!(held, Err(SignInRefused::SlowDown { .. })), "also the right password waits");
            assert_eq!(cost, 0);
        }
        town.clock.advance(Duration::from_secs(900));
        assert!(town.sign_in("ana@example.org", PASSWORD).await.is_ok());
    }

    async fn what_is_no_address_is_counted_for_its_network_alone(town) {
        let slip = async |ip: &str| town.accounts.sign_in("bob@nowhere", PASSWORD, None, None, from(ip)).await;
        for _ in 0..10 {
            assert!(matches!(slip("192.0.2.1").await, Err(SignInRefused::Wrong)));
        }
        assert!(matches!(slip("192.0.2.1").await, Err(SignInRefused::SlowDown { .. })));
        assert!(matches!(slip("192.0.2.2").await, Err(SignInRefused::Wrong)), "another's slips are not theirs");
    }

    async fn a_held_network_does_not_use_up_the_tries_of_an_account(town) {
        town.member("ana@example.org", PASSWORD).await;
        for n in 0..60 {
            let _ = town.accounts.sign_in(&format!("x{n}@example.org"), PASSWORD, None, None, from("203.0.113.5")).await;
        }
        for _ in 0..20 {
            let held = town.accounts.sign_in("ana@example.org", "wrong horse battery 7", None, None, from("203.0.113.5")).await;
            assert!(matches!(held, Err(SignInRefused::SlowDown { .. })));
        }
        assert!(town.sign_in("ana@example.org", PASSWORD).await.is_ok());
    }

    async fn an_invited_or_suspended_member_does_not_get_in(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        for (state, told) in [("invited", SignInRefused::Wrong), ("suspended", SignInRefused::Suspended)] {
            let set = async |tx: &mut store::TenantTx| tx.update::<member::Entity>().set(member::Column::State, state).exec().await;
            town.accounts.db.act::<_, kernel::Fault, _>(&town.house(&ana.caller), set).await.unwrap();
            assert_eq!(town.sign_in("ana@example.org", PASSWORD).await.unwrap_err().to_string(), told.to_string(), "{state}");
            assert!(town.session(&ana.token).await.is_none(), "{state}: and the old session is over");
        }
    }

    async fn a_sign_in_from_nowhere_is_counted_too(town) {
        for _ in 0..60 {
            let _ = town.accounts.sign_in("no address", PASSWORD, None, None, Origin::default()).await;
        }
        let held = town.accounts.sign_in("other@example.org", PASSWORD, None, None, Origin::default()).await;
        assert!(matches!(held, Err(SignInRefused::SlowDown { .. })));
    }
}
