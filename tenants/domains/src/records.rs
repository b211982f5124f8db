//! The records to make in a domain's DNS: each with its whole name and value, as people copy them and programs make them.
//!
//! What would surprise you: a name that a value holds ends with a dot, because many DNS panels append the domain to one that does not.

use crate::{DomainView, Domains, Seen, Step};
use kernel::HostName;
use std::net::IpAddr;

/// One record to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `TXT`, `CNAME`, `A`, `AAAA` or `CAA`.
    pub kind: &'static str,
    pub name: String,
    pub value: String,
}

impl Domains {
    /// All that the domain takes at its step.
    pub fn records(&self, view: &DomainView) -> Vec<Record> {
        let proof = Record { kind: "TXT", name: view.record.name.clone(), value: view.record.value.clone() };
        let allowing = (view.step == Step::Excluded).then(|| self.allowing(view));
        [proof].into_iter().chain(self.leading(&view.name, &view.seen)).chain(allowing).collect()
    }
    /// What lets `name` lead to the site. A registered domain itself can be no alias (RFC 1034 §3.6.2: other records are there), so that it
    /// takes our addresses; none before the first look has found them.
    pub fn leading(&self, name: &HostName, seen: &Seen) -> Vec<Record> {
        let record = |kind, value| Record { kind, name: name.to_string(), value };
        if psl::domain_str(name.as_str()) != Some(name.as_str()) {
            return vec![record("CNAME", format!("{}.", self.ours))];
        }
        let address = |text: &String| match text.parse().ok()? {
            IpAddr::V4(_) => Some(record("A", text.clone())),
            IpAddr::V6(_) => Some(record("AAAA", text.clone())),
        };
        seen.ours.iter().filter_map(address).collect()
    }
    /// What lets our CA certify the name, beside the records that exclude it.
    pub fn allowing(&self, view: &DomainView) -> Record {
        let place = view.seen.caa_at.clone().unwrap_or_else(|| view.name.to_string());
        Record { kind: "CAA", name: place, value: format!("0 issue \"{}\"", self.ca) }
    }
}
