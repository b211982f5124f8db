//! What a problem looks like on the wire and in the document (RFC 9457 §3).

use crate::problem::Problem;
use messages::FieldError;
use poem_openapi::{
    ApiResponse, Object,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};
use serde::Serialize;

/// What every problem is sent as.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal or a fault, as RFC 9457 writes it.
#[derive(Object, Serialize, Default)]
#[oai(rename = "Problem", skip_serializing_if_is_none)]
pub(crate) struct ProblemBody {
    /// Stable address of the kind of problem; branch on this, not on the sentences.
    pub(crate) r#type: String,
    pub(crate) title: String,
    /// The HTTP status again.
    pub(crate) status: u16,
    /// What is wrong and what to do, fit to show to a person.
    pub(crate) detail: String,
    /// What is wrong with each field or parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errors: Option<Vec<FieldProblem>>,
    /// The limit that was met, the first if there are several: sends, stored_bytes, recipients, message_bytes, life_days, api_per_minute, own_domains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dimension: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) used: Option<i64>,
    /// When the allowance starts anew (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resets_at: Option<String>,
    /// Bytes of the file that are here: go on from this offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) received: Option<u64>,
    /// A fault of ours: give this number to support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
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

impl From<FieldError> for FieldProblem {
    fn from(error: FieldError) -> FieldProblem {
        FieldProblem { pointer: Some(error.pointer()), parameter: None, detail: error.sentence }
    }
}

/// The document's answer for whatever an operation does not list.
impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: PROBLEM_JSON, schema: ProblemBody::schema_ref() }];
        let any = MetaResponse { description: "Any other refusal or fault.", status: None, status_range: None, content, headers: vec![] };
        MetaResponses { responses: vec![any] }
    }
    fn register(registry: &mut Registry) {
        ProblemBody::register(registry);
    }
}
