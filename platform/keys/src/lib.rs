//! Keys: sealing, the key hierarchy, password hashing and tokens.
//!
//! root key → tenant key → message key → part keys. What would surprise you: every sealed value names where it belongs
//! (purpose, tenant, message, slot, version) in its key derivation *and* its additional data, so a row that was moved does
//! not open, and nobody needs to check.

mod account_password;
mod hash;
mod message;
mod part;
mod password;
mod password_slot;
mod root;
mod root_file;
mod seal;
mod tenant;
mod token;

pub use account_password::{AccountPassword, BadPassword};
pub use hash::{ResumableSha256, sha256};
pub use message::{MessageKey, Part};
pub use part::{CHUNK, PartKey, SALT, TAG, sealed_len};
pub use password::{Busy, Cost, PasswordHasher, StretchedPassword};
pub use password_slot::WrongPassword;
pub use root::{RootKeys, SealedByRoot, WrappedTenantKey};
pub use tenant::{CODE_DIGITS, Slot, TenantKey};
pub use token::{BadToken, Token, mac, same};
