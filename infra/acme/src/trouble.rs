//! Why there is no certificate, as far as it makes a difference for what comes next.

use instant_acme::{Error, Problem};
use kernel::Fault;

/// Why an order came to nothing.
#[derive(Debug)]
pub enum Trouble {
    /// The CA will not certify this name as things are; its words.
    Refused(String),
    /// The CA wants fewer orders (RFC 8555 §6.6); its words.
    Limited(String),
    /// No answer that means anything about this name.
    Away(String),
    /// The CA does not know our account (any more).
    NoAccount(String),
    /// Ours.
    Fault(Fault),
}

/// The part of a problem's type after RFC 8555 §6.7's prefix.
fn kind(problem: &Problem) -> &str {
    problem.r#type.as_deref().unwrap_or_default().trim_start_matches("urn:ietf:params:acme:error:")
}

/// RFC 8555 §6.5: no refusal, just an old nonce.
pub fn is_bad_nonce(error: &Error) -> bool {
    matches!(error, Error::Api(problem) if kind(problem) == "badNonce")
}

/// What the CA said, for people.
pub fn words(problem: &Problem) -> String {
    let own = problem.detail.clone().unwrap_or_else(|| kind(problem).to_owned());
    let parts = problem.subproblems.iter().filter_map(|part| part.detail.clone());
    std::iter::once(own).chain(parts).collect::<Vec<_>>().join(" ")
}

/// An error with what caused it.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        match error {
            Error::Api(problem) => match kind(&problem) {
                "rateLimited" => Trouble::Limited(words(&problem)),
                "accountDoesNotExist" => Trouble::NoAccount(words(&problem)),
                "serverInternal" | "badNonce" => Trouble::Away(words(&problem)),
                _ if problem.status.is_some_and(|status| status >= 500) => Trouble::Away(words(&problem)),
                _ => Trouble::Refused(words(&problem)),
            },
            Error::Json(_) => Trouble::Away("it answered with something that is not ACME".to_owned()),
            other => Trouble::Away(chain(&other)),
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Trouble {
        Trouble::Fault(fault)
    }
}
