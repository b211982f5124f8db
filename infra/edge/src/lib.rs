//! The edge: from the listening socket to a request with typed facts about its connection, and back.
//!
//! What would surprise you: nothing here knows what a page is; the site comes as one poem endpoint. The protocol is agreed in the
//! TLS handshake (ALPN) and never guessed from bytes. A handshake asks tables in memory, never a database or a CA.

mod acceptor;
mod answers;
mod arrivals;
mod asking;
mod certificate;
mod challenges;
mod closing;
mod connection;
mod deadline;
mod door;
mod draining;
mod files;
mod forwarded;
mod frames;
mod handed_over;
mod handshake;
mod http;
mod linger;
mod local_ca;
mod looks;
mod misdirected;
mod names;
mod paced;
mod places;
mod plain;
mod proxy_protocol;
mod pulse;
mod shared;
mod stalled;
#[cfg(test)]
mod testing;
mod tls_conn;
mod turns;
mod watched;

pub use acceptor::{Doors, Listening};
pub use arrivals::Arrivals;
pub use asking::Hints;
pub use certificate::{BadCertificate, Certificate};
pub use challenges::{Challenge, ChallengeAnswer, Challenges};
pub use door::Settings;
pub use draining::Draining;
pub use files::{CertificateFile, CertificateFiles};
pub use forwarded::ForwardedBy;
pub use handed_over::HandedOver;
pub use local_ca::LocalCa;
pub use looks::Look;
pub use names::{Filling, Names};
pub use shared::Shared;
pub use tls_conn::TlsConn;
