//! A JSON body: bounded, not too deep, of the right content type, no field that we do not know.

use crate::{
    json_shape::{check_depth, pointer_at},
    problem::Problem,
    problem_body::FieldProblem,
    problem_kind::Kind,
    refusals::capital,
};
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

const MAX_SHOWN_CHARS: usize = 300;

/// A request body's type. Its `Deserialize` must deny unknown fields.
pub(crate) trait JsonRequest: Type + DeserializeOwned {
    /// What an empty body stands for, where it may be empty.
    fn when_empty() -> Option<Self> {
        None
    }
}

/// A parsed body, and the SHA-256 of its bytes when the request has an `Idempotency-Key`.
pub(crate) struct StrictJson<T> {
    pub(crate) value: T,
    pub(crate) sha256: Option<[u8; 32]>,
}

impl<'a, T: JsonRequest> ApiExtractor<'a> for StrictJson<T> {
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
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Problem> {
    check_depth(json, MAX_JSON_DEPTH)
        .map_err(|_| Problem::new(Kind::TooDeep, format!("Lists and objects go at most {MAX_JSON_DEPTH} levels deep.")))?;
    let parsed = serde_json::from_slice(json);
    // serde would take a list for an object, its values in the order of the fields.
    let object = json.trim_ascii_start().first() == Some(&b'{');
    match parsed {
        Err(error) if object || !error.is_data() => Err(explain(json, &error)),
        Ok(value) if object => Ok(value),
        _ => {
            let detail = "The body must be a JSON object: {…}.".to_owned();
            Err(Problem::fields(vec![FieldProblem { pointer: Some(String::new()), parameter: None, detail }]))
        }
    }
}

fn explain(json: &[u8], error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let message = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message);
    if !error.is_data() {
        let near = if error.is_eof() { "the text ends too early".to_owned() } else { format!("{message}, line {line}, column {column}") };
        return Problem::new(Kind::MalformedJson, format!("The body is not valid JSON: {near}."));
    }
    let pointer = pointer_at(json, offset_of(json, line, column));
    let (pointer, detail) = describe(pointer, message);
    Problem::fields(vec![FieldProblem { pointer: Some(pointer), parameter: None, detail }])
}

/// serde's message as a sentence. A missing field is named in the message alone.
fn describe(pointer: String, message: &str) -> (String, String) {
    let quoted = || kernel::shown(message.split('`').nth(1).unwrap_or_default(), 100);
    if message.starts_with("missing field") {
        return (format!("{pointer}/{}", quoted()), "This field is missing.".to_owned());
    }
    if message.starts_with("duplicate field") {
        return (pointer, "This field is there twice.".to_owned());
    }
    if let Some((_, known)) = message.split_once("expected").filter(|_| message.starts_with("unknown field")) {
        return (pointer, format!("There is no field “{}”. Known are{}.", quoted(), known.trim_start_matches(" one of")));
    }
    if let Some((_, expected)) = message.split_once(", expected ").filter(|_| message.starts_with("invalid ")) {
        return (pointer, format!("This must be {}.", in_words(expected)));
    }
    let cut = kernel::shown(message, MAX_SHOWN_CHARS);
    (pointer, capital(&format!("{}.", cut.trim_end_matches('.'))))
}

/// serde's names for what a field takes.
fn in_words(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a string" => "text in quotes",
        "a boolean" => "true or false",
        "i64" | "u64" => "a whole number",
        _ => "of another kind",
    }
}

/// serde_json counts lines and columns (in bytes) from 1; a column is how many bytes of the line were read.
fn offset_of(json: &[u8], line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        start += json[start..].iter().position(|b| *b == b'\n').map_or(0, |n| n + 1);
    }
    start + column
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Sample {
        to: Vec<String>,
        subject: String,
        #[serde(default)]
        days: Option<i64>,
    }

    fn refused(json: &str) -> (Kind, String, String) {
        let problem = parse::<Sample>(json.as_bytes()).unwrap_err();
        let error = problem.errors().first().cloned();
        (problem.kind(), error.as_ref().and_then(|e| e.pointer.clone()).unwrap_or_default(), problem.to_string())
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
