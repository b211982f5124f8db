//! Names and their certificates: wanted once, ordered by one, sealed, and known to every process.

use crate::on_both;
use kernel::{Fault, FaultKind, HostName};
use std::time::Duration;
use store::{Challenge, ChallengeKind, Expiry, Issued, Order, TenantTx, Wanted, WantedBy};

const LEASE: Duration = Duration::from_secs(180);
const DAY: Duration = Duration::from_secs(86_400);

fn host(name: &str) -> HostName {
    HostName::parse(name).unwrap()
}

async fn keep(db: &store::Db, order: &Order) -> bool {
    let now = db.clock().now();
    let issued = Issued { chain: "CHAIN", key: "PRIVATE KEY", not_before: now, not_after: now.plus_days(90), renew_at: now.plus_days(60) };
    db.certificates().issued(order, &issued).await.unwrap()
}

on_both! {
    async fn a_name_belongs_to_the_first_who_wants_it_until_they_let_go(town) {
        let (certificates, name) = (town.db.certificates(), host("mail.example.org"));
        let (a, b) = (WantedBy::Tenant(town.a.tenant()), WantedBy::Tenant(town.b.tenant()));
        assert_eq!(certificates.want(&name, a).await.unwrap(), Wanted::Now);
        assert_eq!(certificates.want(&name, a).await.unwrap(), Wanted::Already);
        for other in [b, WantedBy::Site, WantedBy::Operator] {
            assert_eq!(certificates.want(&name, other).await.unwrap(), Wanted::Taken);
            assert!(!certificates.unwant(&name, other).await.unwrap());
            assert!(!certificates.again(&name, other).await.unwrap());
        }
        assert!(certificates.unwant(&name, a).await.unwrap());
        assert_eq!(certificates.state(&name).await.unwrap(), None);
        assert_eq!(certificates.want(&name, b).await.unwrap(), Wanted::Now);
        assert_eq!(certificates.state(&name).await.unwrap().map(|s| s.wanted_by), Some(b));
    }

    async fn wanting_is_part_of_the_act_and_seen_by_its_tenant_alone(town) {
        let name = host("mail.example.org");
        let undone = town.db.act(&town.a, async |tx: &mut TenantTx| {
            assert_eq!(tx.want_certificate(&name).await?, Wanted::Now);
            Err::<(), _>(Fault::other("no"))
        });
        assert!(undone.await.is_err());
        assert_eq!(town.db.certificates().state(&name).await.unwrap(), None);
        town.db.act(&town.a, async |tx: &mut TenantTx| tx.want_certificate(&name).await).await.unwrap();
        let seen = async |who| town.db.read(who, async |read| read.certificate(&name).await).await.unwrap().is_some();
        assert!(seen(&town.a).await && !seen(&town.b).await);
        let other = town.db.act(&town.b, async |tx: &mut TenantTx| Ok::<_, Fault>((tx.want_certificate(&name).await?, tx.unwant_certificate(&name).await?)));
        assert_eq!(other.await.unwrap(), (Wanted::Taken, false));
        assert!(town.db.act(&town.a, async |tx: &mut TenantTx| tx.unwant_certificate(&name).await).await.unwrap());
    }

    async fn each_due_name_is_in_one_process_s_hands(town) {
        let other = town.under.open(2).await.unwrap();
        for n in 0..40 {
            town.db.certificates().want(&host(&format!("n{n}.example.org")), WantedBy::Site).await.unwrap();
        }
        let takers: Vec<_> = (0..8).map(|n| {
            let db = if n % 2 == 0 { town.db.clone() } else { other.clone() };
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    match db.certificates().take_due(3, LEASE).await {
                        Ok(orders) if orders.is_empty() => return mine,
                        Ok(orders) => mine.extend(orders.into_iter().map(|o| o.name)),
                        // Two processes on one SQLite file may find each other writing.
                        Err(fault) => assert_eq!(fault.kind(), FaultKind::Retry, "{fault}"),
                    }
                }
            })
        }).collect();
        let mut all = Vec::new();
        for taker in takers {
            all.extend(taker.await.unwrap());
        }
        all.sort();
        let taken = all.len();
        all.dedup();
        assert_eq!((taken, all.len()), (40, 40), "every name once");
    }

    async fn a_certificate_in_the_last_sixth_of_its_life_is_late_until_it_is_renewed(town) {
        let (certificates, name) = (town.db.certificates(), host("mail.example.org"));
        certificates.want(&name, WantedBy::Site).await.unwrap();
        let first = certificates.take_due(9, LEASE).await.unwrap().remove(0);
        assert!(keep(&town.db, &first).await);
        let end = town.db.clock().now().plus_days(90);
        let late = async || certificates.expiry().await.unwrap().late;
        town.db.clock().advance(DAY * 75);
        assert_eq!(late().await, 0, "not yet");
        town.db.clock().advance(DAY / 24);
        assert_eq!(certificates.expiry().await.unwrap(), Expiry { wanted: 1, live: 1, failing: 0, late: 1, first_end: Some(end) });
        town.db.clock().advance(DAY * 20);
        let over = certificates.expiry().await.unwrap();
        assert_eq!((over.live, over.late), (0, 1), "also once it is over");
        let renewal = certificates.take_due(9, LEASE).await.unwrap().remove(0);
        assert!(keep(&town.db, &renewal).await);
        assert_eq!(late().await, 0);
    }

    async fn who_finishes_late_changes_nothing(town) {
        let (certificates, name) = (town.db.certificates(), host("mail.example.org"));
        certificates.want(&name, WantedBy::Site).await.unwrap();
        let late = certificates.take_due(9, LEASE).await.unwrap().remove(0);
        assert_eq!((late.attempt, late.tries, late.renews), (1, 0, None));
        assert!(certificates.take_due(9, LEASE).await.unwrap().is_empty());
        town.db.clock().advance(LEASE);
        let second = certificates.take_due(9, LEASE).await.unwrap().remove(0);
        assert_eq!(second.attempt, 2);
        assert!(!keep(&town.db, &late).await && !certificates.failed(&late, "late", town.db.clock().now(), true).await.unwrap());
        assert!(keep(&town.db, &second).await);
        assert!(certificates.take_due(9, LEASE).await.unwrap().is_empty());
        town.db.clock().advance(DAY * 60);
        let renewal = certificates.take_due(9, LEASE).await.unwrap().remove(0);
        assert!(renewal.renews.is_some());
        assert!(certificates.unwant(&name, WantedBy::Site).await.unwrap());
        assert!(!keep(&town.db, &renewal).await, "nobody wants it any more");
        assert!(certificates.shown(&name).await.unwrap().is_none());
    }

    async fn what_a_ca_says_is_kept_for_people_and_the_next_try_has_its_time(town) {
        let (certificates, name) = (town.db.certificates(), host("mail.example.org"));
        certificates.want(&name, WantedBy::Operator).await.unwrap();
        let order = certificates.take_due(9, LEASE).await.unwrap().remove(0);
        let next = town.db.clock().now().plus(DAY);
        assert!(certificates.failed(&order, "No A record\r\nfound", next, true).await.unwrap());
        let state = certificates.state(&name).await.unwrap().unwrap();
        let trouble = state.trouble.unwrap();
        assert_eq!((trouble.said.as_str(), trouble.tries, state.next_at, state.live_until), ("No A recordfound", 1, next, None));
        assert_eq!(certificates.expiry().await.unwrap(), Expiry { wanted: 1, failing: 1, ..Expiry::default() });
        assert!(certificates.take_due(9, LEASE).await.unwrap().is_empty());
        assert!(certificates.again(&name, WantedBy::Operator).await.unwrap());
        let order = certificates.take_due(9, LEASE).await.unwrap().remove(0);
        assert_eq!(order.tries, 1);
        assert!(certificates.failed(&order, "The CA is away", next, false).await.unwrap());
        assert_eq!(certificates.state(&name).await.unwrap().unwrap().trouble.unwrap().tries, 1, "not this name's try");
    }

    async fn keys_are_sealed_each_for_its_name(town) {
        let certificates = town.db.certificates();
        for name in ["a.example.org", "b.example.org"] {
            certificates.want(&host(name), WantedBy::Site).await.unwrap();
        }
        for order in certificates.take_due(9, LEASE).await.unwrap() {
            assert!(keep(&town.db, &order).await);
        }
        let shown = certificates.shown(&host("a.example.org")).await.unwrap().unwrap();
        assert_eq!((shown.chain.as_str(), shown.key.as_slice()), ("CHAIN", b"PRIVATE KEY".as_slice()));
        if let store::Database::Sqlite { path } = &town.under.database {
            for file in [path.clone(), path.with_extension("db-wal")] {
                let bytes = std::fs::read(&file).unwrap_or_default();
                assert!(!bytes.windows(11).any(|w| w == b"PRIVATE KEY"), "{}", file.display());
            }
        }
        town.under.run("UPDATE certificate SET key_sealed = (SELECT key_sealed FROM certificate WHERE name = 'a.example.org') WHERE name = 'b.example.org'").await;
        assert_eq!(certificates.shown(&host("b.example.org")).await.err().unwrap().kind(), FaultKind::Sealed);
    }

    async fn other_processes_hear_what_came_and_what_went(town) {
        let other = town.under.open(2).await.unwrap();
        let (certificates, name, start) = (town.db.certificates(), host("mail.example.org"), town.db.clock().now());
        certificates.want(&name, WantedBy::Site).await.unwrap();
        assert!(other.certificates().changed_since(start).await.unwrap().is_empty(), "there is nothing to show yet");
        let order = certificates.take_due(9, LEASE).await.unwrap().remove(0);
        town.db.clock().advance(LEASE / 2);
        assert!(keep(&town.db, &order).await);
        let came = other.certificates().changed_since(start).await.unwrap();
        assert_eq!(came, other.certificates().all_shown().await.unwrap());
        assert_eq!((came.len(), &came[0].name, came[0].at), (1, &name, town.db.clock().now()));
        assert!(other.certificates().changed_since(came[0].at.plus(Duration::from_millis(1))).await.unwrap().is_empty());
        town.db.clock().advance(LEASE);
        certificates.unwant(&name, WantedBy::Site).await.unwrap();
        let went = other.certificates().changed_since(town.db.clock().now()).await.unwrap();
        assert!(went.len() == 1 && other.certificates().shown(&name).await.unwrap().is_none());
        assert!(other.certificates().all_shown().await.unwrap().is_empty());
        assert_eq!(certificates.sweep().await.unwrap(), 0);
        town.db.clock().advance(DAY);
        assert_eq!(certificates.sweep().await.unwrap(), 1);
    }

    async fn a_challenge_is_known_to_every_process_until_it_ends(town) {
        let other = town.under.open(2).await.unwrap();
        let challenge = |token: &str| Challenge {
            name: host("mail.example.org"),
            kind: ChallengeKind::TlsAlpn01,
            token: token.into(),
            answer: format!("{token}.thumb"),
            ends_at: town.db.clock().now().plus(LEASE),
        };
        let (first, second) = (challenge("one"), challenge("two"));
        town.db.certificates().put_challenge(&first).await.unwrap();
        assert_eq!(other.certificates().challenges().await.unwrap(), std::slice::from_ref(&first));
        town.db.certificates().put_challenge(&second).await.unwrap();
        town.db.certificates().drop_challenge(&first).await.unwrap();
        assert_eq!(other.certificates().challenges().await.unwrap(), [second], "a late end takes nobody else's away");
        town.db.clock().advance(LEASE);
        assert!(town.db.certificates().challenges().await.unwrap().is_empty());
    }

    async fn an_account_is_made_by_one_and_used_by_all(town) {
        let other = town.under.open(2).await.unwrap();
        let (here, there) = (town.db.certificates(), other.certificates());
        assert!(here.claim_account("ca", LEASE).await.unwrap());
        assert!(!there.claim_account("ca", LEASE).await.unwrap());
        assert!(there.claim_account("another ca", LEASE).await.unwrap());
        here.let_account_go("ca").await.unwrap();
        assert!(there.claim_account("ca", LEASE).await.unwrap(), "who could not make it does not hold it");
        town.db.clock().advance(LEASE);
        assert!(here.claim_account("ca", LEASE).await.unwrap(), "who died making it does not hold it for ever");
        assert!(there.account("ca").await.unwrap().is_none());
        assert!(here.keep_account("ca", b"credentials").await.unwrap());
        assert!(!there.keep_account("ca", b"others").await.unwrap() && !there.claim_account("ca", LEASE).await.unwrap());
        let account = there.account("ca").await.unwrap().unwrap();
        assert_eq!(account.credentials.as_slice(), b"credentials");
        there.forget_account("ca", &account).await.unwrap();
        assert!(here.account("ca").await.unwrap().is_none());
    }
}
