//! One browser's way from the gesture to the content: code, password or certificate, acceptance, hand-over.
//!
//! What would surprise you: the message key waits between two requests wrapped under the visitor's cookie, so a stolen
//! database opens nothing that was proven; and a closure answers `Ok(Err(refused))` where the failed try itself must be kept.

mod certificate;
mod code;
mod content;
mod gesture;
mod hand_over;
mod password;
mod row;
mod stands;

pub use certificate::{Certificate, certificate_refused, prove_certificate};
pub(crate) use code::CODE_LIFE;
pub use code::{prove_code, resend_code};
pub(crate) use content::opened;
pub use content::{Passed, content, release_file};
pub use gesture::gesture;
pub use hand_over::accept;
pub use password::give_password;
pub use stands::where_it_stands;
