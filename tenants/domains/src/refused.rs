//! Why a domain is not added, in sentences for whoever typed it.

use crate::MAX_DOMAINS;
use kernel::{BadHostName, Fault};
use quota::QuotaRefused;
use store::NotAllowed;

/// A name stands here as it was typed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DomainRefused {
    #[error("This is no domain: {0}.")]
    Name(#[from] BadHostName),
    #[error("“{0}” cannot be reached from the internet; write a name that your domain's DNS has.")]
    NotPublic(String),
    #[error("“{0}” is an ending under which many have their domains; write the whole name of yours.")]
    Suffix(String),
    #[error("“{0}” is ours.")]
    Ours(String),
    #[error("“{0}” has letters that look like others, so that people could take it for another name.")]
    LookAlike(String),
    #[error("You have “{0}” already.")]
    Already(String),
    #[error("This site does not get certificates by itself, so no domain of your own can go live here. Whoever runs it can turn that on.")]
    NoCertificates,
    #[error(transparent)]
    Quota(#[from] QuotaRefused),
    #[error("You have {MAX_DOMAINS} domains already. Remove one that is not used any more.")]
    TooMany,
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl DomainRefused {
    /// Whether it is about what was typed, to stand by the field.
    pub fn is_of_the_name(&self) -> bool {
        use DomainRefused::*;
        matches!(self, Name(_) | NotPublic(_) | Suffix(_) | Ours(_) | LookAlike(_) | Already(_))
    }
}
