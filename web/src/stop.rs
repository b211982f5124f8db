//! Why a handler gives up before its page: a small closed set, turned into an answer by the frame.

use kernel::Fault;
use poem::{Response, error::ResponseError, http::StatusCode};

/// What a handler returns.
pub type Answer = Result<Response, Stop>;

#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Unknown, malformed or another tenant's: the same page for all of them.
    #[error("There is no such page.")]
    NotFound,
    /// Not signed in (any more); afterwards the person comes back to `next`.
    #[error("Sign in first.")]
    SignIn { next: String },
    /// Signed in, but no factor was given for five minutes; afterwards the person comes back to `next`.
    #[error("This needs your password once more.")]
    StepUp { next: String },
    /// The same as `SignIn`, for what only a script asks for: a redirection would lead it to a page that it cannot read.
    #[error("Sign in first.")]
    SignedOut,
    /// The form came from elsewhere, or its token is too old.
    #[error("This form is out of date.")]
    BadForm,
    #[error("This is more than a form may hold.")]
    TooLarge,
    #[error("This is not a form.")]
    NotAForm,
    #[error("This did not arrive in full. Send it again.")]
    Broken,
    /// The room refused and there is no page of its own for it.
    #[error("{sentence}")]
    Refused { status: StatusCode, sentence: String },
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Stop {
    pub fn refused(status: StatusCode, sentence: impl std::fmt::Display) -> Stop {
        Stop::Refused { status, sentence: sentence.to_string() }
    }
}

impl ResponseError for Stop {
    fn status(&self) -> StatusCode {
        match self {
            Stop::NotFound => StatusCode::NOT_FOUND,
            Stop::SignIn { .. } | Stop::StepUp { .. } => StatusCode::SEE_OTHER,
            Stop::SignedOut => StatusCode::UNAUTHORIZED,
            Stop::BadForm => StatusCode::FORBIDDEN,
            Stop::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Stop::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Stop::Broken => StatusCode::BAD_REQUEST,
            Stop::Refused { status, .. } => *status,
            Stop::Fault(fault) => crate::fault::status(fault),
        }
    }
}
