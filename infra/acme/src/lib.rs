//! Certificates that come and renew by themselves, from a CA that speaks ACME (RFC 8555).
//!
//! The table of names is the store's (`db.certificates()`, `tx.want_certificate`): whoever wants a name writes it there. What would surprise
//! you: nothing here runs in a request. One loop lets this process's memory follow the table (certificates shown, challenges answered), the
//! other takes due names, each under a lease, and orders. Several processes do the same and share everything through the database.

mod account;
mod budget;
mod follow;
mod order;
mod pause;
mod run;
mod settings;
#[cfg(feature = "test-support")]
pub mod testing;
mod trouble;
mod wire;

pub use run::Acme;
pub use settings::{Budgets, ExternalAccount, LETS_ENCRYPT, Settings, authorities};
