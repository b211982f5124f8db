use super::{facts, town::*};
use crate::{ForgotRefused, LinkPurpose, PROVE_LINK_LIFE, ProofRefused, RESET_LINK_LIFE};
use kernel::{Chance, Fault};
use keys::Token;
use mail::{Outcome, SmtpAnswer};
use std::{sync::Arc, time::Duration};
use store::{
    NewJob, Origin,
    entity::{job, member},
};

const ANA: &str = "ana@example.org";

facts! {
    async fn proving_the_address_works_once_and_releases_what_was_held(town) {
        let ana = town.sign_up(ANA, PASSWORD).await;
        let held = NewJob { kind: "messages.notice", payload: "{}".into(), run_at: town.clock.now(), held: true, urgent: false };
        town.accounts.db.act::<_, Fault, _>(&ana.caller, async |tx| tx.later(held.clone()).await).await.unwrap();
        town.work().await;
        let token = town.newest_token(ANA, "/prove/");
        let proven = town.accounts.prove_address(&ana.caller, &token).await.unwrap().unwrap();
        assert_eq!((proven.email.as_str(), proven.name.as_str(), proven.released), (ANA, "Ana Brandt", 1));
        assert!(town.accounts.me(&ana.caller).await.unwrap().proven);
        assert_eq!(town.accounts.prove_address(&ana.caller, &token).await.unwrap(), None);
        let released = town.accounts.db.jobs().claim(10, Duration::from_secs(60)).await.unwrap();
        assert_eq!(released.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>(), ["messages.notice"]);
        let caller = town.session(&ana.token).await.unwrap();
        assert!(matches!(caller.who(), store::Who::Member { proven: true, .. }));
    }

    async fn reading_a_link_changes_nothing(town) {
        let ana = town.sign_up(ANA, PASSWORD).await;
        town.work().await;
        let token = town.newest_token(ANA, "/prove/");
        for _ in 0..3 {
            let view = town.accounts.read_link(&token, Origin::default()).await.unwrap().unwrap();
            assert_eq!((view.purpose, view.email.as_str(), view.name.as_str()), (LinkPurpose::ProveAddress, ANA, "Ana Brandt"));
        }
        assert!(town.accounts.prove_address(&ana.caller, &token).await.unwrap().is_some());
        assert_eq!(town.accounts.read_link(&token, Origin::default()).await.unwrap(), None);
    }

    async fn of_two_at_once_one_spends_the_link(town) {
        let ana = town.sign_up(ANA, PASSWORD).await;
        town.work().await;
        let token = Arc::new(town.newest_token(ANA, "/prove/"));
        let tries = (0..8).map(|_| {
            let (accounts, ana, token) = (town.accounts.clone(), ana.clone(), token.clone());
            tokio::spawn(async move { accounts.prove_address(&ana.caller, &token).await.unwrap().is_some() })
        });
        let mut spent = 0;
        for each in tries.collect::<Vec<_>>() {
            spent += usize::from(each.await.unwrap());
        }
        assert_eq!(spent, 1);
    }

    async fn the_link_proves_nothing_without_the_password_of_its_account(town) {
        let ana = town.sign_up(ANA, PASSWORD).await;
        town.work().await;
        let token = town.newest_token(ANA, "/prove/");
        let eve = town.member("eve@example.org", PASSWORD).await;
        let twin = town.sign_up(ANA, OTHER_PASSWORD).await;
        let system = town.accounts.db.front_desk().system(ana.caller.tenant());
        for caller in [&eve.caller, &twin.caller, &system] {
            assert!(!town.accounts.owns_link(caller, &token).await.unwrap());
            assert_eq!(town.accounts.prove_address(caller, &token).await.unwrap(), None);
        }
        assert!(!town.accounts.me(&ana.caller).await.unwrap().proven);
        assert!(town.accounts.owns_link(&ana.caller, &token).await.unwrap());
        assert!(town.accounts.prove_address(&ana.caller, &token).await.unwrap().is_some());
    }

    async fn a_link_with_one_character_changed_is_nobodys(town) {
        let ana = town.sign_up(ANA, PASSWORD).await;
        town.work().await;
        let text = town.newest_token(ANA, "/prove/").to_string();
        let changed = format!("{}{}", if text.starts_with('A') { 'B' } else { 'A' }, &text[1..]);
        for token in [changed.parse().unwrap(), Token::random(&Chance::seeded(99))] {
            assert_eq!(town.accounts.read_link(&token, Origin::default()).await.unwrap(), None);
            assert_eq!(town.accounts.prove_address(&ana.caller, &token).await.unwrap(), None);
            assert!(town.accounts.reset_password(&token, OTHER_PASSWORD, Origin::default()).await.unwrap().is_none());
        }
    }

    async fn links_end_after_their_time_to_the_millisecond(town) {
        let ana = town.sign_up(ANA, PASSWORD).await;
        town.work().await;
        town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
        town.work().await;
        let (prove, reset) = (town.newest_token(ANA, "/prove/"), town.newest_token(ANA, "/reset/"));
        let alive = async |token: &Token| town.accounts.read_link(token, Origin::default()).await.unwrap().is_some();
        town.clock.advance(RESET_LINK_LIFE - Duration::from_millis(1));
        assert!(alive(&reset).await);
        town.clock.advance(Duration::from_millis(1));
        assert!(!alive(&reset).await);
        assert!(town.accounts.reset_password(&reset, OTHER_PASSWORD, Origin::default()).await.unwrap().is_none());
        town.clock.advance(PROVE_LINK_LIFE - RESET_LINK_LIFE - Duration::from_millis(1));
        assert!(alive(&prove).await);
        town.clock.advance(Duration::from_millis(1));
        assert_eq!(town.accounts.prove_address(&ana.caller, &prove).await.unwrap(), None);
    }

    async fn a_link_serves_its_own_purpose_alone(town) {
        let ana = town.sign_up(ANA, PASSWORD).await;
        town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
        town.work().await;
        let (prove, reset) = (town.newest_token(ANA, "/prove/"), town.newest_token(ANA, "/reset/"));
        assert!(town.accounts.reset_password(&prove, OTHER_PASSWORD, Origin::default()).await.unwrap().is_none());
        assert_eq!(town.accounts.prove_address(&ana.caller, &reset).await.unwrap(), None);
        assert!(town.accounts.prove_address(&ana.caller, &prove).await.unwrap().is_some());
        assert!(town.accounts.reset_password(&reset, OTHER_PASSWORD, Origin::default()).await.unwrap().is_some());
    }

    async fn forgetting_answers_known_and_unknown_alike_for_equal_writes(town) {
        let oldest = town.member(ANA, PASSWORD).await;
        town.member("twice@example.org", PASSWORD).await;
        town.member("twice@example.org", OTHER_PASSWORD).await;
        town.mailbox.clear();
        let mut done = Vec::new();
        for email in [ANA, "twice@example.org", "nobody@example.org"] {
            let before = (town.queued().await, town.accounts.db.stats().commits);
            let (answer, cost) = computations(town.accounts.forgot_password(email, from("192.0.2.1"))).await;
            assert!(answer.is_ok());
            assert_eq!(cost, 0);
            done.push((town.queued().await - before.0, town.accounts.db.stats().commits - before.1));
        }
        assert!(done.iter().all(|one| *one == done[0] && one.0 == 1), "jobs and commits: {done:?}");
        let system = town.accounts.db.front_desk().system(oldest.caller.tenant());
        let jobs = town.accounts.db.read::<_, Fault, _>(&system, async |read| read.find::<job::Entity>().all().await).await.unwrap();
        assert_eq!(jobs.len(), 3);
        assert!(jobs.iter().all(|job| !job.payload.contains("example.org")), "{jobs:?}");
        town.work().await;
        assert_eq!(town.tokens(ANA, "/reset/").len(), 1);
        assert_eq!(town.tokens("twice@example.org", "/reset/").len(), 2, "one a membership");
        assert_eq!(town.letters_to("nobody@example.org").len(), 0);
    }

    async fn forgetting_is_braked_and_a_bad_address_said_so(town) {
        for _ in 0..3 {
            town.accounts.forgot_password("nobody@example.org", from("192.0.2.1")).await.unwrap();
        }
        let held = town.accounts.forgot_password("Nobody@example.org", from("192.0.2.2")).await;
        assert!(matches!(held, Err(ForgotRefused::SlowDown { .. })));
        let bad = town.accounts.forgot_password("nobody", from("192.0.2.3")).await.unwrap_err();
        assert_eq!(bad.field(), Some("email"));
    }

    async fn tags_that_a_stranger_makes_up_are_counted_together_and_leave_the_plain_address_its_own(town) {
        for n in 0..10 {
            town.accounts.forgot_password(&format!("bob+{n}@example.org"), from("192.0.2.1")).await.unwrap();
        }
        let held = town.accounts.forgot_password("bob+10@example.org", from("192.0.2.2")).await;
        assert!(matches!(held, Err(ForgotRefused::SlowDown { .. })));
        for _ in 0..3 {
            town.accounts.forgot_password("bob@example.org", from("192.0.2.2")).await.unwrap();
        }
        town.work().await;
    }

    async fn another_proof_can_be_asked_for_until_the_address_is_proven(town) {
        let ana = town.sign_up(ANA, PASSWORD).await;
        town.accounts.send_proof_again(&ana.caller).await.unwrap();
        town.work().await;
        let tokens = town.tokens(ANA, "/prove/");
        assert_eq!(tokens.len(), 2);
        assert!(town.accounts.prove_address(&ana.caller, &tokens[0]).await.unwrap().is_some(), "the older one too");
        for _ in 0..5 {
            assert!(matches!(town.accounts.send_proof_again(&ana.caller).await, Err(ProofRefused::AlreadyProven)));
        }
    }

    async fn a_proof_is_mailed_again_three_times_an_hour_and_five_a_day_to_an_address_whatever_its_accounts(town) {
        let ana = town.sign_up(ANA, PASSWORD).await;
        let twin = town.sign_up(ANA, OTHER_PASSWORD).await;
        let again = async |who: &crate::SignedIn| town.accounts.send_proof_again(&who.caller).await;
        for _ in 0..3 {
            again(&ana).await.unwrap();
        }
        assert_eq!(
            again(&ana).await.unwrap_err().to_string(),
            "The link was mailed several times already. Look into the spam folder too; after 11:00 UTC on 31 January you can ask for another."
        );
        for _ in 0..2 {
            again(&twin).await.unwrap();
        }
        assert!(again(&twin).await.unwrap_err().to_string().contains("after 10:00 UTC on 1 February"));
        town.clock.advance(Duration::from_secs(3_600));
        assert!(matches!(again(&ana).await, Err(ProofRefused::SlowDown { .. })), "the address has had its five");
        town.work().await;
        assert_eq!(town.tokens(ANA, "/prove/").len(), 2 + 5);
        let bob = town.sign_up("bob@example.org", PASSWORD).await;
        again(&bob).await.unwrap();
        town.clock.advance(Duration::from_secs(86_400 - 3_600));
        again(&ana).await.unwrap();
        town.work().await;
    }

    async fn who_is_suspended_or_only_invited_is_mailed_nothing(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let set = async |state: &str| {
            let set = async |tx: &mut store::TenantTx| tx.update::<member::Entity>().set(member::Column::State, state).exec().await;
            town.accounts.db.act::<_, Fault, _>(&town.house(&ana.caller), set).await.unwrap();
        };
        // Asked for while all was well; the mail was still to go when it no longer was.
        town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
        town.mailbox.clear();
        for state in ["suspended", "invited"] {
            set(state).await;
            town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
            town.work().await;
            assert_eq!(town.letters_to(ANA).len(), 0, "{state}");
        }
        set("active").await;
        assert!(town.accounts.db.front_desk().set_tenant_state(ana.caller.tenant(), "suspended").await.unwrap());
        town.clock.advance(Duration::from_secs(3_600));
        town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
        town.work().await;
        assert_eq!(town.letters_to(ANA).len(), 0, "nor while the tenant is suspended");
        assert!(town.accounts.db.front_desk().set_tenant_state(ana.caller.tenant(), "active").await.unwrap());
        town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
        town.work().await;
        assert_eq!(town.tokens(ANA, "/reset/").len(), 1);
    }

    async fn a_letter_that_may_have_been_taken_goes_again_as_the_same_letter(town) {
        town.mailbox.answer_next(Outcome::Unknown("the connection broke".into()));
        town.sign_up(ANA, PASSWORD).await;
        town.work().await;
        assert_eq!(town.letters_to(ANA).len(), 1);
        town.clock.advance(Duration::from_secs(30));
        town.work().await;
        let letters = town.letters_to(ANA);
        assert_eq!(letters.len(), 2);
        assert_eq!(letters[0], letters[1], "with the same Message-ID and date");
    }

    async fn a_letter_refused_for_good_is_not_tried_again(town) {
        town.mailbox.answer_next_to(&ANA.parse().unwrap(), Outcome::Failed(SmtpAnswer::new(550, "no such user", "mx")));
        town.sign_up(ANA, PASSWORD).await;
        town.work().await;
        let counts = town.accounts.db.jobs().counts().await.unwrap();
        assert_eq!((counts.queued, counts.running, counts.parked), (0, 0, 0));
        assert_eq!(town.letters_to(ANA).len(), 0);
    }

    async fn the_mail_of_a_link_that_is_over_is_not_sent(town) {
        town.sign_up(ANA, PASSWORD).await;
        town.accounts.forgot_password(ANA, from("192.0.2.1")).await.unwrap();
        town.clock.advance(RESET_LINK_LIFE);
        town.work().await;
        assert_eq!((town.tokens(ANA, "/reset/").len(), town.tokens(ANA, "/prove/").len()), (0, 1));
    }
}
