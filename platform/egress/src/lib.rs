//! The one way out to addresses that somebody else chose: webhooks, CRLs, OCSP, logos.
//!
//! What would surprise you: the name is resolved once, every address that comes back is judged, and the connection goes to one of the
//! judged addresses, so a name cannot change its mind in between (DNS rebinding). Redirects are answers like any other; nobody follows them.

mod connect;
mod destination;
mod public;
mod resolve;
mod send;

pub use public::is_public;
#[cfg(feature = "test-support")]
pub use resolve::FixedNames;
pub use send::{Answer, Egress, Outgoing, Rules};

/// Why nothing came back; a sentence for whoever chose the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    #[error("“{0}” is not an address that begins with https://")]
    NotAnAddress(String),
    #[error("The address must begin with https://, so that nobody on the way reads or changes what we send")]
    NotEncrypted,
    #[error("The address may not contain a name and password; use a header")]
    Credentials,
    #[error("“{0}” is not a full host name")]
    NoFullName(String),
    #[error("Port {0} belongs to another kind of service; use 443 or a port from 1024")]
    Port(u16),
    #[error("The host {0} was not found")]
    NotFound(String),
    #[error("The host {0} has an address inside a private network, and we call public ones only")]
    NotPublic(String),
    #[error("The host {0} does not take a connection: {1}")]
    NoConnection(String, String),
    #[error("The host {0} has no certificate that we can trust: {1}")]
    NotTrusted(String, String),
    #[error("The host did not answer in HTTP: {0}")]
    Broken(String),
    #[error("The answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("There was no whole answer within {0} seconds")]
    TooSlow(u64),
}
