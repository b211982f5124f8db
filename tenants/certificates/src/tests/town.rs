//! A town: own database, a clock stopped at this moment (openssl knows no other), seeded chance, a workshop.

use super::workshop::Workshop;
use crate::{ClientCertificates, Lists, Presented, Rules, host_of};
use accounts::{Accounts, SignUp, SignedIn};
use egress::Egress;
use kernel::{ClientCaId, Clock, JobEnd, Site, TenantId};
use keys::{Cost, PasswordHasher};
use rustls_pki_types::CertificateDer;
use std::time::Duration;
use store::{Db, Ground, Origin, testing::TestDatabase};

pub const PASSWORD: &str = "correct horse battery 7";

pub struct Town {
    pub room: ClientCertificates,
    pub clock: Clock,
    pub shop: Workshop,
    database: TestDatabase,
}

/// Runs a fact on both databases.
macro_rules! facts {
    ($($(#[$doc:meta])* async fn $name:ident($town:ident) $body:block)*) => { $(
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            async fn holds($town: $crate::tests::town::Town) $body
            #[tokio::test]
            async fn on_sqlite() { holds($crate::tests::town::Town::on(store::testing::fresh_sqlite().await).await).await }
            #[tokio::test]
            async fn on_postgres() { holds($crate::tests::town::Town::on(store::testing::fresh_postgres().await).await).await }
        }
    )* };
}
pub(crate) use facts;

impl Town {
    pub async fn on(database: TestDatabase) -> Town {
        let clock = Clock::stopped(super::workshop::now());
        let ground = Ground { clock: clock.clone(), ..database.ground(7) };
        let chance = ground.chance.clone();
        let db = Db::open(&database.database, ground).await.unwrap();
        let site = Site::new("https://mail.example.com", "notices@mail.example.com".parse().unwrap());
        let hasher = PasswordHasher::new(Cost::Test, chance);
        let limits = quota::Limits {
            sends: Some(10),
            recipients: Some(5),
            message_bytes: Some(1 << 20),
            stored_bytes: Some(1 << 20),
            life_days: Some(30),
            api_per_minute: Some(60),
            own_domains: Some(10),
        };
        let accounts = Accounts { db, hasher, site, sign_up_plan: "personal".into(), sign_up_limits: limits };
        let rules = egress::Rules { allow: vec!["127.0.0.0/8".parse().unwrap()], ..egress::Rules::default() };
        let room = ClientCertificates { accounts, egress: Egress::new(rules).unwrap(), lists: Lists::default() };
        // Certificates made a moment from now must be valid already.
        clock.advance(Duration::from_secs(30));
        Town { room, clock, shop: Workshop::new(), database }
    }

    /// The owner of a new tenant, signed in and so stepped up.
    pub async fn owner(&self, email: &str) -> SignedIn {
        let form = SignUp { name: "Ana Brandt".into(), email: email.into(), password: PASSWORD.into() };
        let owner = self.room.accounts.sign_up(&form, Origin::default()).await.unwrap();
        self.run(&format!("UPDATE member SET email_proven_at = 1 WHERE email = '{email}'")).await;
        owner
    }

    pub async fn run(&self, sql: &str) {
        self.database.run(sql).await;
    }

    pub async fn accept(&self, owner: &SignedIn, pem: &str, rules: Rules) -> ClientCaId {
        self.room.add_authority(&owner.caller, pem, &rules).await.unwrap()
    }

    /// What the tenant's host is shown.
    pub fn shows(&self, tenant: TenantId, chain: &[&CertificateDer<'static>]) -> Presented {
        let host = host_of(&self.room.accounts.site, tenant).unwrap().to_string();
        Presented { host, chain: chain.iter().map(|der| (*der).clone()).collect() }
    }

    pub async fn enrol(&self, owner: &SignedIn, der: &CertificateDer<'static>, by_key: bool) {
        let ticket = self.room.begin_enrolment(&owner.caller).await.unwrap();
        let shown = self.shows(owner.caller.tenant(), &[der]);
        self.room.enrol(&shown, &ticket, by_key, Origin::default()).await.unwrap();
    }

    /// The address that is signed in, or why nobody is.
    pub async fn whose(&self, tenant: TenantId, der: &CertificateDer<'static>) -> Result<String, String> {
        let found = self.room.whose(&self.shows(tenant, &[der]), Origin::default()).await;
        found.map(|found| found.email).map_err(|why| why.to_string())
    }

    /// Runs what is due; answers how many there were.
    pub async fn work(&self) -> usize {
        let jobs = self.room.accounts.db.jobs();
        let mut ran = 0;
        for job in jobs.claim(100, Duration::from_secs(60)).await.unwrap() {
            if !job.kind.starts_with("certificates.") {
                jobs.done(&job).await.unwrap();
                continue;
            }
            ran += 1;
            match self.room.run_job(&job).await {
                JobEnd::Done => assert!(jobs.done(&job).await.unwrap()),
                JobEnd::Wait { after, why } | JobEnd::Again { after, why } => {
                    assert!(jobs.wait(&job, self.clock.now().plus(after), &why).await.unwrap())
                }
                other => panic!("{other:?}"),
            }
        }
        ran
    }
}
