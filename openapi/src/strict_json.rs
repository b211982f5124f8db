//! A JSON body: bounded, not too deep, of the right content type, no field that we do not know.

use crate::{json_shape::check_depth, json_wrong::explain, problem::Problem, problem_body::FieldProblem, problem_kind::Kind};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use kernel::{MAX_JSON_BYTES, MAX_JSON_DEPTH};
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry},
    types::Type,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A request body's type. Its `Deserialize` must deny unknown fields.
pub(crate) trait JsonRequest: DeserializeOwned {
    /// What an empty body stands for, where it may be empty.
    fn when_empty() -> Option<Self> {
        None
    }
    /// Its required fields, each with a value of the right kind, which stands in for one that is missing or wrong while the rest is looked at.
    fn required() -> Map<String, Value> {
        Map::new()
    }
    /// What is wrong with what it says, but for the fields in `named`; asked only of a body of which something else is wrong.
    fn wrong(self, _named: &[String]) -> Vec<FieldProblem> {
        Vec::new()
    }
}

/// A parsed body, and the SHA-256 of its bytes when the request has an `Idempotency-Key`.
pub(crate) struct StrictJson<T> {
    pub(crate) value: T,
    pub(crate) sha256: Option<[u8; 32]>,
}

impl<'a, T: JsonRequest + Type> ApiExtractor<'a> for StrictJson<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
    fn request_meta() -> Option<MetaRequest> {
        let schema: MetaSchemaRef = T::schema_ref();
        let content = vec![MetaMediaType { content_type: "application/json", schema }];
        Some(MetaRequest { description: None, content, required: T::when_empty().is_none() })
    }
    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        let bytes = read(request, body).await?;
        if bytes.is_empty()
            && let Some(value) = T::when_empty()
        {
            return Ok(StrictJson { value, sha256: None });
        }
        check_content_type(request.content_type())?;
        let sha256 = request.headers().contains_key("idempotency-key").then(|| keys::sha256(&[&bytes]));
        Ok(StrictJson { value: parse(&bytes)?, sha256 })
    }
}

/// The whole body, at most `MAX_JSON_BYTES`; without a copy when it came in one piece.
async fn read(request: &Request, body: &mut RequestBody) -> Result<Bytes, Problem> {
    let declared = request.headers().get("content-length").and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if declared.is_some_and(|n| n > MAX_JSON_BYTES as u64) {
        return Err(too_large());
    }
    let body = body.take().map_err(|_| broken())?;
    let mut pieces = Box::pin(body.into_bytes_stream());
    let Some(first) = pieces.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(|_| broken())?;
    let Some(second) = pieces.next().await else { return if first.len() > MAX_JSON_BYTES { Err(too_large()) } else { Ok(first) } };
    let mut whole = BytesMut::from(&first[..]);
    let mut piece = second.map_err(|_| broken())?;
    loop {
        if whole.len() + piece.len() > MAX_JSON_BYTES {
            return Err(too_large());
        }
        whole.extend_from_slice(&piece);
        match pieces.next().await {
            Some(next) => piece = next.map_err(|_| broken())?,
            None => return Ok(whole.freeze()),
        }
    }
}

fn too_large() -> Problem {
    Problem::new(Kind::TooLarge, format!("The JSON body takes at most {MAX_JSON_BYTES} bytes. Send long content as an attachment."))
}

fn broken() -> Problem {
    Problem::new(Kind::MalformedJson, "The body ended before it was complete. Send the request again.")
}

/// `application/json` or `application/…+json`, with any parameters.
fn check_content_type(content_type: Option<&str>) -> Result<(), Problem> {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new(Kind::UnsupportedType, "Send JSON with the header “Content-Type: application/json”."))
}

/// Parses what `check_depth` let through; everything wrong is a problem with a pointer where there is one.
pub(crate) fn parse<T: JsonRequest>(json: &[u8]) -> Result<T, Problem> {
    check_depth(json, MAX_JSON_DEPTH)
        .map_err(|_| Problem::new(Kind::TooDeep, format!("Lists and objects go at most {MAX_JSON_DEPTH} levels deep.")))?;
    let parsed = serde_json::from_slice(json);
    // serde would take a list for an object, its values in the order of the fields.
    let object = json.trim_ascii_start().first() == Some(&b'{');
    match parsed {
        Err(error) if object || !error.is_data() => Err(explain::<T>(json, &error)),
        Ok(value) if object => Ok(value),
        _ => {
            let detail = "The body must be a JSON object: {…}.".to_owned();
            Err(Problem::fields(vec![FieldProblem { pointer: Some(String::new()), parameter: None, detail }]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_wrong::MAX_SHOWN_CHARS;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "some fields are read by serde alone")]
    struct Sample {
        to: Vec<String>,
        subject: String,
        #[serde(default)]
        days: Option<i64>,
    }

    impl JsonRequest for Sample {
        fn required() -> Map<String, Value> {
            crate::json_wrong::fields(json!({"to": [], "subject": ""}))
        }
        fn wrong(self, named: &[String]) -> Vec<FieldProblem> {
            let error = FieldProblem { pointer: Some("/subject".into()), parameter: None, detail: "It is short.".into() };
            if self.subject.len() < 3 && !named.contains(&"subject".into()) { vec![error] } else { Vec::new() }
        }
    }

    /// Kind, and pointer and sentence of what is said first.
    fn refused(json: &str) -> (Kind, String, String) {
        let problem = parse::<Sample>(json.as_bytes()).unwrap_err();
        let first = problem.errors().first().cloned();
        let (pointer, sentence) = first.map_or_else(|| (String::new(), problem.to_string()), |e| (e.pointer.unwrap_or_default(), e.detail));
        (problem.kind(), pointer, sentence)
    }

    #[test]
    fn an_unknown_field_is_named_and_pointed_at() {
        let (kind, pointer, detail) = refused("{\n \"to\": [],\n \"subjct\": \"x\"}");
        assert_eq!((kind, pointer.as_str()), (Kind::InvalidFields, "/subjct"));
        assert_eq!(detail, "There is no field “subjct”. Known are `to`, `subject`, `days`.");
    }

    #[test]
    fn wrong_types_missing_and_repeated_fields_are_pointed_at() {
        assert_eq!(refused(r#"{"to":"bob@example.org","subject":""}"#).1, "/to");
        assert_eq!(refused(r#"{"to":["a",5],"subject":""}"#).1, "/to/1");
        assert_eq!(refused(r#"{"to":["a",{"b":1}],"subject":""}"#).1, "/to/1");
        assert_eq!(refused(r#"{"to":[],"subject":"","days":1.5}"#).1, "/days");
        assert_eq!(refused(r#"{"to":[]}"#), (Kind::InvalidFields, "/subject".into(), "This field is missing.".into()));
        assert_eq!(refused(r#"{"to":[],"to":[]}"#), (Kind::InvalidFields, "/to".into(), "This field is there twice.".into()));
        assert_eq!(refused("[]").0, Kind::InvalidFields);
        assert_eq!(refused("null").0, Kind::InvalidFields);
        let list = refused(r#" [["a@example.org"], "subject", null]"#);
        assert_eq!((list.0, list.2.as_str()), (Kind::InvalidFields, "The body must be a JSON object: {…}."));
    }

    #[test]
    fn everything_wrong_is_pointed_at_at_once() {
        let pointers = |json: &str| -> Vec<String> {
            let problem = parse::<Sample>(json.as_bytes()).unwrap_err();
            problem.errors().iter().map(|e| e.pointer.clone().unwrap()).collect()
        };
        assert_eq!(pointers(r#"{"days":"x","a/b":1,"to":5}"#), ["/days", "/a~1b", "/to", "/subject"]);
        assert_eq!(pointers(r#"{"subject":5,"days":"x"}"#), ["/subject", "/days", "/to"]);
        assert_eq!(pointers(r#"{"to":[],"subject":"x","days":"x"}"#), ["/days", "/subject"], "and what the content is wrong in");
        assert_eq!(pointers(r#"{"to":[],"subject":"long","days":1,"days":"x"}"#), ["/days"]);
        let strange: String = (0..500).map(|n| format!("\"x{n}\":1,")).collect();
        assert_eq!(pointers(&format!("{{{strange}\"to\":[]}}")).len(), 20, "there is an end to it");
        let long = format!(r#"{{"{}":1,"to":[],"subject":"long"}}"#, "x".repeat(500));
        assert_eq!(pointers(&long).len(), 1, "a name too long to be shown whole");
    }

    #[test]
    fn broken_json_is_told_from_wrong_fields() {
        for broken in [
            "",
            "{",
            "{\"to\":[}",
            "{\"to\":[],\"subject\":\"\"}x",
            "\u{feff}{}",
            "{'to':1}",
            "{\"subject\":\"\\ud800\"}",
            "{\"subject\":\"a\nb\"}",
        ] {
            assert_eq!(refused(broken).0, Kind::MalformedJson, "{broken:?}");
        }
        assert_eq!(refused(&"[".repeat(10_000)).0, Kind::TooDeep);
    }

    #[test]
    fn a_huge_wrong_value_is_not_echoed_whole() {
        let (_, _, detail) = refused(&format!(r#"{{"to":"{}"}}"#, "x".repeat(1_000_000)));
        assert!(detail.chars().count() <= MAX_SHOWN_CHARS + 1, "{}", detail.len());
    }

    #[test]
    fn json_content_types_pass_and_others_do_not() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.x+json"] {
            assert!(check_content_type(Some(good)).is_ok(), "{good}");
        }
        for bad in [None, Some(""), Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx")] {
            assert_eq!(check_content_type(bad).unwrap_err().kind(), Kind::UnsupportedType, "{bad:?}");
        }
    }
}
