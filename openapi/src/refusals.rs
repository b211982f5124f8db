//! What each room refuses, as a problem: the whole table on one screen.

use crate::{problem::Problem, problem_body::FieldProblem, problem_kind::Kind};
use kernel::Fault;
use messages::{AttachRefused, FileRefused, RetractRefused, SendRefused, UnlockRefused};
use quota::QuotaRefused;
use store::NotAllowed;

impl From<QuotaRefused> for Problem {
    fn from(refused: QuotaRefused) -> Problem {
        Problem::quota(kind_of(&refused), &refused)
    }
}

/// The limits that a message meets, each by the field that it is about; kind and numbers are the first's.
fn limits(met: &[QuotaRefused]) -> Problem {
    let Some(first) = met.first() else { return Fault::other("a limit was met that is none").into() };
    let field = |quota: &QuotaRefused| match quota.dimension() {
        "sends" | "recipients" => "/to",
        "life_days" => "/expires_days",
        _ => "/attachments",
    };
    let one = |quota| FieldProblem { pointer: Some(field(quota).to_owned()), parameter: None, detail: quota.to_string() };
    Problem::quota(kind_of(first), first).naming(met.iter().map(one).collect())
}

fn kind_of(refused: &QuotaRefused) -> Kind {
    match refused {
        QuotaRefused::OverQuota { .. } => Kind::OverQuota,
        QuotaRefused::TooLarge { .. } => Kind::TooLarge,
        QuotaRefused::TooManyRecipients { .. } | QuotaRefused::LifeTooLong { .. } | QuotaRefused::NoDomains => Kind::PlanLimit,
    }
}

impl From<NotAllowed> for Problem {
    fn from(refused: NotAllowed) -> Problem {
        Problem::new(Kind::NotAllowed, refused.to_string())
    }
}

impl From<SendRefused> for Problem {
    fn from(refused: SendRefused) -> Problem {
        let sentence = refused.to_string();
        match refused {
            SendRefused::Fields(errors) => Problem::fields(errors.into_iter().map(FieldProblem::from).collect()),
            SendRefused::Quota(met) => limits(&met),
            SendRefused::NoDraft => Problem::new(Kind::Conflict, sentence),
            SendRefused::KeyReused => Problem::new(Kind::KeyReused, sentence),
            SendRefused::NotAllowed(_) => Problem::new(Kind::NotAllowed, sentence),
            SendRefused::NoRoom => Problem::new(Kind::StorageFull, sentence).retry_after(60),
            SendRefused::Busy => Problem::new(Kind::Unavailable, sentence).retry_after(1),
            SendRefused::Fault(fault) => fault.into(),
        }
    }
}

impl From<AttachRefused> for Problem {
    fn from(refused: AttachRefused) -> Problem {
        let sentence = refused.to_string();
        match refused {
            AttachRefused::NotFound => Problem::not_found(),
            AttachRefused::NotAllowed(_) => Problem::new(Kind::NotAllowed, sentence),
            AttachRefused::Name(bad) => Problem::parameter("name", capital(&format!("{bad}."))),
            AttachRefused::Empty(_) => Problem::new(Kind::InvalidParameter, sentence),
            AttachRefused::TooMany(_) => Problem::new(Kind::TooLarge, sentence),
            AttachRefused::TooManyWaiting => Problem::new(Kind::UploadsWaiting, sentence),
            AttachRefused::MoreThanDeclared(_) => Problem::parameter("size", sentence),
            AttachRefused::Offset(here) => Problem::new(Kind::UploadOffset, sentence).received(here),
            AttachRefused::Complete => Problem::new(Kind::Conflict, sentence),
            AttachRefused::PieceTooSmall => Problem::new(Kind::InvalidParameter, sentence),
            AttachRefused::NoRoom => Problem::new(Kind::StorageFull, sentence).retry_after(60),
            AttachRefused::Broken => Problem::new(Kind::UploadBroken, sentence),
            AttachRefused::Quota(refused) => refused.into(),
            AttachRefused::Fault(fault) => fault.into(),
        }
    }
}

impl From<FileRefused> for Problem {
    fn from(refused: FileRefused) -> Problem {
        let sentence = refused.to_string();
        match refused {
            FileRefused::NotFound => Problem::not_found(),
            FileRefused::Sealed => Problem::new(Kind::Sealed, sentence),
            FileRefused::Gone => Problem::new(Kind::Gone, sentence),
            FileRefused::Fault(fault) => fault.into(),
        }
    }
}

impl From<RetractRefused> for Problem {
    fn from(refused: RetractRefused) -> Problem {
        match refused {
            RetractRefused::NotFound => Problem::not_found(),
            RetractRefused::NotAllowed(_) => Problem::new(Kind::NotAllowed, refused.to_string()),
            RetractRefused::Fault(fault) => fault.into(),
        }
    }
}

impl From<UnlockRefused> for Problem {
    fn from(refused: UnlockRefused) -> Problem {
        match refused {
            UnlockRefused::NotFound => Problem::not_found(),
            UnlockRefused::NotAllowed(_) => Problem::new(Kind::NotAllowed, refused.to_string()),
            UnlockRefused::NotLocked => Problem::new(Kind::Conflict, refused.to_string()),
            UnlockRefused::Fault(fault) => fault.into(),
        }
    }
}

/// A sentence begins with a capital.
pub(crate) fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
