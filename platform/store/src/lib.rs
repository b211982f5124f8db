//! The store: the one crate that holds a database connection.
//!
//! Everybody else writes `db.act(&caller, async |tx| …)` or `db.read(&caller, async |read| …)` and gets a view of one tenant's
//! rows. What would surprise you: on SQLite several callers' acts share one durable commit, and on either database an act may run
//! twice, so a closure must not do anything but talk to its `tx`. After a statement failed an act can only fail.

mod act;
mod blobs;
mod brake;
mod by_key;
mod caller;
mod certificates;
mod columns;
mod connection;
mod credentials;
mod database;
mod db;
mod disk;
pub mod entity;
mod fault;
mod front_desk;
mod herald;
mod hosts;
mod house;
mod inserts;
mod jobs;
mod lite;
mod look;
mod migration;
mod names;
mod postgres;
mod rights;
mod shelf;
mod statements;
mod still_stands;
mod tenant_tx;
#[cfg(feature = "test-support")]
pub mod testing;
mod texts;

pub use act::ACT_LIMIT;
pub use blobs::{Blobs, S3Config, Stored, StoredPage};
pub use brake::{Brake, Counted};
pub use caller::{Caller, Origin, Role, Who};
pub use certificates::{
    AcmeAccount, Asking, Certificates, Challenge, ChallengeKind, Expiry, Issued, NameState, Order, Shown, ShownChange, Trouble, Wanted,
    WantedBy,
};
pub use db::{Change, Database, Db, Ground, Stats};
pub use disk::{Disk, free_bytes};
pub use front_desk::{FrontDesk, SESSION_IDLE, TenantRow};
pub use jobs::{ClaimedJob, JobCounts, Jobs, is_held};
pub use look::{Look, TenantRead};
pub use names::Names;
pub use rights::{NotAllowed, Right};
pub use sea_orm;
pub use shelf::Shelf;
pub use statements::{Find, FindInto, Update};
pub use tenant_tx::{NewJob, TenantTx};
