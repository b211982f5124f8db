//! What became of a request to send.

use crate::FieldError;
use kernel::{Fault, MessageId, RecipientId, Time};
use keys::Busy;
use quota::QuotaRefused;
use store::NotAllowed;

/// An accepted message.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: MessageId,
    pub recipients: Vec<SentRecipient>,
    pub expires_at: Time,
    pub release_at: Time,
    /// The same request had been accepted before.
    pub repeated: bool,
    /// Waits until the sender's address is proven.
    pub held: bool,
}

#[derive(Clone, Debug)]
pub struct SentRecipient {
    pub id: RecipientId,
    pub address: String,
}

#[derive(Debug, thiserror::Error)]
pub enum SendRefused {
    #[error("Some fields need another look.")]
    Fields(Vec<FieldError>),
    /// Every limit that is met.
    #[error("{}", .0.iter().map(QuotaRefused::to_string).collect::<Vec<_>>().join(" "))]
    Quota(Vec<QuotaRefused>),
    #[error("This draft is not here any more: it was sent or discarded.")]
    NoDraft,
    #[error("This idempotency key was used for another request.")]
    KeyReused,
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error("We are busy right now. Nothing was sent; try again in a moment.")]
    Busy,
    #[error("We have no room for new messages right now. Nothing was sent; try again later.")]
    NoRoom,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Busy> for SendRefused {
    fn from(_: Busy) -> SendRefused {
        SendRefused::Busy
    }
}
impl From<quota::Refused> for SendRefused {
    fn from(refused: quota::Refused) -> SendRefused {
        match refused {
            quota::Refused::Quota(q) => SendRefused::Quota(vec![q]),
            quota::Refused::Fault(f) => SendRefused::Fault(f),
        }
    }
}
