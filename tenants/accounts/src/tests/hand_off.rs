use super::{facts, town::*};
use crate::{HAND_OFF_LIFE, HandOffBy, HandOffRefused, HandOffTo, SignedIn};
use keys::Token;
use store::Origin;

const HOST: &str = "post.acme.example";

/// The cookie that a browser has at the other host.
fn cookie(town: &Town) -> Token {
    Token::random(town.accounts.db.chance())
}

fn code(town: &Town, of: &SignedIn, host: &str, browser: &Token) -> String {
    town.accounts.hand_off(&of.caller, HandOffTo { host, browser: browser.hash(), next: "/messages/msg_1?a=b" }).expect("signed in")
}

async fn arrive(town: &Town, code: &str, host: &str, browser: &Token) -> Result<crate::Arrived, HandOffRefused> {
    town.accounts.arrive(code, (host, None), browser, None, from("192.0.2.9")).await
}

fn not_good(answer: Result<crate::Arrived, HandOffRefused>) -> bool {
    matches!(answer, Err(HandOffRefused::NotGood))
}

facts! {
    async fn a_code_signs_the_member_in_at_that_host_and_nowhere_else(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let browser = cookie(&town);
        let arrived = arrive(&town, &code(&town, &ana, HOST, &browser), HOST, &browser).await.unwrap();
        assert_eq!(arrived.next, "/messages/msg_1?a=b");
        assert!(matches!(arrived.by, HandOffBy::Session(_)));
        assert_eq!(arrived.signed_in.caller.member(), ana.caller.member());
        let token = arrived.signed_in.token;
        let desk = town.accounts.db.front_desk();
        assert!(desk.session_at(&token, HOST, Origin::default()).await.unwrap().is_some());
        assert!(desk.session_at(&token, "other.example", Origin::default()).await.unwrap().is_none());
        assert!(town.session(&token).await.is_none(), "it is nothing at the account host");
        assert!(desk.session_at(&ana.token, HOST, Origin::default()).await.unwrap().is_none());
        let parent = town.accounts.sessions(&ana.caller).await.unwrap();
        let hosts: Vec<_> = parent.iter().map(|session| (session.host.as_deref(), session.current)).collect();
        assert!(hosts.len() == 2 && hosts.contains(&(Some(HOST), false)) && hosts.contains(&(None, true)), "{hosts:?}");
    }

    async fn a_code_is_good_once(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let browser = cookie(&town);
        let code = code(&town, &ana, HOST, &browser);
        arrive(&town, &code, HOST, &browser).await.unwrap();
        assert!(not_good(arrive(&town, &code, HOST, &browser).await));
        assert_eq!(town.accounts.sessions(&ana.caller).await.unwrap().len(), 2);
    }

    async fn a_code_is_good_in_the_browser_that_asked_and_in_no_other(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        // A stranger's own code in a victim's browser would sign the victim in as the stranger.
        let (hers, victims) = (cookie(&town), cookie(&town));
        let code = code(&town, &ana, HOST, &hers);
        assert!(not_good(arrive(&town, &code, HOST, &victims).await));
        arrive(&town, &code, HOST, &hers).await.unwrap();
    }

    async fn a_code_is_good_at_its_own_host_alone(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let browser = cookie(&town);
        let code = code(&town, &ana, HOST, &browser);
        for host in ["other.example", "", "POST.acme.example", "post.acme.example."] {
            assert!(not_good(arrive(&town, &code, host, &browser).await), "{host}");
        }
        let eve = town.member("eve@example.org", PASSWORD).await;
        let of = (HOST, Some(eve.caller.tenant()));
        assert!(not_good(town.accounts.arrive(&code, of, &browser, None, Origin::default()).await), "the host is another tenant's by now");
    }

    async fn a_code_is_over_after_thirty_seconds(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let browser = cookie(&town);
        let code = code(&town, &ana, HOST, &browser);
        town.clock.advance(HAND_OFF_LIFE);
        assert!(not_good(arrive(&town, &code, HOST, &browser).await));
    }

    async fn a_code_ends_with_the_session_that_it_was_made_in(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let browser = cookie(&town);
        let first = code(&town, &ana, HOST, &browser);
        town.accounts.sign_out(&ana.caller).await.unwrap();
        assert!(not_good(arrive(&town, &first, HOST, &browser).await));
        let again = done(town.sign_in("ana@example.org", PASSWORD).await);
        let second = code(&town, &again, HOST, &browser);
        town.accounts.sign_out_everywhere(&again.caller).await.unwrap();
        assert!(not_good(arrive(&town, &second, HOST, &browser).await));
    }

    async fn signing_out_everywhere_ends_what_was_handed_over(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let browser = cookie(&town);
        let arrived = arrive(&town, &code(&town, &ana, HOST, &browser), HOST, &browser).await.unwrap();
        town.accounts.sign_out_everywhere(&ana.caller).await.unwrap();
        town.seen().await;
        let desk = town.accounts.db.front_desk();
        assert!(desk.session_at(&arrived.signed_in.token, HOST, Origin::default()).await.unwrap().is_none());
    }

    async fn a_session_of_another_host_hands_nobody_over(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let browser = cookie(&town);
        let there = arrive(&town, &code(&town, &ana, HOST, &browser), HOST, &browser).await.unwrap().signed_in;
        assert!(not_good(arrive(&town, &code(&town, &there, "", &browser), "", &browser).await), "or a tenant's host would open the account");
    }

    async fn a_suspended_tenant_s_code_is_no_good(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let browser = cookie(&town);
        let code = code(&town, &ana, HOST, &browser);
        town.accounts.db.front_desk().set_tenant_state(ana.caller.tenant(), "suspended").await.unwrap();
        assert!(not_good(arrive(&town, &code, HOST, &browser).await));
    }

    async fn who_proved_a_certificate_arrives_at_the_account_host_as_after_signing_in(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let browser = cookie(&town);
        let to = HandOffTo { host: "", browser: browser.hash(), next: "/sent" };
        let code = town.accounts.hand_off_by_certificate(ana.caller.tenant(), ana.caller.member().unwrap(), to);
        let arrived = arrive(&town, &code, "", &browser).await.unwrap();
        assert_eq!(arrived.by, HandOffBy::Certificate);
        assert!(town.session(&arrived.signed_in.token).await.is_some());
    }

    async fn a_code_with_one_character_changed_is_none(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let browser = cookie(&town);
        let code = code(&town, &ana, HOST, &browser);
        for i in (0..code.len()).step_by(7) {
            let mut bytes = code.clone().into_bytes();
            bytes[i] = if bytes[i] == b'A' { b'B' } else { b'A' };
            assert!(not_good(arrive(&town, &String::from_utf8(bytes).unwrap(), HOST, &browser).await), "{i}");
        }
        for text in ["", "a", "%", &"A".repeat(5_000)] {
            assert!(not_good(arrive(&town, text, HOST, &browser).await));
        }
        arrive(&town, &code, HOST, &browser).await.unwrap();
    }
}
