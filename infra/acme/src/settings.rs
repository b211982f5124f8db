//! What the operator set.

use kernel::{EmailAddress, Fault, HostName};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use store::ChallengeKind;

/// The directory of Let's Encrypt.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

#[derive(Clone)]
pub struct Settings {
    /// Where the CA describes itself (RFC 8555 §7.1.1); https.
    pub directory: String,
    /// To whom the CA may write. The operator has agreed to its terms.
    pub contact: Option<EmailAddress>,
    pub external_account: Option<ExternalAccount>,
    /// Who vouches for the directory's own certificate; empty: the public CAs.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Tried first; the other one after it failed.
    pub prefer: ChallengeKind,
    pub budgets: Budgets,
    /// Whose certificate clients get that name no host.
    pub unnamed: Option<HostName>,
}

/// Binds our account to one that the operator has with the CA (RFC 8555 §7.3.4).
#[derive(Clone)]
pub struct ExternalAccount {
    pub key_id: String,
    /// Decoded.
    pub key: Vec<u8>,
}

/// Orders at most. Renewals count for themselves, so that nobody's new names keep them waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// New names in an hour, and renewals in an hour.
    pub an_hour: i64,
    /// New names of one tenant in a day.
    pub per_tenant_a_day: i64,
    /// New names under one registered domain (public suffix list) in a week.
    pub per_domain_a_week: i64,
}

impl Default for Budgets {
    /// Inside Let's Encrypt's own limits: 300 orders in three hours, 50 certificates a registered domain and week.
    fn default() -> Budgets {
        Budgets { an_hour: 45, per_tenant_a_day: 20, per_domain_a_week: 45 }
    }
}

/// Certificates of a PEM file. Fault: there is none, or it is something else.
pub fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Fault::other("there is no certificate in it (a block that begins with -----BEGIN CERTIFICATE-----)")),
        Err(error) => Err(Fault::other(format!("a certificate in it cannot be read: {error}"))),
    }
}
