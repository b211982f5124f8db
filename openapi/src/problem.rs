//! A problem: what is answered instead of a result (RFC 9457). Made anywhere, written in one place.

use kernel::{Fault, FaultKind, Site, Time};
use messages::FieldError;
use poem::{
    Response,
    error::ResponseError,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use poem_openapi::{ApiResponse, Object, payload::Payload, registry::*};
use quota::QuotaRefused;
use serde::Serialize;
use std::fmt;

/// What every problem is sent as.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

macro_rules! kinds { ($($name:ident $slug:literal $status:literal $title:literal;)*) => {
    /// The kinds of problem. Slug and status are promises: clients branch on them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Kind { $($name,)* }
    impl Kind {
        pub(crate) const ALL: &'static [Kind] = &[$(Kind::$name,)*];
        pub(crate) fn slug(self) -> &'static str { match self { $(Kind::$name => $slug,)* } }
        pub(crate) fn status(self) -> u16 { match self { $(Kind::$name => $status,)* } }
        pub(crate) fn title(self) -> &'static str { match self { $(Kind::$name => $title,)* } }
    }
} }

kinds! {
    MalformedJson      "malformed-json"         400 "The body is not JSON";
    TooDeep            "json-too-deep"          400 "The JSON is nested too deeply";
    InvalidParameter   "invalid-parameter"      400 "A parameter is not right";
    UploadBroken       "upload-broken"          400 "The upload stopped half-way";
    Unauthorized       "unauthorized"           401 "An API key is needed";
    OverQuota          "over-quota"             402 "The allowance is used up";
    NotAllowed         "not-allowed"            403 "This key may not do that";
    PlanLimit          "plan-limit"             403 "The plan does not include this";
    NotFound           "not-found"              404 "Not found";
    MethodNotAllowed   "method-not-allowed"     405 "This address does not take that method";
    Conflict           "conflict"               409 "It has changed meanwhile";
    UploadOffset       "upload-offset"          409 "The upload goes on from another byte";
    TooLarge           "too-large"              413 "Too large";
    UnsupportedType    "unsupported-media-type" 415 "Another content type is needed";
    InvalidFields      "invalid-fields"         422 "Some fields need another look";
    KeyReused          "idempotency-key-reused" 422 "The idempotency key belongs to another request";
    TooMany            "too-many-requests"      429 "Too many requests";
    Fault              "fault"                  500 "Our fault";
    Unavailable        "unavailable"            503 "Not available for a moment";
    StorageFull        "storage-full"           507 "No room left";
}

/// Why a request was not done. Travels up as an error and becomes a response at the door.
pub(crate) struct Problem(Box<Inner>);

struct Inner {
    kind: Kind,
    body: ProblemBody,
    headers: Vec<(HeaderName, HeaderValue)>,
    fault: Option<Fault>,
}

/// A refusal or a fault, as RFC 9457 writes it.
#[derive(Object, Serialize, Default)]
#[oai(rename = "Problem", skip_serializing_if_is_none)]
pub(crate) struct ProblemBody {
    /// Stable address of the kind of problem; branch on this, not on the sentences.
    r#type: String,
    title: String,
    /// The HTTP status again.
    status: u16,
    /// What is wrong and what to do, fit to show to a person.
    detail: String,
    /// What is wrong with each field or parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FieldProblem>>,
    /// The limit that was met: sends, stored_bytes, recipients, message_bytes, life_days, api_per_minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    dimension: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<i64>,
    /// When the allowance starts anew (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_at: Option<String>,
    /// Bytes of the file that are here: go on from this offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<u64>,
    /// A fault of ours: give this number to support.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

/// What is wrong with one field of the body, or with one parameter.
#[derive(Object, Serialize, Clone, Debug, PartialEq, Eq)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct FieldProblem {
    /// Where in the request body (RFC 6901), such as `/to/0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// Name of the query parameter, path parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parameter: Option<String>,
    /// A sentence to show beside the field.
    pub(crate) detail: String,
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
        Problem::new(Kind::InvalidFields, detail).with(|body| body.errors = Some(errors))
    }
    pub(crate) fn parameter(name: &str, sentence: impl Into<String>) -> Problem {
        let detail = sentence.into();
        let error = FieldProblem { pointer: None, parameter: Some(name.to_owned()), detail: detail.clone() };
        Problem::new(Kind::InvalidParameter, detail).with(|body| body.errors = Some(vec![error]))
    }
    pub(crate) fn quota(kind: Kind, refused: &QuotaRefused) -> Problem {
        Problem::new(kind, refused.to_string()).with(|body| {
            body.dimension = Some(refused.dimension().to_owned());
            body.limit = Some(refused.limit());
            body.used = refused.used();
            body.resets_at = refused.resets_at().map(Time::rfc3339);
        })
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
        self.0.body.r#type = site.link(&format!("/problems/{}", self.0.kind.slug()));
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
            FaultKind::Retry => {
                Problem::new(Kind::Unavailable, "Too much happened at once. Nothing was changed; try again.").retry_after(1)
            }
            _ => Problem::new(Kind::Fault, "Something went wrong on our side. Try again; if it stays, tell us the reference."),
        };
        problem.0.fault = Some(fault);
        problem
    }
}

impl From<FieldError> for FieldProblem {
    fn from(error: FieldError) -> FieldProblem {
        FieldProblem { pointer: Some(error.pointer()), parameter: None, detail: error.sentence }
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

struct ProblemPayload;

impl Payload for ProblemPayload {
    const CONTENT_TYPE: &'static str = PROBLEM_JSON;
    fn schema_ref() -> MetaSchemaRef {
        <ProblemBody as poem_openapi::types::Type>::schema_ref()
    }
    fn register(registry: &mut Registry) {
        <ProblemBody as poem_openapi::types::Type>::register(registry);
    }
}

impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: ProblemPayload::CONTENT_TYPE, schema: ProblemPayload::schema_ref() }];
        MetaResponses {
            responses: vec![MetaResponse {
                description: "Any other refusal or fault.",
                status: None,
                status_range: None,
                content,
                headers: vec![],
            }],
        }
    }
    fn register(registry: &mut Registry) {
        ProblemPayload::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::EmailAddress;

    fn site() -> Site {
        Site::new("https://mail.example", EmailAddress::parse("post@mail.example").unwrap())
    }

    #[test]
    fn slugs_are_told_apart() {
        let mut slugs: Vec<_> = Kind::ALL.iter().map(|k| k.slug()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), Kind::ALL.len());
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

    #[test]
    fn a_full_disk_is_507_and_an_absent_database_503() {
        assert_eq!(Problem::from(Fault::new(FaultKind::Full, "x")).kind(), Kind::StorageFull);
        assert_eq!(Problem::from(Fault::new(FaultKind::Unavailable, "x")).kind(), Kind::Unavailable);
    }
}
