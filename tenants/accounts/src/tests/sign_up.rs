use super::{facts, town::*};
use crate::{LinkPurpose, SignUpRefused, WrongField};
use kernel::BadLine;
use sea_orm::{ColumnTrait, QueryFilter};
use std::{sync::Arc, time::Duration};
use store::{
    Role, Who,
    entity::{chain, job, member, tenant},
};

facts! {
    async fn signing_up_founds_a_tenant_with_an_owner_an_allowance_and_a_chain(town) {
        let signed_in = town.sign_up("Ana@Example.org", PASSWORD).await;
        let me = town.accounts.me(&signed_in.caller).await.unwrap();
        assert_eq!((me.tenant_name.as_str(), me.name.as_str(), me.plan.as_str()), ("Ana Brandt", "Ana Brandt", "personal"));
        assert_eq!((me.email.as_str(), me.proven, me.role), ("Ana@example.org", false, Role::Owner));
        assert_eq!((me.usage.limits.clone(), me.usage.sends_left(), me.usage.stored_bytes), (limits(), Some(10), 0));
        assert_eq!(me.usage.period_ends_at.rfc3339(), "2027-02-28T10:00:00.000Z");
        let (tenant, chain) = town.accounts.db.read::<_, kernel::Fault, _>(&signed_in.caller, async |read| {
            Ok((read.own::<tenant::Entity>().await?, read.own::<chain::Entity>().await?))
        }).await.unwrap();
        assert_eq!(tenant.map(|t| t.state), Some("active".to_owned()));
        assert_eq!(chain.map(|c| (c.seq, c.head)), Some((0, Vec::new())));
        assert!(matches!(signed_in.caller.who(), Who::Member { proven: false, role: Role::Owner, .. }));
        assert_eq!(town.session(&signed_in.token).await.map(|c| c.tenant()), Some(me.tenant));
    }

    async fn the_password_is_kept_as_a_hash_and_nothing_secret_is_in_a_job(town) {
        let signed_in = town.sign_up("ana@example.org", PASSWORD).await;
        let (member, jobs) = town.accounts.db.read::<_, kernel::Fault, _>(&signed_in.caller, async |read| {
            Ok((read.find::<member::Entity>().one().await?, read.find::<job::Entity>().all().await?))
        }).await.unwrap();
        let hash = member.unwrap().password_hash;
        assert!(hash.starts_with("$argon2id$") && !hash.contains(PASSWORD));
        town.work().await;
        let token = town.newest_token("ana@example.org", "/prove/").to_string();
        assert!(!jobs.is_empty() && jobs.iter().all(|job| !job.payload.contains(&token) && !job.payload.contains('@')));
    }

    async fn a_known_and_an_unknown_address_get_equal_answers_for_equal_work(town) {
        let (first, cost_of_unknown) = computations(town.sign_up("ana@example.org", PASSWORD)).await;
        let first_jobs = town.accounts.db.jobs().counts().await.unwrap();
        town.work().await;
        let (second, cost_of_known) = computations(town.sign_up("ANA@example.org", OTHER_PASSWORD)).await;
        let second_jobs = town.accounts.db.jobs().counts().await.unwrap();
        assert_eq!((cost_of_unknown, cost_of_known), (1, 1));
        assert_eq!(first_jobs, second_jobs, "the work left for later is the same too");
        assert_ne!(first.caller.tenant(), second.caller.tenant());
        let a = town.accounts.me(&first.caller).await.unwrap();
        let b = town.accounts.me(&second.caller).await.unwrap();
        assert_eq!((a.usage.clone(), a.proven, a.tenant_name), (b.usage.clone(), b.proven, b.tenant_name));
    }

    async fn only_the_mailbox_hears_that_an_address_is_known(town) {
        town.member("ana@example.org", PASSWORD).await;
        town.mailbox.clear();
        town.sign_up("bob@example.org", PASSWORD).await;
        town.sign_up("ana@example.org", OTHER_PASSWORD).await;
        town.work().await;
        let subjects = |email| town.letters_to(email).into_iter().map(|l| l.subject).collect::<Vec<_>>();
        assert_eq!(subjects("bob@example.org"), ["Confirm your address"]);
        assert_eq!(subjects("ana@example.org"), ["You already have an account"]);
        let token = town.newest_token("ana@example.org", "/prove/");
        let link = town.accounts.read_link(&token, from("192.0.2.1")).await.unwrap().unwrap();
        assert_eq!((link.purpose, link.email.as_str()), (LinkPurpose::ProveAddress, "ana@example.org"), "a second account can be wanted");
    }

    async fn a_stranger_who_never_proved_the_address_is_no_account_of_its_owner(town) {
        town.sign_up("ana@example.org", OTHER_PASSWORD).await;
        town.work().await;
        town.mailbox.clear();
        town.sign_up("ana@example.org", PASSWORD).await;
        town.work().await;
        let letters = town.letters_to("ana@example.org");
        assert_eq!(letters.iter().map(|l| l.subject.as_str()).collect::<Vec<_>>(), ["Confirm your address"]);
    }

    async fn every_wrong_field_is_named_at_once_and_costs_nothing(town) {
        let bad = crate::SignUp { name: " ".into(), email: "ana".into(), password: "short".into() };
        let (answer, cost) = computations(town.accounts.sign_up(&bad, from("192.0.2.1"))).await;
        let Err(SignUpRefused::Form(wrong)) = answer else { panic!("taken: {answer:?}") };
        assert_eq!(wrong.iter().map(WrongField::field).collect::<Vec<_>>(), ["name", "email", "password"]);
        assert_eq!(wrong[0], WrongField::Name(BadLine::Empty));
        assert_eq!(cost, 0);
        for name in ["Ana\r\nBcc: eve@example.org", &"x".repeat(101)] {
            let form = crate::SignUp { name: name.into(), ..form("ana@example.org", PASSWORD) };
            assert!(matches!(town.accounts.sign_up(&form, from("192.0.2.1")).await, Err(SignUpRefused::Form(_))));
        }
        let about = form("ana.brandt.of.acme@example.org", "ana.brandt.of.acme@example.org");
        assert!(matches!(town.accounts.sign_up(&about, from("192.0.2.1")).await, Err(SignUpRefused::Form(_))));
        assert_eq!(town.accounts.db.front_desk().tenants(None, 10).await.unwrap().len(), 0);
    }

    async fn a_network_founds_ten_tenants_an_hour(town) {
        for n in 0..10 {
            town.sign_up(&format!("a{n}@example.org"), PASSWORD).await;
        }
        let held = town.accounts.sign_up(&form("b@example.org", PASSWORD), from("192.0.2.1")).await;
        let Err(SignUpRefused::SlowDown { until }) = held else { panic!("not held: {held:?}") };
        assert!(until > town.clock.now() && until <= town.clock.now().plus(Duration::from_secs(3_600)));
        assert!(town.accounts.sign_up(&form("b@example.org", PASSWORD), from("192.0.2.2")).await.is_ok());
        town.clock.advance(until.since(town.clock.now()));
        assert!(town.accounts.sign_up(&form("c@example.org", PASSWORD), from("192.0.2.1")).await.is_ok());
    }

    async fn an_address_is_signed_up_three_times_a_day_from_wherever(town) {
        for n in 0..3 {
            assert!(town.accounts.sign_up(&form("ana@example.org", PASSWORD), from(&format!("192.0.2.{n}"))).await.is_ok());
        }
        for same in ["Ana@EXAMPLE.org", "ana+1@example.org"] {
            let held = town.accounts.sign_up(&form(same, PASSWORD), from("192.0.2.9")).await;
            assert!(matches!(held, Err(SignUpRefused::SlowDown { .. })), "{same}");
        }
        town.clock.advance(Duration::from_secs(86_400));
        assert!(town.accounts.sign_up(&form("ana@example.org", PASSWORD), from("192.0.2.9")).await.is_ok());
    }

    async fn a_brake_holds_exactly_also_against_many_at_once(town) {
        let accounts = Arc::new(town.accounts.clone());
        let tries = (0..20).map(|n| {
            let accounts = accounts.clone();
            tokio::spawn(async move { accounts.sign_up(&form(&format!("a{n}@example.org"), PASSWORD), from("192.0.2.1")).await.is_ok() })
        });
        let mut founded = 0;
        for each in tries.collect::<Vec<_>>() {
            founded += usize::from(each.await.unwrap());
        }
        assert_eq!(founded, 10);
        assert_eq!(town.accounts.db.front_desk().tenants(None, 100).await.unwrap().len(), 10);
    }

    async fn the_first_session_knows_where_it_came_from(town) {
        let signed_in = town.sign_up("ana@example.org", PASSWORD).await;
        let sessions = town.accounts.sessions(&signed_in.caller).await.unwrap();
        assert_eq!(sessions.len(), 1);
        assert_eq!((sessions[0].ip.as_str(), sessions[0].user_agent.as_str(), sessions[0].current), ("192.0.2.1", "Firefox", true));
        let rows = town.accounts.db.read::<_, kernel::Fault, _>(&signed_in.caller, async |read| {
            use store::entity::session;
            read.find::<session::Entity>().filter(session::Column::TokenHash.eq(signed_in.token.as_bytes().to_vec())).count().await
        });
        assert_eq!(rows.await.unwrap(), 0, "the token itself is not kept");
    }
}
