//! Budgets: what is over waits and says so, and nobody else's name waits with it.

use super::town::{DAY, HOUR, Town, host, wait_for};
use acme::Budgets;
use kernel::{TenantId, Time};
use store::{ChallengeKind, WantedBy};

async fn town(budgets: Budgets) -> Town {
    let mut town = Town::new(ChallengeKind::TlsAlpn01).await;
    town.settings.budgets = budgets;
    town
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_is_over_its_day_waits_and_no_other_tenant_does() {
    let town = town(Budgets { an_hour: 100, per_tenant_a_day: 2, per_domain_a_week: 100 }).await;
    let server = town.serve(1).await;
    let chance = kernel::Chance::seeded(3);
    let tenant = || WantedBy::Tenant(TenantId::new(Time(1_790_000_000_000), &chance));
    let (a, b) = (tenant(), tenant());
    for n in 0..5 {
        server.db.certificates().want(&host(&format!("n{n}.a.test")), a).await.unwrap();
    }
    let in_line = async || {
        let states = server.db.certificates().list(None, 100).await.unwrap();
        let live = states.iter().filter(|s| s.live_until.is_some()).count();
        let waits = states.iter().filter(|s| s.trouble.as_ref().is_some_and(|t| t.said.contains("in line") && t.tries == 0)).count();
        (live, waits)
    };
    wait_for("two of five", async || (in_line().await == (2, 3)).then_some(())).await;
    server.db.certificates().want(&host("n.b.test"), b).await.unwrap();
    server.live("n.b.test").await;
    assert_eq!((in_line().await, town.pebble.orders()), ((3, 3), 3));
    town.clock.advance(DAY + HOUR);
    wait_for("two more", async || (in_line().await == (5, 1)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registered_domain_and_the_whole_site_have_budgets_and_renewals_one_of_their_own() {
    let town = town(Budgets { an_hour: 3, per_tenant_a_day: 100, per_domain_a_week: 2 }).await;
    let server = town.serve(1).await;
    server.want(&["a.one.co.uk", "b.one.co.uk", "c.one.co.uk"]).await;
    let live = async || server.db.certificates().expiry().await.unwrap().live;
    wait_for("two of one domain", async || (live().await == 2).then_some(())).await;
    server.want(&["a.two.co.uk", "b.two.co.uk"]).await;
    wait_for("the third of this hour", async || (live().await == 3).then_some(())).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!((live().await, town.pebble.orders()), (3, 3));
    // Everything that waits and everything that is renewed is due now.
    town.clock.advance(DAY * 41);
    wait_for("new ones", async || (live().await == 5).then_some(())).await;
    wait_for("and renewals beside them", async || (town.pebble.orders() == 8).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_asks_for_certificates_may_come_and_go_a_few_times_a_day() {
    let town = town(Budgets { an_hour: 100, per_tenant_a_day: 1, per_domain_a_week: 100 }).await;
    let server = town.serve(1).await;
    let (certificates, name) = (server.db.certificates(), host("cert-1.town.test"));
    for _ in 0..3 {
        certificates.want(&name, WantedBy::Asking).await.unwrap();
        let live = async || certificates.state(&name).await.unwrap()?.live_until;
        wait_for("its certificate", live).await;
        assert!(certificates.unwant(&name, WantedBy::Asking).await.unwrap());
    }
    certificates.want(&name, WantedBy::Asking).await.unwrap();
    let said = async || certificates.state(&name).await.unwrap()?.trouble.filter(|trouble| trouble.said.contains("in line"));
    wait_for("its turn", said).await;
    assert_eq!(town.pebble.orders(), 3);
}
