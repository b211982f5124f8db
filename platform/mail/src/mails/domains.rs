//! Mails to a tenant's owners about a domain of theirs that needs them. The links lead to the site: the domain may not work.

use super::{Button, mail};

/// A record to make in the domain's DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsRecord {
    /// Such as `TXT`.
    pub kind: &'static str,
    pub name: String,
    pub value: String,
}

/// The record that proves a domain is not there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainProofMissing {
    /// Of the owner.
    pub name: String,
    pub domain: String,
    /// To put back.
    pub records: Vec<DnsRecord>,
    /// The day on which the domain goes off.
    pub off_on: String,
    pub link: String,
}
impl DomainProofMissing {
    fn subject(&self) -> String {
        format!("{} will stop working: its record is missing", self.domain)
    }
    fn button(&self) -> Option<Button<'_>> {
        Some(Button { label: "See the domain", link: &self.link })
    }
}
mail!(DomainProofMissing, "domain_proof_missing.txt", "domain_proof_missing.html");

/// The record has been missing for too long, and the domain is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainLost {
    /// Of the owner.
    pub name: String,
    pub domain: String,
    pub records: Vec<DnsRecord>,
    /// The day from which others may prove it; `None`: it is free already.
    pub free_on: Option<String>,
    pub link: String,
}
impl DomainLost {
    fn subject(&self) -> String {
        format!("{} is off: its record is missing", self.domain)
    }
    fn button(&self) -> Option<Button<'_>> {
        Some(Button { label: "See the domain", link: &self.link })
    }
}
mail!(DomainLost, "domain_lost.txt", "domain_lost.html");

/// The domain was live, and its name leads elsewhere now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainElsewhere {
    /// Of the owner.
    pub name: String,
    pub domain: String,
    /// What lets it lead to us.
    pub records: Vec<DnsRecord>,
    /// The day on which we saw it first.
    pub since: String,
    pub link: String,
}
impl DomainElsewhere {
    fn subject(&self) -> String {
        format!("{} does not lead to us any more", self.domain)
    }
    fn button(&self) -> Option<Button<'_>> {
        Some(Button { label: "See the domain", link: &self.link })
    }
}
mail!(DomainElsewhere, "domain_elsewhere.txt", "domain_elsewhere.html");

/// The domain's certificate ends soon, and the certification authority gives no new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainNotRenewed {
    /// Of the owner.
    pub name: String,
    pub domain: String,
    /// The day on which the certificate ends.
    pub ends_on: String,
    /// The authority's own words.
    pub said: String,
    pub link: String,
}
impl DomainNotRenewed {
    fn subject(&self) -> String {
        format!("The certificate of {} cannot be renewed", self.domain)
    }
    fn button(&self) -> Option<Button<'_>> {
        Some(Button { label: "See the domain", link: &self.link })
    }
}
mail!(DomainNotRenewed, "domain_not_renewed.txt", "domain_not_renewed.html");
