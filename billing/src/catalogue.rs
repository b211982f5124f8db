//! The catalogue of plans: the shipped one, or the operator's file.

use crate::{Plan, file};
use std::path::Path;

const SHIPPED: &str = include_str!("../plans.toml");

/// Why a catalogue is not taken; for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BadCatalogue {
    #[error("the plan catalogue cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("the plan catalogue is not in order: {0}")]
    Format(#[from] Box<toml::de::Error>),
    #[error("the plan catalogue has “{name}” version {version} twice; a changed plan needs the next version")]
    Twice { name: String, version: i64 },
    #[error("the plan catalogue has no plans in it")]
    Empty,
}

/// Every version of every plan.
#[derive(Clone, Debug)]
pub struct Catalogue {
    plans: Vec<Plan>,
}

impl Catalogue {
    /// The plans that come with the program.
    pub fn shipped() -> Catalogue {
        Catalogue::parse(SHIPPED).expect("in order: a test reads the shipped file")
    }
    /// The operator's own file, in the format of `plans.toml`.
    pub fn load(path: &Path) -> Result<Catalogue, BadCatalogue> {
        Catalogue::parse(&std::fs::read_to_string(path)?)
    }
    /// The text of a catalogue file.
    pub fn parse(text: &str) -> Result<Catalogue, BadCatalogue> {
        let plans = file::read(text).map_err(Box::new)?;
        if plans.is_empty() {
            return Err(BadCatalogue::Empty);
        }
        for (i, plan) in plans.iter().enumerate() {
            if plans[..i].iter().any(|other| other.name == plan.name && other.version == plan.version) {
                return Err(BadCatalogue::Twice { name: plan.name.clone(), version: plan.version });
            }
        }
        Ok(Catalogue { plans })
    }
    /// The newest version of a plan.
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.plans.iter().filter(|plan| plan.name == name).max_by_key(|plan| plan.version)
    }
    /// One version of a plan, as it was sold.
    pub fn plan_version(&self, name: &str, version: i64) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.name == name && plan.version == version)
    }
    /// The newest version of every plan, in the order of the file.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.plans.iter().filter(|plan| self.plan(&plan.name).is_some_and(|newest| newest.version == plan.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FurtherMember;
    use quota::Limits;

    const MIB: i64 = 1 << 20;
    const GIB: i64 = 1 << 30;

    fn plan(name: &str) -> Plan {
        Catalogue::shipped().plan(name).unwrap_or_else(|| panic!("{name} is shipped")).clone()
    }

    #[test]
    fn the_shipped_plans_are_the_five_of_the_price_list() {
        let names: Vec<_> = Catalogue::shipped().plans().map(|plan| (plan.name.clone(), plan.title.clone(), plan.version)).collect();
        let listed =
            [("personal", "Personal"), ("solo", "Solo"), ("business", "Business"), ("developer", "Developer"), ("server", "Server")];
        assert_eq!(names, listed.map(|(name, title)| (name.to_owned(), title.to_owned(), 1)));
    }

    #[test]
    fn prices_are_those_of_the_price_list() {
        let price = |name| (plan(name).price_minor, plan(name).currency, plan(name).further_member);
        let usd = || "USD".to_owned();
        assert_eq!(price("personal"), (0, usd(), None));
        assert_eq!(price("solo"), (800, usd(), None));
        assert_eq!(price("business"), (3_000, usd(), Some(FurtherMember { price_minor: 600, sends: 100 })));
        assert_eq!(price("developer"), (0, usd(), None));
        assert_eq!(price("server"), (0, usd(), None));
    }

    #[test]
    fn limits_are_those_of_the_price_list() {
        // name: sends, recipients, message, stored, days, API requests a minute, domains
        let table = [
            ("personal", 10, 5, 25 * MIB, 250 * MIB, 30, 60, 0),
            ("solo", 200, 25, 100 * MIB, 5 * GIB, 365, 300, 1),
            ("business", 1_500, 100, GIB, 50 * GIB, 730, 1_000, 10),
            ("developer", 0, 100, GIB, 10 * GIB, 365, 1_000, 1),
        ];
        for (name, sends, recipients, message, stored, days, api, domains) in table {
            let limits = Limits {
                sends: Some(sends),
                recipients: Some(recipients),
                message_bytes: Some(message),
                stored_bytes: Some(stored),
                life_days: Some(days),
                api_per_minute: Some(api),
                own_domains: Some(domains),
            };
            assert_eq!(plan(name).limits, limits, "{name}");
        }
        let unlimited = Limits {
            sends: None,
            recipients: None,
            message_bytes: None,
            stored_bytes: None,
            life_days: None,
            api_per_minute: None,
            own_domains: None,
        };
        assert_eq!(plan("server").limits, unlimited);
    }

    #[test]
    fn the_rest_of_the_price_list_is_there_too() {
        // name: batch rows, evidence years, members, webhooks, controls, packs of sends, packs of storage
        type Row = (&'static str, Option<i64>, Option<i64>, Option<i64>, Option<i64>, bool, Option<i64>, bool);
        let table: [Row; 5] = [
            ("personal", Some(0), Some(10), Some(1), Some(1), false, None, false),
            ("solo", Some(500), Some(10), Some(3), Some(3), false, None, false),
            ("business", Some(50_000), Some(10), Some(10), Some(20), true, None, true),
            ("developer", Some(100_000), Some(10), Some(3), Some(20), false, Some(500), true),
            ("server", None, None, None, None, true, None, false),
        ];
        for row in table {
            let p = plan(row.0);
            let read = (row.0, p.batch_rows, p.evidence_years, p.members, p.webhooks, p.tenant_controls, p.pack_sends, p.stored_packs);
            assert_eq!(read, row);
        }
    }

    #[test]
    fn a_new_version_stands_beside_the_old_one() {
        let twice = SHIPPED.replacen("[[plan]]", &format!("{}\n[[plan]]", solo(2, "sends = 250")), 1);
        let catalogue = Catalogue::parse(&twice).unwrap();
        assert_eq!(catalogue.plan("solo").map(|p| (p.version, p.limits.sends)), Some((2, Some(250))));
        assert_eq!(catalogue.plan_version("solo", 1).map(|p| p.limits.sends), Some(Some(200)));
        assert_eq!(catalogue.plans().filter(|p| p.name == "solo").count(), 1);
        assert!(catalogue.plan("gold").is_none());
    }

    #[test]
    fn a_version_that_is_there_twice_is_refused() {
        let text = format!("{}{}", solo(1, "sends = 1"), solo(1, "sends = 2"));
        assert!(matches!(Catalogue::parse(&text), Err(BadCatalogue::Twice { version: 1, .. })));
        assert!(matches!(Catalogue::parse(""), Err(BadCatalogue::Empty)));
    }

    #[test]
    fn a_limit_left_out_misspelt_or_negative_is_an_error_and_not_a_gift() {
        assert!(Catalogue::parse(&solo(1, "sends = 1")).is_ok());
        for bad in ["", "sends = -1", "sends = \"unlimted\"", "sends = 1.5", "sends = true", "sends = 1\nsend = 2"] {
            assert!(matches!(Catalogue::parse(&solo(1, bad)), Err(BadCatalogue::Format(_))), "{bad:?}");
        }
        for bad in ["message_size = 5", "message_size = \"5 MB\"", "message_size = \"-1 MiB\"", "message_size = \"99999999999 GiB\""] {
            let text = solo(1, "sends = 1").replace("message_size = \"100 MiB\"", bad);
            assert!(matches!(Catalogue::parse(&text), Err(BadCatalogue::Format(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_file_of_the_operators_is_read_and_a_missing_one_said_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plans.toml");
        std::fs::write(&path, solo(3, "sends = \"unlimited\"")).unwrap();
        assert_eq!(Catalogue::load(&path).unwrap().plan("solo").map(|p| p.limits.sends), Some(None));
        assert!(matches!(Catalogue::load(&dir.path().join("none.toml")), Err(BadCatalogue::Read(_))));
    }

    /// The shipped solo plan with another version and another line for its sends.
    fn solo(version: i64, sends: &str) -> String {
        let from = SHIPPED.find("[[plan]]\nname = \"solo\"").unwrap();
        let text = &SHIPPED[from..];
        let one = &text[..text[1..].find("[[plan]]").unwrap()];
        one.replace("version = 1", &format!("version = {version}")).replace("sends = 200", sends)
    }
}
