//! Client certificates and smart cards: which authorities a tenant accepts, whose a certificate is, and whether it holds today.
//!
//! What would surprise you: TLS only proves that somebody has a certificate's key. Everything else (path, use, time, constraints,
//! revocation) is looked at here, after the handshake, so that a page can say what is wrong instead of a connection that dies.

mod authorities;
mod authority;
mod crl;
mod enrol;
mod facts;
mod host;
mod limits;
mod own;
mod recipient;
mod refused;
mod standing;
mod strength;
mod verify;
mod watch;
mod whose;

#[cfg(test)]
mod tests;

pub use authorities::{AuthorityView, ListView, MAX_AUTHORITIES, Rules};
pub use authority::BadAuthority;
pub use crl::Lists;
pub use enrol::{CertificateView, EnrolRefused, MAX_CERTIFICATES};
pub use facts::Facts;
pub use host::{address_of, host_of, tenant_of};
pub use own::{IssueRefused, Issued};
pub use recipient::{NotTheirs, Shown, Theirs};
pub use refused::SetRefused;
pub use standing::Standing;
pub use verify::{BadCertificate, Verified};
pub use whose::{Found, NotFound};

use accounts::Accounts;
use egress::Egress;

/// The room and what it works with. Cheap to clone.
#[derive(Clone)]
pub struct ClientCertificates {
    pub accounts: Accounts,
    pub egress: Egress,
    pub lists: Lists,
}

/// What a connection to a tenant's certificate host showed of itself.
#[derive(Clone, Debug)]
pub struct Presented {
    /// The host of the handshake, in lower case.
    pub host: String,
    /// DER, leaf first; empty: the browser sent none.
    pub chain: Vec<rustls_pki_types::CertificateDer<'static>>,
}
