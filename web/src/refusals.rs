//! The one table from what a room refuses to the status of the answer. The sentence is the refusal's own.

use crate::stop::Stop;
use accounts::{ForgotRefused, KeyRefused, PasswordRefused, ProofRefused, RenameRefused, SignInRefused, SignUpRefused, StepUpRefused};
use client_certificates::{EnrolRefused, IssueRefused, SetRefused};
use domains::DomainRefused;
use kernel::{Fault, Time};
use messages::{AttachRefused, DoorState, DraftRefused, PickupRefused, ReplyRefused, RetractRefused, SendRefused, UnlockRefused};
use poem::{
    Response,
    http::{StatusCode, header},
};
use quota::QuotaRefused;

/// A room's refusal, as a door sees it.
pub trait Refusal: std::fmt::Display + Sized {
    fn status(&self) -> StatusCode;
    /// The fault, when it is none of the caller's doing.
    fn fault(&self) -> Option<&Fault>;
    /// Seconds after which trying again helps, where that is known.
    fn retry_after(&self, now: Time) -> Option<u64>;
    /// `answer` with the time to wait (RFC 9110 §10.2.3).
    fn told_when(&self, now: Time, mut answer: Response) -> Response {
        if let Some(seconds) = self.retry_after(now) {
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        answer
    }
    /// For pages that have no place of their own to show it.
    fn stop(self) -> Stop {
        match self.fault() {
            Some(fault) => Stop::Fault(fault.clone()),
            None if self.status() == StatusCode::NOT_FOUND => Stop::NotFound,
            None => Stop::refused(self.status(), &self),
        }
    }
    /// Keeps refusals for the page to show, and lets faults travel on.
    fn or_fault(self) -> Result<Self, Stop> {
        match self.fault() {
            Some(fault) => Err(Stop::Fault(fault.clone())),
            None => Ok(self),
        }
    }
}

macro_rules! refusals { ($($kind:ident { $($pattern:pat => $status:expr),* $(,)? } $(; after($now:ident) $wait:pat => $seconds:expr;)?)*) => { $(
    impl Refusal for $kind {
        fn status(&self) -> StatusCode {
            use $kind::*;
            match self { $($pattern => $status,)* Fault(fault) => crate::fault::status(fault) }
        }
        fn fault(&self) -> Option<&kernel::Fault> {
            match self { $kind::Fault(fault) => Some(fault), _ => None }
        }
        fn retry_after(&self, _now: Time) -> Option<u64> {
            $(
                let $now = _now;
                use $kind::*;
                if let $wait = self { return Some($seconds) }
            )?
            None
        }
    }
)* } }

refusals! {
    SignUpRefused { Form(_) => StatusCode::UNPROCESSABLE_ENTITY, SlowDown { .. } => StatusCode::TOO_MANY_REQUESTS, Busy => StatusCode::SERVICE_UNAVAILABLE }
        ; after(now) SlowDown { until } => seconds(*until, now);
    SignInRefused { Wrong => StatusCode::UNPROCESSABLE_ENTITY, Suspended => StatusCode::FORBIDDEN, SlowDown { .. } => StatusCode::TOO_MANY_REQUESTS, Busy => StatusCode::SERVICE_UNAVAILABLE }
        ; after(now) SlowDown { until } => seconds(*until, now);
    ForgotRefused { Email(_) => StatusCode::UNPROCESSABLE_ENTITY, SlowDown { .. } => StatusCode::TOO_MANY_REQUESTS }
        ; after(now) SlowDown { until } => seconds(*until, now);
    ProofRefused { AlreadyProven => StatusCode::CONFLICT, NotSignedIn => StatusCode::FORBIDDEN, SlowDown { .. } => StatusCode::TOO_MANY_REQUESTS }
        ; after(now) SlowDown { until } => seconds(*until, now);
    RenameRefused { Field(_) => StatusCode::UNPROCESSABLE_ENTITY, NotAllowed(_) | NotSignedIn => StatusCode::FORBIDDEN }
    PasswordRefused {
        WrongOld | New(_) | Same => StatusCode::UNPROCESSABLE_ENTITY,
        SlowDown { .. } => StatusCode::TOO_MANY_REQUESTS,
        Busy => StatusCode::SERVICE_UNAVAILABLE,
        NotSignedIn => StatusCode::FORBIDDEN,
    } ; after(now) SlowDown { until } => seconds(*until, now);
    StepUpRefused {
        Wrong => StatusCode::UNPROCESSABLE_ENTITY,
        SlowDown { .. } => StatusCode::TOO_MANY_REQUESTS,
        Busy => StatusCode::SERVICE_UNAVAILABLE,
        NotSignedIn => StatusCode::FORBIDDEN,
    } ; after(now) SlowDown { until } => seconds(*until, now);
    SetRefused {
        NotAllowed(_) | StepUp => StatusCode::FORBIDDEN,
        NotFound => StatusCode::NOT_FOUND,
        Bad(_) | ListAddress(_) | TooManyLists | Grace { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Already | TooMany { .. } | NoName => StatusCode::CONFLICT,
    }
    EnrolRefused {
        Over | Bad(_) | NoneSent => StatusCode::FORBIDDEN,
        Already | TooMany { .. } => StatusCode::CONFLICT,
    }
    IssueRefused {
        Set(refused) => refused.status(),
        HasAnother | NotBegun | TooMany { .. } => StatusCode::CONFLICT,
        Password => StatusCode::UNPROCESSABLE_ENTITY,
    }
    KeyRefused { NotAllowed(_) => StatusCode::FORBIDDEN, Name(_) => StatusCode::UNPROCESSABLE_ENTITY, TooMany { .. } => StatusCode::CONFLICT, NotSignedIn => StatusCode::FORBIDDEN }
    DraftRefused { NotAllowed(_) => StatusCode::FORBIDDEN, NotFound => StatusCode::NOT_FOUND, Newer | TooMany | Full => StatusCode::CONFLICT, TooLong => StatusCode::PAYLOAD_TOO_LARGE }
    AttachRefused {
        NotAllowed(_) => StatusCode::FORBIDDEN,
        NotFound => StatusCode::NOT_FOUND,
        Name(_) | Empty(_) | PieceTooSmall => StatusCode::UNPROCESSABLE_ENTITY,
        TooMany(_) | TooManyWaiting | Complete | Offset(_) => StatusCode::CONFLICT,
        MoreThanDeclared(_) | Broken => StatusCode::BAD_REQUEST,
        NoRoom => StatusCode::INSUFFICIENT_STORAGE,
        Quota(refused) => quota(refused),
    }
    SendRefused {
        Fields(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Quota(met) => met.first().map_or(StatusCode::FORBIDDEN, quota),
        NoDraft => StatusCode::NOT_FOUND,
        KeyReused => StatusCode::CONFLICT,
        NotAllowed(_) => StatusCode::FORBIDDEN,
        Busy => StatusCode::SERVICE_UNAVAILABLE,
        NoRoom => StatusCode::INSUFFICIENT_STORAGE,
    }
    DomainRefused {
        Name(_) | NotPublic(_) | Suffix(_) | Ours(_) | LookAlike(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Already(_) | TooMany | NoCertificates => StatusCode::CONFLICT,
        NotAllowed(_) => StatusCode::FORBIDDEN,
        Quota(refused) => quota(refused),
    }
    RetractRefused { NotFound => StatusCode::NOT_FOUND, NotAllowed(_) => StatusCode::FORBIDDEN }
    UnlockRefused { NotFound => StatusCode::NOT_FOUND, NotAllowed(_) => StatusCode::FORBIDDEN, NotLocked => StatusCode::CONFLICT }
    PickupRefused {
        NoVisit => StatusCode::CONFLICT,
        NoCode | WrongCode { .. } | CodeSpent | WrongPassword { .. } | Reason(_) => StatusCode::UNPROCESSABLE_ENTITY,
        NotShown => StatusCode::FORBIDDEN,
        CodeTooSoon { .. } | NoMoreCodes { .. } => StatusCode::TOO_MANY_REQUESTS,
        Closed(state) => closed(*state),
        Busy => StatusCode::SERVICE_UNAVAILABLE,
        NoFile => StatusCode::NOT_FOUND,
    } ; after(_now) CodeTooSoon { again_in } | NoMoreCodes { again_in } => *again_in;
    ReplyRefused { NotOpened => StatusCode::FORBIDDEN, Empty => StatusCode::UNPROCESSABLE_ENTITY, TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE, TooMany => StatusCode::TOO_MANY_REQUESTS }
}

/// Whole seconds from `now` on, rounded up.
fn seconds(until: Time, now: Time) -> u64 {
    until.since(now).as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

/// 402 over quota, 413 for size, 403 where the plan lacks it (`product.md`, Rule 5).
pub fn quota(refused: &QuotaRefused) -> StatusCode {
    match refused {
        QuotaRefused::OverQuota { .. } => StatusCode::PAYMENT_REQUIRED,
        QuotaRefused::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        QuotaRefused::TooManyRecipients { .. } | QuotaRefused::LifeTooLong { .. } | QuotaRefused::NoDomains => StatusCode::FORBIDDEN,
    }
}

/// A message that has ended is gone; one that cannot be seen yet does not exist.
pub fn closed(state: DoorState) -> StatusCode {
    match state {
        DoorState::NotYet => StatusCode::NOT_FOUND,
        DoorState::Locked => StatusCode::FORBIDDEN,
        _ => StatusCode::GONE,
    }
}
