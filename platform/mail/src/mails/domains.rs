//! Mails to a tenant's owners about a domain of theirs that needs them. The links lead to the site: the domain may not work.

use super::{Button, mail};

/// The record that proves a domain is not there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainProofMissing {
    /// Of the owner.
    pub name: String,
    pub domain: String,
    /// The TXT record to put back: where, and what it says.
    pub record_name: String,
    pub record_value: String,
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
    pub record_name: String,
    pub record_value: String,
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
