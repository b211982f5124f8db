//! Outgoing mail: what is written ([`Letter`] and the mails in [`mails`]) and what carries it ([`Mailer`]).
//!
//! What would surprise you: SMTP is at-least-once (RFC 1047). A letter's Message-ID is fixed before the first try, and when the
//! connection breaks after the final dot nobody knows whether the relay took it: that is [`Outcome::Unknown`], tried again with the same id.
//! Nothing here retries by itself, reads the clock or touches the database; the caller records each [`Outcome`] and decides.

mod answer;
mod captured;
mod dkim;
mod header;
mod job_end;
mod letter;
mod mailbox;
mod mailer;
pub mod mails;
mod quoted_printable;
mod smtp_config;
mod smtp_connect;
mod smtp_hand_over;
mod smtp_relay;
mod smtp_stream;
mod tally;
#[cfg(feature = "test-support")]
pub mod testing;

pub use answer::{Outcome, Pause, SmtpAnswer};
pub use captured::{CapturedLetter, CapturedMail};
pub use dkim::Dkim;
pub use job_end::pause;
pub use letter::Letter;
pub use mailbox::Mailbox;
pub use mailer::Mailer;
pub use mails::Rendered;
pub use smtp_config::{DkimConfig, Secret, SmtpConfig, Tls};
pub use smtp_relay::SmtpRelay;
pub use tally::Tally;
