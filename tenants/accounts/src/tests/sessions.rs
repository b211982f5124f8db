use super::{facts, town::*};
use crate::SESSION_LIFE;
use kernel::{FaultKind, Time};
use std::time::Duration;

facts! {
    async fn signing_out_ends_this_session_and_no_other(town) {
        let one = town.member("ana@example.org", PASSWORD).await;
        let two = done(town.sign_in("ana@example.org", PASSWORD).await);
        town.accounts.sign_out(&one.caller).await.unwrap();
        assert!(town.session(&one.token).await.is_none());
        assert!(town.session(&two.token).await.is_some());
        let again = town.accounts.sign_out(&one.caller).await;
        assert_eq!(again.err().map(|fault| fault.kind()), Some(FaultKind::Ended), "who is out does nothing more");
    }

    async fn signing_out_everywhere_ends_them_all_and_the_epoch_catches_the_rest(town) {
        let one = town.member("ana@example.org", PASSWORD).await;
        let two = done(town.sign_in("ana@example.org", PASSWORD).await);
        // A session that was being opened at that moment, under the old epoch.
        let member = one.caller.member().unwrap();
        town.accounts.sign_out_everywhere(&two.caller).await.unwrap();
        let late = town.accounts.db.act(&town.house(&two.caller), async |tx| crate::session::open(tx, member, 1, None, None).await).await.unwrap();
        for token in [&one.token, &two.token, &late.session] {
            assert!(town.session(token).await.is_none());
        }
        let again = done(town.sign_in("ana@example.org", PASSWORD).await);
        assert_eq!(town.accounts.sessions(&again.caller).await.unwrap().len(), 1);
    }

    async fn sessions_are_listed_and_ended_one_by_one(town) {
        let one = town.member("ana@example.org", PASSWORD).await;
        town.clock.advance(Duration::from_secs(60));
        let two = done(town.sign_in("ana@example.org", PASSWORD).await);
        let listed = town.accounts.sessions(&two.caller).await.unwrap();
        assert_eq!(listed.iter().map(|s| s.current).collect::<Vec<_>>(), [true, false]);
        let other = listed[1].id;
        assert!(town.accounts.revoke_session(&two.caller, other).await.unwrap());
        assert!(!town.accounts.revoke_session(&two.caller, other).await.unwrap());
        assert!(town.session(&one.token).await.is_none());
        assert!(town.session(&two.token).await.is_some());
    }

    async fn a_session_of_another_tenant_is_not_found(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let eve = town.member("eve@example.org", PASSWORD).await;
        let hers = town.accounts.sessions(&ana.caller).await.unwrap()[0].id;
        assert!(!town.accounts.revoke_session(&eve.caller, hers).await.unwrap());
        assert!(town.session(&ana.token).await.is_some());
        assert_eq!(town.accounts.sessions(&eve.caller).await.unwrap().len(), 1);
    }

    async fn a_session_ends_after_thirty_days_used_or_not(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let ends_at = |since: Time| since.plus(SESSION_LIFE);
        let until = ends_at(town.accounts.sessions(&ana.caller).await.unwrap()[0].created_at);
        while town.clock.now() < until.minus(Duration::from_secs(86_400)) {
            assert!(town.session(&ana.token).await.is_some(), "in use at {}", town.clock.now());
            town.clock.advance(Duration::from_secs(86_400));
        }
        town.clock.advance(Duration::from_secs(86_400));
        assert!(town.session(&ana.token).await.is_none());
        let fresh = done(town.sign_in("ana@example.org", PASSWORD).await);
        assert_eq!(town.accounts.sessions(&fresh.caller).await.unwrap().len(), 1, "the row of the one that is over was swept");
    }

    async fn a_new_name_shows_at_once_and_the_tenant_goes_along_while_it_has_the_same(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        town.accounts.rename(&ana.caller, " Ana Keller ").await.unwrap();
        let me = town.accounts.me(&ana.caller).await.unwrap();
        assert_eq!((me.name.as_str(), me.tenant_name.as_str()), ("Ana Keller", "Ana Keller"));
        let refused = town.accounts.rename(&ana.caller, "a\nb").await.unwrap_err();
        assert_eq!(refused.to_string(), "The name has a line break in it; it must be one line.");
        assert!(refused.is_about_the_field());
    }

    async fn an_organisation_has_a_name_of_its_own_until_it_is_taken_away(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        town.accounts.rename_tenant(&ana.caller, " Acme Tax Advisers ").await.unwrap();
        town.accounts.rename(&ana.caller, "Ana Keller").await.unwrap();
        let me = town.accounts.me(&ana.caller).await.unwrap();
        assert_eq!((me.name.as_str(), me.tenant_name.as_str()), ("Ana Keller", "Acme Tax Advisers"));
        for bad in ["see evil.example", "Countersign", "a\nb"] {
            let refused = town.accounts.rename_tenant(&ana.caller, bad).await.unwrap_err();
            assert!(refused.is_about_the_field(), "{bad}: {refused}");
        }
        town.accounts.rename_tenant(&ana.caller, "  ").await.unwrap();
        assert_eq!(town.accounts.me(&ana.caller).await.unwrap().tenant_name, "Ana Keller");
    }
}
