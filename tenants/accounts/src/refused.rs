//! Refusals that several verbs share.

use kernel::{BadAddress, BadLine, Fault, Time};
use keys::{BadPassword, Busy};

/// What is wrong with one field of a form; the sentence stands beside the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongField {
    #[error("The name {0}.")]
    Name(BadLine),
    #[error("The name has an address or a link in it. It stands in mails to others; write a plain name, with a space after each dot.")]
    NameCarriesLink,
    #[error("The name has something invisible in it, or nothing that can be read. It stands in mails to others; type it anew.")]
    NameHides,
    #[error("The name reads as ours. It stands in mails to others, who would think that we wrote; choose another.")]
    NameIsOurs,
    #[error(transparent)]
    Email(BadAddress),
    #[error(transparent)]
    Password(BadPassword),
}

impl WrongField {
    /// The form's field: `name`, `email`, `password`.
    pub fn field(&self) -> &'static str {
        match self {
            WrongField::Name(_) | WrongField::NameCarriesLink | WrongField::NameHides | WrongField::NameIsOurs => "name",
            WrongField::Email(_) => "email",
            WrongField::Password(_) => "password",
        }
    }
}

/// Why a password was not changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PasswordRefused {
    /// Belongs to the field `old_password`.
    #[error("The present password is not right.")]
    WrongOld,
    /// Belongs to the field `password`.
    #[error(transparent)]
    New(BadPassword),
    /// The new password is the old one; belongs to the field `password`.
    #[error("This is the password you already have. Choose another.")]
    Same,
    #[error("{}", slow_down(*.until))]
    SlowDown { until: Time },
    #[error("{BUSY}")]
    Busy,
    /// Only a person who is signed in changes a password.
    #[error("Sign in to change the password.")]
    NotSignedIn,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl PasswordRefused {
    /// The form's field: `old_password` or `password`.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            PasswordRefused::WrongOld => Some("old_password"),
            PasswordRefused::New(_) | PasswordRefused::Same => Some("password"),
            _ => None,
        }
    }
}

impl From<Busy> for PasswordRefused {
    fn from(_: Busy) -> Self {
        PasswordRefused::Busy
    }
}

/// The sentence for a queue of password computations that is full.
pub(crate) const BUSY: &str = "Too many people are signing in at this moment. Try again in a minute; nothing was lost.";

/// The sentence for a brake that holds.
pub(crate) fn slow_down(until: Time) -> String {
    format!("Too many tries. Wait until {}, then try again.", moment(until))
}

pub(crate) fn moment(at: Time) -> String {
    at.utc().format("%H:%M UTC on %-d %B").to_string()
}
