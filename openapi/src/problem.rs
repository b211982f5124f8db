//! A problem: what is answered instead of a result (RFC 9457). Made anywhere, written in one place.

use crate::{
    bearer::INVALID_TOKEN,
    problem_body::{FieldProblem, PROBLEM_JSON, ProblemBody},
    problem_kind::Kind,
    problem_pages::PROBLEMS,
};
use kernel::{Fault, FaultKind, Site, Time};
use poem::{
    Response,
    error::ResponseError,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use quota::QuotaRefused;
use std::fmt;

/// Why a request was not done. Travels up as an error and becomes a response at the door.
pub(crate) struct Problem(Box<Inner>);

struct Inner {
    kind: Kind,
    body: ProblemBody,
    headers: Vec<(HeaderName, HeaderValue)>,
    fault: Option<Fault>,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        let body = ProblemBody { title: kind.title().into(), status: kind.status(), detail: detail.into(), ..Default::default() };
        Problem(Box::new(Inner { kind, body, headers: Vec::new(), fault: None }))
    }
    /// The one answer for whatever is not there, is another tenant's, or has an id that cannot be one of ours.
    pub(crate) fn not_found() -> Problem {
        Problem::new(Kind::NotFound, "There is nothing at this address, or it is not yours to see.")
    }
    pub(crate) fn fields(errors: Vec<FieldProblem>) -> Problem {
        let detail = match errors.as_slice() {
            [one] => one.detail.clone(),
            many => format!("{} fields are not right; `errors` says which and why.", many.len()),
        };
        Problem::new(Kind::InvalidFields, detail).naming(errors)
    }
    pub(crate) fn parameter(name: &str, sentence: impl Into<String>) -> Problem {
        let detail = sentence.into();
        let error = FieldProblem { pointer: None, parameter: Some(name.to_owned()), detail: detail.clone() };
        Problem::new(Kind::InvalidParameter, detail).naming(vec![error])
    }
    pub(crate) fn quota(kind: Kind, refused: &QuotaRefused) -> Problem {
        Problem::new(kind, refused.to_string()).with(|body| {
            body.dimension = Some(refused.dimension().to_owned());
            body.limit = Some(refused.limit());
            body.used = refused.used();
            body.resets_at = refused.resets_at().map(Time::rfc3339);
        })
    }
    /// With what is wrong field by field.
    pub(crate) fn naming(self, errors: Vec<FieldProblem>) -> Problem {
        self.with(|body| body.errors = Some(errors))
    }
    /// Requests a minute: `wait` seconds until the next is welcome.
    pub(crate) fn too_many(limit: i64, wait: u64) -> Problem {
        let detail = format!("Your plan has {limit} API requests a minute. Try again in {wait} seconds.");
        Problem::new(Kind::TooMany, detail).retry_after(wait).with(|body| {
            body.dimension = Some("api_per_minute".to_owned());
            body.limit = Some(limit);
        })
    }
    pub(crate) fn received(self, bytes: u64) -> Problem {
        self.with(|body| body.received = Some(bytes))
    }
    /// Seconds (RFC 9110 §10.2.3).
    pub(crate) fn retry_after(self, seconds: u64) -> Problem {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }
    #[cfg(test)]
    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }
    #[cfg(test)]
    pub(crate) fn errors(&self) -> &[FieldProblem] {
        self.0.body.errors.as_deref().unwrap_or_default()
    }
    /// The fault behind it, to be logged with `reference`.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.0.fault.as_ref()
    }
    fn with(mut self, change: impl FnOnce(&mut ProblemBody)) -> Problem {
        change(&mut self.0.body);
        self
    }
    /// Writes it down. `reference`: for faults of ours.
    pub(crate) fn into_response(mut self, site: &Site, reference: Option<String>) -> Response {
        self.0.body.r#type = site.link(&format!("{PROBLEMS}/{}", self.0.kind.slug()));
        self.0.body.reference = reference;
        let json = serde_json::to_vec(&self.0.body).expect("strings, numbers and lists become JSON");
        let mut response = Response::builder()
            .status(StatusCode::from_u16(self.0.kind.status()).expect("the table holds HTTP statuses"))
            .content_type(PROBLEM_JSON)
            .body(json);
        response.headers_mut().extend(self.0.headers);
        response
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        let mut problem = match fault.kind() {
            FaultKind::Full => {
                Problem::new(Kind::StorageFull, "There is no room to store this right now. Nothing was changed; try again later.")
                    .retry_after(60)
            }
            FaultKind::Unavailable => {
                Problem::new(Kind::Unavailable, "A part of the service is away. Nothing was changed; try again in a few seconds.")
                    .retry_after(5)
            }
            FaultKind::Uncertain => Problem::new(
                Kind::Unavailable,
                "The database went away while this was being saved, so it may or may not have been kept. Look before you ask again, or repeat it under the same “Idempotency-Key”.",
            )
            .retry_after(5),
            FaultKind::Ended => {
                let sentence = "This API key was revoked while the request arrived. Nothing was done.";
                return Problem::new(Kind::Unauthorized, sentence).header(header::WWW_AUTHENTICATE, HeaderValue::from_static(INVALID_TOKEN));
            }
            FaultKind::Retry => {
                Problem::new(Kind::Unavailable, "Too much happened at once. Nothing was changed; try again.").retry_after(1)
            }
            _ => Problem::new(Kind::Fault, "Something went wrong on our side. Try again; if it stays, tell us the reference."),
        };
        problem.0.fault = Some(fault);
        problem
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Problem({:?}, {:?})", self.0.kind, self.0.fault)
    }
}
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.body.detail)
    }
}
impl std::error::Error for Problem {}

/// Only so that it travels in `poem::Error`; the door takes it out again and writes it with the site's address.
impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.kind.status()).expect("the table holds HTTP statuses")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::EmailAddress;

    fn site() -> Site {
        Site::new("https://mail.example", EmailAddress::parse("post@mail.example").unwrap())
    }

    #[tokio::test]
    async fn a_quota_refusal_names_dimension_limit_used_and_reset() {
        let refused = QuotaRefused::OverQuota { dimension: "sends", limit: 10, used: 10, resets_at: Some(Time(1_795_454_042_123)) };
        let response = Problem::quota(Kind::OverQuota, &refused).into_response(&site(), None);
        assert_eq!(response.status(), 402);
        assert_eq!(response.content_type(), Some(PROBLEM_JSON));
        let body: serde_json::Value = response.into_body().into_json().await.unwrap();
        assert_eq!(body["type"], "https://mail.example/problems/over-quota");
        assert_eq!((&body["dimension"], &body["limit"], &body["used"]), (&"sends".into(), &10.into(), &10.into()));
        assert_eq!(body["resets_at"], "2026-11-23T17:14:02.123Z");
        assert!(body.get("reference").is_none());
    }

    #[tokio::test]
    async fn a_fault_shows_its_reference_and_never_its_cause() {
        let response = Problem::from(Fault::other("the secret cause")).into_response(&site(), Some("K7QX".into()));
        assert_eq!(response.status(), 500);
        let text = response.into_body().into_string().await.unwrap();
        assert!(text.contains("K7QX") && !text.contains("secret cause"), "{text}");
    }

    #[tokio::test]
    async fn what_may_have_been_kept_is_not_said_to_have_changed_nothing() {
        let response = Problem::from(Fault::new(FaultKind::Uncertain, "committing")).into_response(&site(), Some("K7QX".into()));
        assert_eq!(response.status(), 503);
        let text = response.into_body().into_string().await.unwrap();
        assert!(text.contains("may or may not have been kept") && !text.contains("Nothing was changed"), "{text}");
    }

    #[tokio::test]
    async fn whose_key_ended_meanwhile_is_unauthorized_and_no_fault_of_ours() {
        let problem = Problem::from(Fault::new(FaultKind::Ended, "x"));
        assert!(problem.fault().is_none());
        let response = problem.into_response(&site(), None);
        assert_eq!((response.status().as_u16(), response.headers()[header::WWW_AUTHENTICATE].as_bytes()), (401, INVALID_TOKEN.as_bytes()));
    }

    #[test]
    fn a_full_disk_is_507_and_an_absent_database_503() {
        assert_eq!(Problem::from(Fault::new(FaultKind::Full, "x")).kind(), Kind::StorageFull);
        assert_eq!(Problem::from(Fault::new(FaultKind::Unavailable, "x")).kind(), Kind::Unavailable);
    }
}
