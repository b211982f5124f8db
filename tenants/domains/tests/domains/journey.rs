//! From typed to live, and everything that keeps a name from getting there or takes it away again.

use super::town::{DAY, HERE};
use crate::on_both;
use domains::{DomainRefused, Step};
use std::time::Duration;
use store::WantedBy;

const MINUTE: Duration = Duration::from_secs(60);

on_both! {
    async fn a_domain_goes_from_typed_to_live(town) {
        let view = town.domains.add(&town.a, " Post.Acme.example. ").await.unwrap();
        assert_eq!((view.name.as_str(), view.record.name.as_str()), ("post.acme.example", "_countersign.post.acme.example"));
        assert!(view.record.value.starts_with("countersign-domain=") && view.record.value.len() == 19 + 32);
        assert_eq!((view.step.clone(), view.looked_at), (Step::Prove, None));
        assert!(matches!(town.domains.add(&town.a, "post.acme.example").await, Err(DomainRefused::Already(_))));
        town.say("set-txt", r#"{"host":"_countersign.post.acme.example.","value":"something else"}"#);
        let seen = town.after(Duration::ZERO, &view).await;
        assert_eq!((seen.step, seen.seen.texts, seen.seen.missing), (Step::Prove, vec!["something else".to_owned()], true));
        town.resolvers[0].proves(&view);
        assert_eq!(town.after(MINUTE, &view).await.step, Step::Prove, "one resolver is not enough");
        town.resolvers[1].proves(&view);
        town.leads_to("post.acme.example", "198.51.100.9");
        let proven = town.after(MINUTE, &view).await;
        assert_eq!((proven.step, proven.seen.addresses), (Step::Point, vec!["198.51.100.9".to_owned()]));
        assert!(town.domains.db.certificates().state(&view.name).await.unwrap().is_none(), "nothing is ordered that cannot come");
        town.leads_to("post.acme.example", HERE);
        assert_eq!(town.after(MINUTE, &view).await.step, Step::Ordered);
    }

    async fn a_proven_domain_that_leads_here_is_certified_and_live(town) {
        let view = town.domains.add(&town.a, "post.acme.example").await.unwrap();
        town.proves(&view);
        town.leads_to("post.acme.example", HERE);
        assert_eq!(town.after(Duration::ZERO, &view).await.step, Step::Ordered);
        let wanted = town.domains.db.certificates().state(&view.name).await.unwrap().unwrap();
        assert_eq!(wanted.wanted_by, WantedBy::Tenant(town.a.tenant()));
        town.certified().await;
        assert!(matches!(town.view(&view, &town.a).await.step, Step::Live { .. }));
        assert!(town.domains.list(&town.b).await.unwrap().is_empty());
    }

    async fn caa_that_names_another_ca_keeps_a_name_from_being_ordered(town) {
        let view = town.domains.add(&town.a, "post.acme.example").await.unwrap();
        town.proves(&view);
        town.leads_to("post.acme.example", HERE);
        town.say("add-caa", r#"{"host":"acme.example.","policies":[{"tag":"issue","value":"other.example"}]}"#);
        let excluded = town.after(Duration::ZERO, &view).await;
        assert_eq!((&excluded.step, &excluded.seen.caa), (&Step::Excluded, &vec!["other.example".to_owned()]));
        let allowing = town.domains.records(&excluded).pop().unwrap();
        let said = (allowing.kind, allowing.name.as_str(), allowing.value.as_str());
        assert_eq!(said, ("CAA", "acme.example", "0 issue \"letsencrypt.org\""), "beside those that exclude it");
        assert!(town.domains.db.certificates().state(&view.name).await.unwrap().is_none());
        town.say("add-caa", r#"{"host":"post.acme.example.","policies":[{"tag":"issue","value":"letsencrypt.org"}]}"#);
        assert_eq!(town.after(DAY, &view).await.step, Step::Ordered, "the closest name counts");
    }

    async fn a_proven_name_is_taken_by_nobody_else_until_thirty_days_after_it_was_let_go(town) {
        let (first, second) = (town.domains.add(&town.a, "acme.example").await.unwrap(), town.domains.add(&town.b, "acme.example").await.unwrap());
        assert_ne!(first.record.value, second.record.value);
        town.proves(&first);
        town.leads_to("acme.example", HERE);
        town.work().await;
        assert_eq!(town.view(&first, &town.a).await.step, Step::Ordered);
        town.certified().await;
        // The second tenant gets hold of the DNS.
        town.proves(&second);
        town.domains.look_again(&town.b, second.id).await.unwrap();
        town.work().await;
        assert_eq!(town.view(&second, &town.b).await.step, Step::Taken);
        assert!(!town.domains.remove(&town.b, first.id).await.unwrap(), "it is not theirs to remove");
        assert!(town.domains.remove(&town.a, first.id).await.unwrap());
        assert!(town.domains.list(&town.a).await.unwrap().is_empty());
        assert!(town.domains.db.certificates().state(&first.name).await.unwrap().is_none(), "it is shown no more");
        town.domains.db.clock().advance(DAY * 29);
        town.domains.look_again(&town.b, second.id).await.unwrap();
        town.work().await;
        assert_eq!(town.view(&second, &town.b).await.step, Step::Taken);
        town.domains.db.clock().advance(DAY * 2);
        town.work().await;
        town.domains.look_again(&town.b, second.id).await.unwrap();
        town.work().await;
        assert_eq!(town.view(&second, &town.b).await.step, Step::Ordered);
    }

    async fn adding_and_removing_again_keeps_nobody_out_for_longer_and_serves_nothing(town) {
        let view = town.domains.add(&town.a, "acme.example").await.unwrap();
        town.proves(&view);
        town.leads_to("acme.example", HERE);
        town.work().await;
        town.certified().await;
        assert!(town.domains.remove(&town.a, view.id).await.unwrap());
        // The name was sold.
        town.resolvers.iter().for_each(|resolver| resolver.forgets(&view));
        let second = town.domains.add(&town.b, "acme.example").await.unwrap();
        town.domains.db.clock().advance(DAY * 5);
        let back = town.domains.add(&town.a, "acme.example").await.unwrap();
        assert_eq!(back.step, Step::Prove);
        town.work().await;
        assert!(matches!(town.view(&view, &town.a).await.step, Step::Losing { .. }));
        assert!(town.domains.db.certificates().state(&view.name).await.unwrap().is_none(), "nothing is ordered without a proof");
        assert!(town.domains.remove(&town.a, view.id).await.unwrap());
        town.domains.db.clock().advance(DAY * 24);
        town.domains.add(&town.a, "acme.example").await.unwrap();
        assert!(town.domains.remove(&town.a, view.id).await.unwrap());
        town.proves(&second);
        town.domains.db.clock().advance(DAY * 2);
        town.work().await;
        town.domains.look_again(&town.b, second.id).await.unwrap();
        town.work().await;
        assert_eq!(town.view(&second, &town.b).await.step, Step::Ordered);
    }

    async fn a_name_that_the_site_itself_serves_is_no_tenant_s(town) {
        let name = kernel::HostName::parse("post.acme.example").unwrap();
        town.domains.db.certificates().want(&name, WantedBy::Site).await.unwrap();
        let view = town.domains.add(&town.a, "post.acme.example").await.unwrap();
        town.proves(&view);
        town.leads_to("post.acme.example", HERE);
        assert_eq!(town.after(Duration::ZERO, &view).await.step, Step::Taken);
        assert_eq!(town.domains.db.certificates().state(&name).await.unwrap().unwrap().wanted_by, WantedBy::Site);
    }

    async fn a_suspended_tenant_proves_nothing_new_and_keeps_what_it_has(town) {
        let (old, new) = (town.domains.add(&town.a, "old.example").await.unwrap(), town.domains.add(&town.a, "new.example").await.unwrap());
        town.proves(&old);
        town.leads_to("old.example", HERE);
        town.leads_to("new.example", HERE);
        town.work().await;
        town.certified().await;
        town.domains.db.front_desk().set_tenant_state(town.a.tenant(), "suspended").await.unwrap();
        town.proves(&new);
        town.after(DAY, &new).await;
        assert_eq!(town.view(&new, &town.a).await.step, Step::Prove);
        assert!(matches!(town.view(&old, &town.a).await.step, Step::Live { .. }));
        town.domains.db.front_desk().set_tenant_state(town.a.tenant(), "active").await.unwrap();
        assert_eq!(town.after(DAY, &new).await.step, Step::Ordered);
    }

    async fn while_no_resolver_answers_a_live_domain_stays_live(town) {
        let view = town.domains.add(&town.a, "acme.example").await.unwrap();
        town.proves(&view);
        town.leads_to("acme.example", HERE);
        town.work().await;
        town.certified().await;
        town.resolvers.iter_mut().for_each(|resolver| resolver.stop());
        let silent = town.after(DAY, &view).await;
        assert!(matches!(silent.step, Step::Live { .. }) && silent.seen.trouble.is_some(), "{silent:?}");
        assert_eq!(town.told(), [], "nothing is known to be wrong");
    }

    async fn two_tenants_at_one_name_at_the_same_moment_leave_one_of_them_with_it(town) {
        let (first, second) = (town.domains.add(&town.a, "acme.example").await.unwrap(), town.domains.add(&town.b, "acme.example").await.unwrap());
        town.leads_to("acme.example", HERE);
        for resolver in &town.resolvers {
            resolver.say("set-txt", &format!(r#"{{"host":"{}.","value":"{}"}}"#, first.record.name, first.record.value));
            resolver.say("set-txt", &format!(r#"{{"host":"{}.","value":"{}"}}"#, second.record.name, second.record.value));
        }
        let jobs = town.domains.db.jobs().claim(10, Duration::from_secs(60)).await.unwrap();
        assert_eq!(jobs.len(), 2);
        let (one, other) = tokio::join!(town.run(&jobs[0]), town.run(&jobs[1]));
        assert_eq!((one, other), (kernel::JobEnd::Written, kernel::JobEnd::Written));
        let steps = [town.view(&first, &town.a).await.step, town.view(&second, &town.b).await.step];
        assert_eq!(steps.iter().filter(|step| **step == Step::Ordered).count(), 1, "{steps:?}");
        assert_eq!(steps.iter().filter(|step| **step == Step::Taken).count(), 1, "{steps:?}");
    }

    async fn who_let_a_name_go_may_have_it_back_with_the_same_proof(town) {
        let view = town.domains.add(&town.a, "acme.example").await.unwrap();
        town.proves(&view);
        town.work().await;
        assert!(town.domains.remove(&town.a, view.id).await.unwrap());
        town.work().await;
        let back = town.domains.add(&town.a, "acme.example").await.unwrap();
        assert_eq!((back.id, back.record), (view.id, view.record.clone()));
        town.work().await;
        assert_eq!(town.view(&view, &town.a).await.step, Step::Point);
    }

    async fn a_proof_that_goes_missing_is_told_then_off_then_free_and_silence_is_not_missing(town) {
        let view = town.domains.add(&town.a, "acme.example").await.unwrap();
        town.proves(&view);
        town.leads_to("acme.example", HERE);
        town.work().await;
        town.certified().await;
        town.resolvers[0].forgets(&view);
        let missed_at = town.domains.db.clock().now().plus(DAY);
        assert_eq!(town.after(DAY, &view).await.step, Step::Losing { off_at: missed_at.plus_days(7) });
        town.resolvers[0].proves(&view);
        assert!(matches!(town.after(DAY, &view).await.step, Step::Live { .. }), "it was mended in time");
        town.resolvers[1].forgets(&view);
        town.after(DAY, &view).await;
        town.after(DAY * 6, &view).await;
        assert!(town.domains.db.certificates().state(&view.name).await.unwrap().is_some());
        let lost = town.after(DAY * 2, &view).await;
        assert!(matches!(lost.step, Step::Lost { .. }), "{:?}", lost.step);
        assert!(town.domains.db.certificates().state(&view.name).await.unwrap().is_none());
        assert_eq!(town.after(DAY * 30, &view).await.step, Step::Prove);
        town.proves(&view);
        town.domains.look_again(&town.a, view.id).await.unwrap();
        assert_eq!(town.after(DAY, &view).await.step, Step::Ordered);
        town.resolvers[1].stop();
        town.resolvers[0].forgets(&view);
        let silent = town.after(DAY * 2, &view).await;
        assert!(silent.seen.trouble.is_some() && silent.step == Step::Ordered, "{silent:?}");
    }

    async fn a_site_without_certificates_of_its_own_takes_no_domain_and_lets_old_ones_go(town) {
        let view = town.domains.add(&town.a, "acme.example").await.unwrap();
        town.work().await;
        town.domains.orders = false;
        let refused = town.domains.add(&town.a, "new.example").await.unwrap_err();
        assert!(matches!(refused, DomainRefused::NoCertificates), "{refused}");
        let names: Vec<_> = town.domains.list(&town.a).await.unwrap().into_iter().map(|view| view.name.to_string()).collect();
        assert_eq!(names, ["acme.example"]);
        assert!(town.domains.look_again(&town.a, view.id).await.unwrap());
        town.work().await;
        assert!(town.domains.remove(&town.a, view.id).await.unwrap());
        town.work().await;
    }

    async fn the_host_that_files_leave_from_is_no_tenant_s(town) {
        town.domains.site = town.domains.site.clone().with_content("https://files.content.example:8443");
        for typed in ["files.content.example", "post.content.example", "files.c0ntent.example"] {
            let refused = town.domains.add(&town.a, typed).await.unwrap_err();
            assert!(matches!(refused, DomainRefused::Ours(_) | DomainRefused::LookAlike(_)), "{typed}: {refused}");
        }
    }

    async fn records_are_exact_and_a_domain_itself_takes_our_addresses(town) {
        let (below, itself) = (town.domains.add(&town.a, "post.acme.example").await.unwrap(), town.domains.add(&town.a, "acme.example").await.unwrap());
        let records = |view: &domains::DomainView| {
            let lines = town.domains.records(view).into_iter().map(|record| format!("{} {} {}", record.name, record.kind, record.value));
            lines.collect::<Vec<_>>()
        };
        let proof = |view: &domains::DomainView| format!("{} TXT {}", view.record.name, view.record.value);
        let alias = "post.acme.example CNAME mail.countersign.example.".to_owned();
        assert_eq!(records(&below), [proof(&below), alias.clone()]);
        assert_eq!(records(&itself), [proof(&itself)], "nobody has looked where we are");
        town.say("add-aaaa", r#"{"host":"mail.countersign.example.","addresses":["2001:db8::1"]}"#);
        town.work().await;
        let (below, itself) = (town.view(&below, &town.a).await, town.view(&itself, &town.a).await);
        assert_eq!(records(&below), [proof(&below), alias]);
        let ours = ["acme.example A 192.0.2.1", "acme.example A 192.0.2.2", "acme.example AAAA 2001:db8::1"].map(str::to_owned);
        assert_eq!(records(&itself)[1..], ours);
    }

    async fn slips_that_dns_panels_invite_are_known_by_what_was_seen(town) {
        let view = town.domains.add(&town.a, "post.acme.example").await.unwrap();
        let quoted = format!("\\\"{}\\\"", view.record.value);
        town.say("set-txt", &format!(r#"{{"host":"{}.","value":"{quoted}"}}"#, view.record.name));
        let alias = async |target: &str| {
            town.say("set-cname", &format!(r#"{{"host":"post.acme.example.","target":"{target}"}}"#));
            town.domains.look_again(&town.a, view.id).await.unwrap();
            town.work().await;
            town.view(&view, &town.a).await
        };
        let seen = alias("mail.countersign.example.acme.example.").await;
        assert_eq!(seen.seen.alias.as_deref(), Some("mail.countersign.example.acme.example"), "it leads to no address, and is shown");
        assert!(seen.seen.addresses.is_empty() && seen.seen.trouble.is_none() && town.domains.was_appended(&seen), "{seen:?}");
        assert_eq!(seen.step, Step::Prove, "with quotes it is no proof");
        assert!(seen.has_quotes(&seen.seen.texts[0]) && !seen.has_quotes(&view.record.value), "{:?}", seen.seen.texts);
        assert!(town.domains.was_appended(&alias("mail.countersign.example.post.acme.example.").await));
        assert!(!town.domains.was_appended(&alias("mail.countersign.example.other.example.").await));
        assert!(!town.domains.was_appended(&alias("mail.countersign.example.me.example.").await), "only whole labels");
    }

    async fn only_owners_and_admins_change_domains_and_fifty_are_enough(town) {
        let system = town.domains.db.front_desk().system(town.a.tenant());
        assert!(matches!(town.domains.add(&system, "acme.example").await, Err(DomainRefused::NotAllowed(_))));
        for n in 0..domains::MAX_DOMAINS {
            town.domains.add(&town.a, &format!("n{n}.acme.example")).await.unwrap();
        }
        assert!(matches!(town.domains.add(&town.a, "one-more.example").await, Err(DomainRefused::TooMany)));
        town.domains.add(&town.b, "acme.example").await.unwrap();
    }

    async fn a_plan_s_domains_are_as_many_as_it_says_also_when_several_are_added_at_once(town) {
        town.allow(2).await;
        let names: Vec<String> = (0..6).map(|n| format!("n{n}.acme.example")).collect();
        let answers = futures_util::future::join_all(names.iter().map(|name| town.domains.add(&town.a, name))).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2, "{answers:?}");
        for refused in answers.into_iter().filter_map(Result::err) {
            let DomainRefused::Quota(refused) = refused else { panic!("{refused}") };
            assert_eq!((refused.dimension(), refused.limit(), refused.used()), ("own_domains", 2, Some(2)));
        }
        let first = town.domains.list(&town.a).await.unwrap().remove(0);
        assert!(town.domains.remove(&town.a, first.id).await.unwrap());
        town.domains.add(&town.a, "another.example").await.unwrap();
    }

    async fn above_a_smaller_plan_domains_are_served_and_renewed_and_no_new_one_is_added(town) {
        let (kept, given_up) = (town.domains.add(&town.a, "acme.example").await.unwrap(), town.domains.add(&town.a, "old.example").await.unwrap());
        for view in [&kept, &given_up] {
            town.proves(view);
            town.leads_to(view.name.as_str(), HERE);
        }
        town.work().await;
        town.certified().await;
        town.allow(0).await;
        assert!(matches!(town.domains.add(&town.a, "new.example").await, Err(DomainRefused::Quota(quota::QuotaRefused::NoDomains))));
        assert!(matches!(town.after(DAY * 2, &kept).await.step, Step::Live { .. }), "it is looked at and lives on");
        assert_eq!(town.domains.db.certificates().holder(&kept.name).await.unwrap(), Some(town.a.tenant()));
        assert!(town.domains.remove(&town.a, given_up.id).await.unwrap());
        assert!(matches!(town.domains.add(&town.a, "old.example").await, Err(DomainRefused::Quota(_))), "what was given up is new again");
        assert!(matches!(town.domains.add(&town.a, "acme.example").await, Err(DomainRefused::Already(_))));
    }
}
