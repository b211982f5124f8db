//! Whose a certificate is.

use super::{
    town::*,
    workshop::{CA, PERSON},
};
use crate::{BadCertificate, EnrolRefused, NotFound, Rules, SetRefused, host_of};
use accounts::TicketFor;
use kernel::Time;
use std::time::Duration;
use store::{Origin, WantedBy};

fn by_address() -> Rules {
    Rules { maps_by_address: true, ..Rules::default() }
}
fn said(bad: BadCertificate) -> Result<String, String> {
    Err(bad.to_string())
}
fn nobodys() -> Result<String, String> {
    Err(NotFound::Nobodys.to_string())
}

facts! {
    async fn an_enrolled_certificate_signs_its_member_in_and_at_no_other_tenants_host(town) {
        let (ana, eve) = (town.owner("ana@example.org").await, town.owner("eve@example.org").await);
        let (root, other) = (town.shop.root("root", "Acme", 300, CA), town.shop.root("other", "Acme", 300, CA));
        let card = town.shop.issue("ana", "root", 30, PERSON);
        town.accept(&ana, &root.pem, Rules::default()).await;
        town.accept(&eve, &other.pem, by_address()).await;
        let (here, there) = (ana.caller.tenant(), eve.caller.tenant());
        assert_eq!(town.whose(here, &card.der).await, nobodys(), "sound is not enough");
        town.enrol(&ana, &card.der, false).await;
        assert_eq!(town.whose(here, &card.der).await, Ok("ana@example.org".into()));
        assert_eq!(town.whose(there, &card.der).await, said(BadCertificate::Foreign));
        assert_eq!(town.whose(there, &town.shop.issue("eve", "other", 30, PERSON).der).await, nobodys());
        // Also where both accept the same authority, the enrolment is one tenant's.
        town.accept(&eve, &root.pem, Rules::default()).await;
        assert_eq!(town.whose(there, &card.der).await, nobodys());
    }

    async fn a_certificate_is_enrolled_by_showing_it_with_a_ticket_of_the_same_tenant_once(town) {
        let (ana, eve) = (town.owner("ana@example.org").await, town.owner("eve@example.org").await);
        let root = town.shop.root("root", "Acme", 300, CA);
        let (one, two) = (town.shop.issue("one", "root", 30, PERSON), town.shop.issue("two", "root", 30, PERSON));
        for owner in [&ana, &eve] {
            town.accept(owner, &root.pem, Rules::default()).await;
        }
        let here = ana.caller.tenant();
        let enrol = async |der, ticket| town.room.enrol(&town.shows(here, &[der]), ticket, false, Origin::default()).await;
        let eves = town.room.begin_enrolment(&eve.caller).await.unwrap();
        assert!(matches!(enrol(&one.der, &eves).await, Err(EnrolRefused::Over)));
        let ticket = town.room.begin_enrolment(&ana.caller).await.unwrap();
        assert!(town.room.accounts.sign_in_by_ticket(&ticket, None, Origin::default()).await.unwrap().is_none(), "it signs nobody in");
        enrol(&one.der, &ticket).await.unwrap();
        assert!(matches!(enrol(&two.der, &ticket).await, Err(EnrolRefused::Over)));
        let again = town.room.begin_enrolment(&ana.caller).await.unwrap();
        assert!(matches!(enrol(&one.der, &again).await, Err(EnrolRefused::Already)));
        town.clock.advance(Duration::from_secs(601));
        assert!(matches!(enrol(&two.der, &again).await, Err(EnrolRefused::Over)));
        assert!(matches!(town.room.begin_enrolment(&ana.caller).await, Err(SetRefused::StepUp)));
    }

    async fn what_was_revoked_here_never_counts_again_by_whatever_rule(town) {
        let ana = town.owner("ana@example.org").await;
        let root = town.shop.root("root", "Acme", 300, CA);
        let card = town.shop.issue("ana", "root", 30, PERSON);
        let renewed = town.shop.issue("ana", "root", 60, PERSON);
        town.accept(&ana, &root.pem, by_address()).await;
        let here = ana.caller.tenant();
        town.enrol(&ana, &card.der, true).await;
        assert_eq!(town.whose(here, &renewed.der).await, Ok("ana@example.org".into()));
        let id = town.room.certificates(&ana.caller).await.unwrap()[0].id;
        assert!(town.room.revoke(&ana.caller, id).await.unwrap());
        assert!(!town.room.revoke(&ana.caller, id).await.unwrap());
        for der in [&card.der, &renewed.der] {
            assert_eq!(town.whose(here, der).await, said(BadCertificate::Revoked));
        }
        let eve = town.owner("eve@example.org").await;
        assert!(!town.room.revoke(&eve.caller, id).await.unwrap());
        // Nor when its authority goes and comes back.
        let ca = town.room.authorities(&ana.caller).await.unwrap()[0].id;
        town.room.remove_authority(&ana.caller, ca).await.unwrap();
        town.accept(&ana, &root.pem, by_address()).await;
        for der in [&card.der, &renewed.der] {
            assert_eq!(town.whose(here, der).await, said(BadCertificate::Revoked));
        }
        let other = town.shop.issue("other", "root", 30, PERSON);
        assert_eq!(town.whose(here, &other.der).await, Ok("ana@example.org".into()));
    }

    async fn a_successor_counts_only_where_the_key_was_enrolled(town) {
        let ana = town.owner("ana@example.org").await;
        let root = town.shop.root("root", "Acme", 300, CA);
        let card = town.shop.issue("ana", "root", 30, PERSON);
        let renewed = town.shop.issue("ana", "root", 60, PERSON);
        town.accept(&ana, &root.pem, Rules::default()).await;
        town.enrol(&ana, &card.der, false).await;
        assert_eq!(town.whose(ana.caller.tenant(), &renewed.der).await, nobodys());
    }

    async fn an_address_names_a_member_only_where_allowed_and_proven_and_a_common_name_never(town) {
        let ana = town.owner("ana@example.org").await;
        let root = town.shop.root("root", "Acme", 300, CA);
        let here = ana.caller.tenant();
        let named = town.shop.issue("ana", "root", 30, &PERSON.replace("ana@", "ANA@"));
        let common = town.shop.issue("ana@example.org", "root", 30, &PERSON.replace("email:ana@example.org", "email:other@example.org"));
        let id = town.accept(&ana, &root.pem, Rules::default()).await;
        assert_eq!(town.whose(here, &named.der).await, nobodys());
        town.room.set_rules(&ana.caller, id, &by_address()).await.unwrap();
        // Domains are compared without case, mailboxes as they are written.
        let exact = town.shop.issue("exact", "root", 30, PERSON);
        assert_eq!(town.whose(here, &exact.der).await, Ok("ana@example.org".into()));
        assert_eq!(town.whose(here, &common.der).await, nobodys());
        town.run("UPDATE member SET email_proven_at = NULL").await;
        assert_eq!(town.whose(here, &exact.der).await, nobodys());
        town.run("UPDATE member SET email_proven_at = 1, state = 'suspended'").await;
        assert_eq!(town.whose(here, &exact.der).await, nobodys());
    }

    async fn a_ticket_signs_in_once_and_for_half_a_minute_and_steps_up_its_own_member_alone(town) {
        let (ana, eve) = (town.owner("ana@example.org").await, town.owner("eve@example.org").await);
        let root = town.shop.root("root", "Acme", 300, CA);
        let card = town.shop.issue("ana", "root", 30, PERSON);
        town.accept(&ana, &root.pem, Rules::default()).await;
        town.enrol(&ana, &card.der, false).await;
        let (accounts, shown) = (&town.room.accounts, town.shows(ana.caller.tenant(), &[&card.der]));
        let ticket = async || town.room.ticket(&shown, Origin::default()).await.unwrap();
        town.clock.advance(Duration::from_secs(400));
        assert!(!accounts.stepped_up(&ana.caller).await.unwrap());
        let one = ticket().await;
        assert!(accounts.step_up_by_ticket(&eve.caller, &one).await.unwrap().is_none());
        let signed_in = accounts.sign_in_by_ticket(&one, None, Origin::default()).await.unwrap().unwrap();
        assert_eq!(signed_in.caller.member(), ana.caller.member());
        assert!(accounts.stepped_up(&signed_in.caller).await.unwrap());
        assert!(accounts.sign_in_by_ticket(&one, None, Origin::default()).await.unwrap().is_none());
        assert!(accounts.step_up_by_ticket(&ana.caller, &ticket().await).await.unwrap().is_some());
        assert!(accounts.stepped_up(&ana.caller).await.unwrap());
        let late = ticket().await;
        town.clock.advance(Duration::from_secs(31));
        assert!(accounts.sign_in_by_ticket(&late, None, Origin::default()).await.unwrap().is_none());
        let old = ticket().await;
        accounts.sign_out_everywhere(&signed_in.caller).await.unwrap();
        assert!(accounts.sign_in_by_ticket(&old, None, Origin::default()).await.unwrap().is_none(), "the epoch moved on");
        let used = town.room.certificates(&ana.caller).await.unwrap()[0].last_used_at;
        assert!(used.is_some());
    }

    async fn what_a_ticket_was_given_for_must_count_until_it_is_spent(town) {
        let (ana, bo) = (town.owner("ana@example.org").await, town.owner("bo@example.org").await);
        let root = town.shop.root("root", "Acme", 300, CA);
        let card = town.shop.issue("ana", "root", 30, PERSON);
        let accounts = &town.room.accounts;
        let theirs = town.shop.issue("bo", "root", 30, &PERSON.replace("ana@", "bo@"));
        let bos = town.accept(&bo, &root.pem, by_address()).await;
        let id = town.accept(&ana, &root.pem, by_address()).await;
        let ticket = async || town.room.ticket(&town.shows(ana.caller.tenant(), &[&card.der]), Origin::default()).await.unwrap();
        let counts = async |token| accounts.ticket(token, TicketFor::SignIn, Origin::default()).await.unwrap().is_some();
        let other = town.room.ticket(&town.shows(bo.caller.tenant(), &[&theirs.der]), Origin::default()).await.unwrap();

        let one = ticket().await;
        town.room.set_rules(&ana.caller, id, &Rules { crl_grace_hours: 1, ..by_address() }).await.unwrap();
        assert!(counts(&one).await, "nothing was taken away");
        town.room.set_rules(&ana.caller, id, &Rules::default()).await.unwrap();
        assert!(!counts(&one).await, "the authority names nobody any more");

        town.enrol(&ana, &card.der, false).await;
        let two = ticket().await;
        let enrolled = town.room.certificates(&ana.caller).await.unwrap()[0].id;
        assert!(town.room.revoke(&ana.caller, enrolled).await.unwrap());
        assert!(accounts.sign_in_by_ticket(&two, None, Origin::default()).await.unwrap().is_none());

        let card = town.shop.issue("ana-again", "root", 30, PERSON);
        town.enrol(&ana, &card.der, false).await;
        let three = town.room.ticket(&town.shows(ana.caller.tenant(), &[&card.der]), Origin::default()).await.unwrap();
        town.room.remove_authority(&ana.caller, id).await.unwrap();
        assert!(accounts.step_up_by_ticket(&ana.caller, &three).await.unwrap().is_none());

        assert!(counts(&other).await, "another tenant's ticket is none of this");
        town.room.remove_authority(&bo.caller, bos).await.unwrap();
        assert!(!counts(&other).await);
    }

    async fn the_host_asks_from_the_first_authority_to_the_last(town) {
        let ana = town.owner("ana@example.org").await;
        let (root, other) = (town.shop.root("root", "Acme", 300, CA), town.shop.root("other", "Bolt", 300, CA));
        let db = &town.room.accounts.db;
        let host = host_of(&town.room.accounts.site, ana.caller.tenant()).unwrap();
        let roots = async || db.certificates().asking_since(Time(0)).await.unwrap().iter().map(|a| a.roots.len()).collect::<Vec<_>>();
        assert!(roots().await.is_empty());
        let one = town.accept(&ana, &root.pem, Rules::default()).await;
        let first = roots().await;
        let two = town.accept(&ana, &other.pem, Rules::default()).await;
        assert!(roots().await[0] > first[0] && first[0] > 0);
        let wanted = db.certificates().state(&host).await.unwrap().expect("its certificate is ordered");
        assert_eq!(wanted.wanted_by, WantedBy::Asking, "by the site, on no tenant's budget");
        assert!(matches!(town.room.add_authority(&ana.caller, &root.pem, &Rules::default()).await, Err(SetRefused::Already)));
        let eve = town.owner("eve@example.org").await;
        assert!(matches!(town.room.remove_authority(&eve.caller, one).await, Err(SetRefused::NotFound)));
        for id in [one, two] {
            town.room.remove_authority(&ana.caller, id).await.unwrap();
        }
        assert_eq!(roots().await, [0]);
        assert!(db.certificates().state(&host).await.unwrap().is_none());
    }

    async fn authorities_need_a_step_up_and_the_right(town) {
        let ana = town.owner("ana@example.org").await;
        let root = town.shop.root("root", "Acme", 300, CA);
        let id = town.accept(&ana, &root.pem, Rules::default()).await;
        town.clock.advance(Duration::from_secs(301));
        let room = &town.room;
        assert!(matches!(room.add_authority(&ana.caller, &root.pem, &Rules::default()).await, Err(SetRefused::StepUp)));
        assert!(matches!(room.set_rules(&ana.caller, id, &Rules::default()).await, Err(SetRefused::StepUp)));
        assert!(matches!(room.remove_authority(&ana.caller, id).await, Err(SetRefused::StepUp)));
        town.run("UPDATE member SET role = 'member'").await;
        // What no process did is noticed within a second.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let caller = room.accounts.db.front_desk().session(&ana.token, Origin::default()).await.unwrap().unwrap();
        assert!(matches!(room.remove_authority(&caller, id).await, Err(SetRefused::NotAllowed(_))));
        assert_eq!(room.authorities(&caller).await.unwrap().len(), 1, "whoever may not change may look");
    }
}
