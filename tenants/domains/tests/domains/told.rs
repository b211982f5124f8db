//! What owners are mailed when a domain needs them: each step once, with the record to put back, and nothing about what was mended.

use super::town::{DAY, HERE, Town};
use crate::on_both;
use domains::{DomainView, Step};
use std::time::Duration;

/// A domain of the first tenant's that only lacks its certificate.
async fn ordered(town: &Town) -> DomainView {
    let view = town.domains.add(&town.a, "acme.example").await.unwrap();
    town.proves(&view);
    town.leads_to("acme.example", HERE);
    town.work().await;
    view
}

async fn live(town: &Town) -> DomainView {
    let view = ordered(town).await;
    town.certified().await;
    view
}

on_both! {
    async fn a_missing_proof_is_told_once_and_so_is_the_loss(town) {
        let view = live(&town).await;
        town.after(DAY, &view).await;
        assert_eq!(town.told(), [], "nothing is wrong");
        town.resolvers[0].forgets(&view);
        town.after(DAY, &view).await;
        let told = town.told();
        let [(subject, text)] = &told[..] else { panic!("{told:?}") };
        assert_eq!(subject, "acme.example will stop working: its record is missing");
        let off = town.domains.db.clock().now().plus_days(7).utc().format("%-d %B %Y").to_string();
        let link = format!("https://mail.countersign.example/settings/domains/{}", view.id);
        for part in [&view.record.name, &view.record.value, &off, &link, &"Ada".to_owned()] {
            assert!(text.contains(part.as_str()), "{part} is not in {text}");
        }
        assert!(!text.contains("https://acme.example"), "no link leads to what goes off: {text}");
        for _ in 0..5 {
            town.after(DAY, &view).await;
        }
        town.domains.look_again(&town.a, view.id).await.unwrap();
        town.work().await;
        assert_eq!(town.told(), [], "once is enough");
        assert!(matches!(town.after(DAY * 2, &view).await.step, Step::Lost { .. }));
        let told = town.told();
        let [(subject, text)] = &told[..] else { panic!("{told:?}") };
        assert_eq!(subject, "acme.example is off: its record is missing");
        assert!(text.contains(&view.record.value) && text.contains("someone else"), "{text}");
        for _ in 0..6 {
            town.after(DAY * 7, &view).await;
        }
        assert_eq!(town.told(), []);
    }

    async fn what_was_mended_before_the_mail_left_is_not_told_and_a_second_loss_is(town) {
        let view = live(&town).await;
        town.resolvers[1].forgets(&view);
        town.domains.db.clock().advance(DAY);
        let look = town.domains.db.jobs().claim(10, Duration::from_secs(60)).await.unwrap();
        assert_eq!(town.run(&look[0]).await, kernel::JobEnd::Written);
        // The look that finds it mended comes before the mail.
        town.resolvers[1].proves(&view);
        town.domains.look_again(&town.a, view.id).await.unwrap();
        let jobs = town.domains.db.jobs().claim(10, Duration::from_secs(60)).await.unwrap();
        assert_eq!(jobs.len(), 2, "{jobs:?}");
        let (looks, tells): (Vec<_>, Vec<_>) = jobs.iter().partition(|job| job.kind == "domains.look");
        assert_eq!(town.run(looks[0]).await, kernel::JobEnd::Written);
        assert_eq!(town.run(tells[0]).await, kernel::JobEnd::Done);
        assert!(town.domains.db.jobs().done(tells[0]).await.unwrap());
        assert_eq!(town.told(), []);
        town.resolvers[1].forgets(&view);
        town.after(DAY, &view).await;
        assert_eq!(town.told().len(), 1, "that is another loss");
    }

    async fn a_live_name_that_leads_elsewhere_is_told_once_a_loss_with_the_record_that_leads_back(town) {
        let view = live(&town).await;
        town.leads_to("acme.example", "198.51.100.9");
        let gone = town.after(DAY, &view).await;
        let since = town.domains.db.clock().now();
        assert_eq!(gone.step, Step::Elsewhere { since });
        assert_eq!(town.told(), [], "it may be a moment's confusion");
        town.after(DAY, &view).await;
        let told = town.told();
        let [(subject, text)] = &told[..] else { panic!("{told:?}") };
        assert_eq!(subject, "acme.example does not lead to us any more");
        let day = since.utc().format("%-d %B %Y").to_string();
        for part in ["Type: A\n", "192.0.2.1", "192.0.2.2", day.as_str()] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("https://acme.example"), "{text}");
        assert_eq!(town.after(DAY * 3, &view).await.step, Step::Elsewhere { since });
        assert_eq!(town.told(), [], "once is enough");
        town.leads_to("acme.example", HERE);
        assert!(matches!(town.after(DAY, &view).await.step, Step::Live { .. }));
        town.leads_to("acme.example", "198.51.100.9");
        town.after(DAY, &view).await;
        assert_eq!(town.told(), []);
        town.after(DAY, &view).await;
        assert_eq!(town.told().len(), 1, "that is another loss");
        // Who takes it back begins anew.
        assert!(town.domains.remove(&town.a, view.id).await.unwrap());
        let back = town.domains.add(&town.a, "acme.example").await.unwrap();
        assert_eq!(town.after(Duration::ZERO, &back).await.step, Step::Point);
        assert_eq!(town.told(), []);
    }

    async fn a_name_that_never_was_live_is_not_told_to_lead_elsewhere(town) {
        let view = ordered(&town).await;
        town.leads_to("acme.example", "198.51.100.9");
        assert_eq!(town.after(DAY, &view).await.step, Step::Point);
        assert_eq!(town.told(), []);
    }

    async fn a_site_whose_own_name_has_no_address_tells_nobody_that_theirs_leads_elsewhere(town) {
        let view = live(&town).await;
        town.say("clear-a", r#"{"host":"mail.countersign.example."}"#);
        let seen = town.after(DAY, &view).await;
        assert!(matches!(seen.step, Step::Live { .. }), "{:?}", seen.step);
        assert!(seen.seen.trouble.is_some_and(|trouble| trouble.contains("our own name")));
        assert_eq!(town.told(), []);
    }

    async fn nobody_is_told_of_what_they_let_go_themselves(town) {
        let view = live(&town).await;
        assert!(town.domains.remove(&town.a, view.id).await.unwrap());
        town.resolvers.iter().for_each(|resolver| resolver.forgets(&view));
        town.domains.db.clock().advance(DAY * 9);
        town.work().await;
        let back = town.domains.add(&town.a, "acme.example").await.unwrap();
        town.after(DAY, &back).await;
        town.after(DAY, &back).await;
        assert_eq!(town.told(), [], "who takes it back sees the page");
    }

    async fn an_owner_whose_address_is_not_proven_is_mailed_nothing(town) {
        let view = live(&town).await;
        town.nobody_is_proven().await;
        town.resolvers[0].forgets(&view);
        assert!(matches!(town.after(DAY, &view).await.step, Step::Losing { .. }));
        assert_eq!(town.told(), []);
    }

    async fn a_certificate_that_is_refused_again_and_again_is_told_once_when_it_ends_soon(town) {
        let view = ordered(&town).await;
        town.certified_once(20, "CAA forbids it").await;
        town.after(DAY, &view).await;
        assert_eq!(town.told(), [], "there is time");
        town.after(DAY * 6, &view).await;
        let told = town.told();
        let [(subject, text)] = &told[..] else { panic!("{told:?}") };
        assert_eq!(subject, "The certificate of acme.example cannot be renewed");
        assert!(text.contains("CAA forbids it"), "{text}");
        for _ in 0..4 {
            town.after(DAY, &view).await;
        }
        assert_eq!(town.told(), []);
    }

    async fn names_that_nobody_proves_are_looked_at_once_a_week_for_ever(town) {
        let view = town.domains.add(&town.a, "acme.example").await.unwrap();
        town.after(DAY * 15, &view).await;
        town.proves(&view);
        assert_eq!(town.after(DAY * 6, &view).await.step, Step::Prove, "not every hour any more");
        assert_eq!(town.after(DAY * 2, &view).await.step, Step::Point, "nobody had to ask");
        town.resolvers.iter().for_each(|resolver| resolver.forgets(&view));
        town.after(DAY, &view).await;
        town.after(DAY * 60, &view).await;
        assert_eq!(town.view(&view, &town.a).await.step, Step::Prove, "it was lost, and is nobody's");
        town.proves(&view);
        assert_eq!(town.after(DAY * 8, &view).await.step, Step::Point);
    }
}
