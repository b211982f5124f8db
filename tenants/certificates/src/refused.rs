//! Why a change of the tenant's authorities is refused.

use crate::BadAuthority;
use kernel::Fault;
use store::NotAllowed;

#[derive(Clone, Debug, thiserror::Error)]
pub enum SetRefused {
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The doors ask for the password first; this is for whoever comes past them.
    #[error("This needs your password once more.")]
    StepUp,
    #[error("There is no such authority.")]
    NotFound,
    /// Belongs to the field `chain`.
    #[error(transparent)]
    Bad(#[from] BadAuthority),
    /// Belongs to the field `chain`.
    #[error("This authority is already here.")]
    Already,
    #[error("{limit} authorities are the most that can be accepted. Remove one first.")]
    TooMany { limit: u64 },
    /// Belongs to the field `lists`.
    #[error("The address of a list {0}.")]
    ListAddress(&'static str),
    /// Belongs to the field `lists`.
    #[error("{} lists are the most that one authority can have here.", crate::authorities::MAX_LISTS)]
    TooManyLists,
    /// Belongs to the field `crl_grace_hours`.
    #[error("Hours of grace are a number from 0 to {most}.")]
    Grace { most: i64 },
    #[error("This site is reached by an address and not by a name, so there can be no host that asks for certificates.")]
    NoName,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl SetRefused {
    /// The form's field.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            SetRefused::Bad(_) | SetRefused::Already => Some("chain"),
            SetRefused::ListAddress(_) | SetRefused::TooManyLists => Some("lists"),
            SetRefused::Grace { .. } => Some("crl_grace_hours"),
            _ => None,
        }
    }
}
