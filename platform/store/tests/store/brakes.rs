//! Brakes count exactly.

use crate::on_both;
use std::time::Duration;
use store::{Brake, Counted};

const HOUR: Duration = Duration::from_secs(3600);

on_both! {
    async fn a_brake_counts_exactly_with_everybody_at_once(town) {
        let tries: Vec<_> = (0..40).map(|_| {
            let db = town.db.clone();
            tokio::spawn(async move { db.front_desk().brake("sign-in ada@example.org", 7, HOUR).await.unwrap() })
        }).collect();
        let mut free = vec![];
        for one in tries {
            if let Brake::Free { left } = one.await.unwrap() {
                free.push(left);
            }
        }
        free.sort_unstable();
        assert_eq!(free, vec![0, 1, 2, 3, 4, 5, 6]);
    }

    async fn a_brake_comes_free_when_its_window_ends_and_names_are_apart(town) {
        let desk = town.db.front_desk();
        assert_eq!(desk.brake("x", 1, HOUR).await.unwrap(), Brake::Free { left: 0 });
        town.db.clock().advance(HOUR / 2);
        let until = store::testing::START.plus(HOUR);
        assert_eq!(desk.brake("x", 1, HOUR).await.unwrap(), Brake::Held { until });
        assert_eq!(desk.brake("y", 1, HOUR).await.unwrap(), Brake::Free { left: 0 });
        assert_eq!(desk.brake("z", 0, HOUR).await.unwrap(), Brake::Held { until: town.db.clock().now().plus(HOUR) });
        town.db.clock().advance(HOUR / 2);
        assert_eq!(desk.brake("x", 1, HOUR).await.unwrap(), Brake::Free { left: 0 });
    }

    async fn names_are_counted_together_or_not_at_all_and_can_be_given_back(town) {
        let desk = town.db.front_desk();
        let both = ["wide", "narrow"].map(|name| Counted { name: name.into(), limit: if name == "wide" { 3 } else { 1 }, window: HOUR });
        assert_eq!(desk.brakes(&both).await.unwrap(), Brake::Free { left: 0 });
        for _ in 0..5 {
            assert!(matches!(desk.brakes(&both).await.unwrap(), Brake::Held { .. }));
        }
        desk.give_back(&both).await.unwrap();
        assert_eq!(desk.brakes(&both).await.unwrap(), Brake::Free { left: 0 }, "what was held counted in neither");
        assert_eq!(desk.brake("wide", 3, HOUR).await.unwrap(), Brake::Free { left: 1 });
        town.db.clock().advance(HOUR);
        desk.give_back(&both).await.unwrap();
        assert_eq!(desk.brakes(&both).await.unwrap(), Brake::Free { left: 0 }, "a window that is over gives nothing back");
    }

    async fn a_brake_without_a_database_is_a_fault(town) {
        town.db.close().await;
        assert!(town.db.front_desk().brake("x", 1, HOUR).await.is_err());
    }
}
