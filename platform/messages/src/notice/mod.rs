//! The "message waiting" mail, its reminders, and the mailed code; each answer of a mail server is recorded.
//!
//! What would surprise you: SMTP happens between two acts. The state and the evidence are written after the server answered, in
//! one act with the end of the job; if we die in between, the same letter goes out again under the same Message-ID.

mod attempt;
mod code;
mod letter;
mod notify;
mod remind;

pub(crate) use code::mail_code;
pub(crate) use letter::{Which, address, for_people, site_of, written};
pub(crate) use notify::notify;
pub(crate) use remind::remind;
