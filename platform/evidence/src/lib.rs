//! Evidence: recorded facts, append-only, chained per tenant, outliving the content they speak of.
//!
//! What would surprise you: the chain's head is one row a tenant and its lock is held to the end of the act, so rooms record last.

mod canonical;
mod chain;
mod kind;
mod record;
mod timeline;

pub use chain::{Break, verify_chain};
pub use kind::Kind;
pub use record::{Entry, Grounds, in_turn, record, record_many};
pub use timeline::{Fact, facts, timeline};
