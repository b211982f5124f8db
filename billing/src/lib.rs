//! What tenants are charged for: the plan catalogue. It sets a tenant's limits; the rooms below never hear of prices.
//!
//! What would surprise you: the plans are data (`plans.toml`), not code, and a version of a plan never changes; a
//! change is a new version beside the old one.

mod catalogue;
mod file;
mod plan;

pub use catalogue::{BadCatalogue, Catalogue};
pub use plan::{FurtherMember, Plan};
