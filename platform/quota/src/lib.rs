//! What a tenant may do and how much of it is used: limits, reserve, release, usage. Prices and plans live in `billing`.
//!
//! What would surprise you: `None` is unlimited and `0` is none, everywhere; and a reservation is one conditional
//! update, so that N sends at once against k left accept exactly k on either database.

mod allowance;
mod limits;
mod period;
mod refused;
mod reserve;
mod unasked;
mod usage;

pub use allowance::open_allowance;
pub use limits::{Limits, check_domains, check_message_bytes, limits};
pub use refused::{QuotaRefused, Refused};
pub use reserve::{in_turn, release_bytes, release_sends, reserve_bytes, reserve_sends};
pub use unasked::UnaskedMail;
pub use usage::{Usage, usage};
