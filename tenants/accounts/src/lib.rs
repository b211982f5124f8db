//! Who may use a tenant, first cut: sign-up, sign-in, sessions, mailed links, passwords, API keys.
//!
//! What would surprise you: signing up always founds a new tenant, also for an address that has one, so that the answer
//! never tells a known address from an unknown one; a person with two tenants has two memberships with two passwords.

mod api_keys;
mod brakes;
mod change_password;
mod computation;
mod device;
mod forgot_password;
mod hand_off;
mod jobs;
mod links;
mod me;
mod member;
mod name;
mod prove_address;
mod refused;
mod rename;
mod reset_password;
mod session;
mod sessions;
mod sign_in;
mod sign_out;
mod sign_up;
mod step_up;
mod sweep;
mod tickets;

#[cfg(test)]
mod tests;

pub use api_keys::{KeyRefused, KeyView, MAX_API_KEYS, NewKey, key_token};
pub use device::DEVICE_LIFE;
pub use forgot_password::ForgotRefused;
pub use hand_off::{Arrived, HAND_OFF_LIFE, HandOffBy, HandOffRefused, HandOffTo};
pub use links::{LinkPurpose, LinkView, PROVE_LINK_LIFE, RESET_LINK_LIFE};
pub use me::Me;
pub use member::of_caller as member_of;
pub use prove_address::{ProofRefused, Proven};
pub use refused::{PasswordRefused, WrongField};
pub use rename::RenameRefused;
pub use session::{SESSION_LIFE, SignedIn};
pub use sessions::SessionView;
pub use sign_in::{SignIn, SignInRefused};
pub use sign_up::{SignUp, SignUpRefused};
pub use step_up::{STEP_UP_LIFE, StepUpRefused, stepped_up};
pub use sweep::sweep;
pub use tickets::{TicketFor, TicketView, end_sign_in_tickets, mint_ticket, spend_ticket};

use kernel::Site;
use keys::PasswordHasher;
use quota::Limits;
use store::Db;

/// The room and what it works with. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    pub db: Db,
    pub hasher: PasswordHasher,
    pub site: Site,
    /// Name of the plan that a sign-up starts on, for display.
    pub sign_up_plan: String,
    /// What that plan allows.
    pub sign_up_limits: Limits,
}
