//! How many orders there may be, counted in the database for all processes together.

use crate::Budgets;
use kernel::{Fault, Time};
use std::time::Duration;
use store::{Brake, Counted, Db, Order, WantedBy};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// Orders for one host that asks for client certificates. They are the site's, but the host comes and goes as its tenant likes.
const ASKING_A_DAY: i64 = 3;

/// Counts this order. `Some`: it has to wait until then.
pub async fn held(db: &Db, budgets: &Budgets, order: &Order) -> Result<Option<Time>, Fault> {
    match db.front_desk().brakes(&counted(budgets, order)).await? {
        Brake::Free { .. } => Ok(None),
        Brake::Held { until } => Ok(Some(until)),
    }
}

/// This order asked nothing of the CA, so it does not count.
pub async fn give_back(db: &Db, budgets: &Budgets, order: &Order) -> Result<(), Fault> {
    db.front_desk().give_back(&counted(budgets, order)).await
}

fn counted(budgets: &Budgets, order: &Order) -> Vec<Counted> {
    let one = |name: String, limit: i64, window: Duration| Counted { name, limit, window };
    if order.renews.is_some() {
        return vec![one("certificate renewals".to_owned(), budgets.an_hour, HOUR)];
    }
    let mut all = vec![one("certificate orders".to_owned(), budgets.an_hour, HOUR)];
    let registered = registered(order.name.as_str());
    all.push(one(format!("certificate orders under {registered}"), budgets.per_domain_a_week, DAY * 7));
    if let Some(tenant) = order.wanted_by.tenant() {
        all.push(one(format!("certificate orders of {tenant}"), budgets.per_tenant_a_day, DAY));
    }
    if order.wanted_by == WantedBy::Asking {
        all.push(one(format!("certificate orders for {}", order.name), ASKING_A_DAY, DAY));
    }
    all
}

/// The domain that somebody registered, by the public suffix list: `example.co.uk` of `mail.example.co.uk`.
fn registered(name: &str) -> &str {
    psl::domain_str(name).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_is_found_by_the_list() {
        for (name, domain) in [
            ("a.b.example.org", "example.org"),
            ("mail.example.co.uk", "example.co.uk"),
            ("example.org", "example.org"),
            ("ana.github.io", "ana.github.io"),
            ("co.uk", "co.uk"),
            ("n1.town.test", "town.test"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(registered(name), domain, "{name}");
        }
    }
}
