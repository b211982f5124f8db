//! The quota against real databases: exact under contention, periods that turn, limits that refuse when they cannot be read.
#![allow(clippy::unwrap_used)] // a test may; Clippy sees only functions marked as tests

use kernel::{Clock, Fault, Time};
use quota::{Limits, QuotaRefused, Refused, Usage};
use std::time::Duration;
use store::{
    Caller, Db, Ground, Origin, TenantRead, TenantTx,
    entity::allowance,
    testing::{self, TestDatabase},
};

const UNLIMITED: Limits = Limits {
    sends: None,
    recipients: None,
    message_bytes: None,
    stored_bytes: None,
    life_days: None,
    api_per_minute: None,
    own_domains: None,
};

struct Town {
    db: Db,
    clock: Clock,
    _database: TestDatabase,
}

impl Town {
    async fn on_sqlite() -> Town {
        Town::on(testing::fresh_sqlite().await).await
    }
    async fn on_postgres() -> Town {
        Town::on(testing::fresh_postgres().await).await
    }
    async fn on(database: TestDatabase) -> Town {
        let clock = Clock::stopped(Time::parse("2027-01-31T10:00:00Z").unwrap());
        let ground = Ground { clock: clock.clone(), ..database.ground(3) };
        Town { db: Db::open(&database.database, ground).await.unwrap(), clock, _database: database }
    }
    /// A tenant with these limits.
    async fn tenant(&self, limits: Limits) -> Caller {
        let open = async |tx: &mut TenantTx| {
            quota::open_allowance(tx, &limits).await?;
            Ok::<_, Fault>(tx.caller().clone())
        };
        self.db.front_desk().found("Ana", "personal", Origin::default(), open).await.unwrap()
    }
    async fn reserve(&self, who: &Caller, n: i64) -> Result<(), Refused> {
        self.db.act(who, async |tx| quota::reserve_sends(tx, n).await).await
    }
    async fn reserve_bytes(&self, who: &Caller, n: i64) -> Result<(), Refused> {
        self.db.act(who, async |tx| quota::reserve_bytes(tx, n).await).await
    }
    async fn usage(&self, who: &Caller) -> Usage {
        self.db.read(who, async |read: &TenantRead| quota::usage(read).await).await.unwrap()
    }
    fn at(&self, time: &str) {
        self.clock.advance(Time::parse(time).unwrap().since(self.clock.now()));
    }
}

fn sends(n: i64) -> Limits {
    Limits { sends: Some(n), ..UNLIMITED }
}

fn refused(answer: Result<(), Refused>) -> QuotaRefused {
    match answer {
        Err(Refused::Quota(refused)) => refused,
        other => panic!("not refused: {other:?}"),
    }
}

/// Runs a fact on both databases.
macro_rules! facts {
    ($($(#[$doc:meta])* async fn $name:ident($town:ident) $body:block)*) => { $(
        $(#[$doc])*
        mod $name {
            use super::*;
            async fn holds($town: Town) $body
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() { holds(Town::on_sqlite().await).await }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() { holds(Town::on_postgres().await).await }
        }
    )* };
}

facts! {
    async fn of_forty_sends_at_once_against_seventeen_left_exactly_seventeen_pass(town) {
        let who = town.tenant(sends(20)).await;
        town.reserve(&who, 3).await.unwrap();
        let tries = (0..40).map(|_| {
            let (db, who) = (town.db.clone(), who.clone());
            tokio::spawn(async move { db.act(&who, async |tx: &mut TenantTx| quota::reserve_sends(tx, 1).await).await })
        });
        let (mut passed, mut over) = (0, 0);
        for each in tries.collect::<Vec<_>>() {
            match each.await.unwrap() {
                Ok(()) => passed += 1,
                Err(Refused::Quota(QuotaRefused::OverQuota { dimension: "sends", limit: 20, used: 20, .. })) => over += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!((passed, over, town.usage(&who).await.sends_used), (17, 23, 20));
    }

    async fn sends_of_three_at_once_never_pass_the_limit(town) {
        let who = town.tenant(sends(20)).await;
        let tries = (0..12).map(|_| {
            let (db, who) = (town.db.clone(), who.clone());
            tokio::spawn(async move { db.act(&who, async |tx: &mut TenantTx| quota::reserve_sends(tx, 3).await).await.is_ok() })
        });
        let mut passed = 0;
        for each in tries.collect::<Vec<_>>() {
            passed += i64::from(each.await.unwrap());
        }
        assert_eq!((passed, town.usage(&who).await.sends_used), (6, 18));
        town.reserve(&who, 2).await.unwrap();
    }

    async fn stored_bytes_are_exact_at_once_too(town) {
        let who = town.tenant(Limits { stored_bytes: Some(1_000), ..UNLIMITED }).await;
        let tries = (0..16).map(|_| {
            let (db, who) = (town.db.clone(), who.clone());
            tokio::spawn(async move { db.act(&who, async |tx: &mut TenantTx| quota::reserve_bytes(tx, 150).await).await.is_ok() })
        });
        let mut passed = 0;
        for each in tries.collect::<Vec<_>>() {
            passed += i64::from(each.await.unwrap());
        }
        assert_eq!((passed, town.usage(&who).await.stored_bytes), (6, 900));
        let refused = refused(town.reserve_bytes(&who, 101).await);
        assert_eq!((refused.dimension(), refused.limit(), refused.used(), refused.resets_at()), ("stored_bytes", 1_000, Some(900), None));
        town.db.act(&who, async |tx| quota::release_bytes(tx, 150).await).await.unwrap();
        town.reserve_bytes(&who, 101).await.unwrap();
    }

    async fn an_act_that_fails_after_reserving_costs_nothing(town) {
        let who = town.tenant(sends(5)).await;
        let failed: Result<(), Refused> = town.db.act(&who, async |tx| {
            quota::reserve_sends(tx, 5).await?;
            Err(Fault::other("something else went wrong").into())
        }).await;
        assert!(failed.is_err());
        assert_eq!(town.usage(&who).await.sends_used, 0);
        assert_eq!(refused(town.reserve(&who, 6).await).used(), Some(0), "and so does a refused one");
        assert_eq!(town.usage(&who).await.sends_used, 0);
    }

    async fn none_is_unlimited_and_zero_is_none(town) {
        let unlimited = town.tenant(UNLIMITED).await;
        town.reserve(&unlimited, 1_000_000_000).await.unwrap();
        town.reserve_bytes(&unlimited, 1 << 50).await.unwrap();
        assert_eq!(town.usage(&unlimited).await.sends_left(), None);
        let none = town.tenant(Limits { stored_bytes: Some(0), ..sends(0) }).await;
        assert_eq!(refused(town.reserve(&none, 1).await).limit(), 0);
        assert_eq!(refused(town.reserve_bytes(&none, 1).await).limit(), 0);
        town.reserve(&none, 0).await.unwrap();
        assert_eq!(town.usage(&none).await.sends_left(), Some(0));
    }

    async fn the_month_turns_on_the_31st_or_the_last_day_before_it(town) {
        let who = town.tenant(sends(10)).await;
        town.reserve(&who, 10).await.unwrap();
        let resets_at = |refused: QuotaRefused| refused.resets_at().map(Time::rfc3339);
        assert_eq!(resets_at(refused(town.reserve(&who, 1).await)).as_deref(), Some("2027-02-28T10:00:00.000Z"));
        town.at("2027-02-28T09:59:59.999Z");
        assert_eq!(refused(town.reserve(&who, 1).await).used(), Some(10));
        town.at("2027-02-28T10:00:00Z");
        let usage = town.usage(&who).await;
        assert_eq!((usage.sends_used, usage.period_ends_at.rfc3339().as_str()), (0, "2027-03-31T10:00:00.000Z"));
        town.reserve(&who, 4).await.unwrap();
        let usage = town.usage(&who).await;
        assert_eq!((usage.sends_used, usage.sends_left()), (4, Some(6)));
        assert_eq!(usage.period_ends_at.rfc3339(), "2027-03-31T10:00:00.000Z");
        town.at("2027-05-01T00:00:00Z");
        assert_eq!(refused(town.reserve(&who, 11).await).resets_at().map(Time::rfc3339).as_deref(), Some("2027-05-31T10:00:00.000Z"));
    }

    async fn the_turn_of_the_month_is_exact_at_once_too(town) {
        let who = town.tenant(sends(5)).await;
        town.reserve(&who, 5).await.unwrap();
        town.at("2027-03-01T00:00:00Z");
        let tries = (0..20).map(|_| {
            let (db, who) = (town.db.clone(), who.clone());
            tokio::spawn(async move { db.act(&who, async |tx: &mut TenantTx| quota::reserve_sends(tx, 1).await).await })
        });
        let mut passed = 0;
        for each in tries.collect::<Vec<_>>() {
            match each.await.unwrap() {
                Ok(()) => passed += 1,
                Err(Refused::Quota(_)) => {}
                Err(Refused::Fault(fault)) => panic!("{fault}"),
            }
        }
        assert_eq!((passed, town.usage(&who).await.sends_used), (5, 5));
    }

    async fn a_release_gives_back_and_never_goes_below_nothing(town) {
        let who = town.tenant(sends(10)).await;
        let release = async |n: i64| town.db.act(&who, async |tx: &mut TenantTx| quota::release_sends(tx, n).await).await.unwrap();
        town.reserve(&who, 10).await.unwrap();
        release(4).await;
        assert_eq!(town.usage(&who).await.sends_left(), Some(4));
        town.at("2027-03-01T00:00:00Z");
        town.reserve(&who, 1).await.unwrap();
        release(6).await;
        assert_eq!(town.usage(&who).await.sends_used, 0, "the six were of last month");
    }

    async fn a_limit_that_cannot_be_read_refuses(town) {
        let who = town.tenant(sends(10)).await;
        town.db.act::<_, Fault, _>(&who, async |tx| tx.delete::<allowance::Entity>(sea_orm::Condition::all()).await).await.unwrap();
        assert!(matches!(town.reserve(&who, 1).await, Err(Refused::Fault(_))));
        assert!(matches!(town.reserve_bytes(&who, 1).await, Err(Refused::Fault(_))));
        assert!(town.db.read(&who, async |read: &TenantRead| quota::limits(read).await).await.is_err());
    }

    async fn limits_are_read_once_a_second_and_of_the_tenant_that_asks(town) {
        let (ana, bob) = (town.tenant(sends(10)).await, town.tenant(sends(99)).await);
        let limits = async |who: &Caller| town.db.read(who, async |read: &TenantRead| quota::limits(read).await).await.unwrap();
        assert_eq!((limits(&ana).await.sends, limits(&bob).await.sends), (Some(10), Some(99)));
        let set = async |tx: &mut TenantTx| tx.update::<allowance::Entity>().set(allowance::Column::SendsLimit, 11_i64).exec().await;
        town.db.act::<_, Fault, _>(&ana, set).await.unwrap();
        town.clock.advance(Duration::from_millis(1_001));
        tokio::time::sleep(Duration::from_millis(1_010)).await;
        assert_eq!((limits(&ana).await.sends, limits(&bob).await.sends), (Some(11), Some(99)));
    }

    async fn one_tenant_at_its_limit_does_not_touch_another(town) {
        let (ana, bob) = (town.tenant(sends(1)).await, town.tenant(sends(1)).await);
        town.reserve(&ana, 1).await.unwrap();
        refused(town.reserve(&ana, 1).await);
        town.reserve(&bob, 1).await.unwrap();
        assert_eq!((town.usage(&ana).await.sends_used, town.usage(&bob).await.sends_used), (1, 1));
    }
}
