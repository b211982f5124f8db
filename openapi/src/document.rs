//! The OpenAPI document: poem-openapi's, made exact. It cannot say that unknown fields are refused, which problems an operation
//! answers with, or that a field is there but may be null; here that is added by rule, so that no field is forgotten.

use crate::{PREFIX, operations, problem_body::PROBLEM_JSON, problem_kind::Kind, route_table::RouteTable};
use kernel::Site;
use serde_json::{Map, Value, json};

const ABOUT: &str = include_str!("../assets/about.md");
/// Schemas that a caller writes: unknown fields are refused.
const WRITTEN: [&str; 3] = ["NewMessage", "RetractionRequest", "NewDomain"];
/// Schemas whose fields are left out instead of being null.
const SPARSE: [&str; 2] = ["Problem", "FieldProblem"];

/// One operation of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRoute {
    /// In capitals.
    pub method: String,
    /// With `/v1` and `{names}`.
    pub path: String,
}

/// The document for `/openapi.json`: the same text for the same site.
pub fn document(site: &Site) -> String {
    let mut text = serde_json::to_string_pretty(&Spec::of(site).0).expect("a JSON value becomes text");
    text.push('\n');
    text
}

/// Every operation, read off the document.
pub fn routes() -> Vec<ApiRoute> {
    let anywhere = kernel::EmailAddress::parse("post@example.org").expect("a plain address");
    let spec = Spec::of(&Site::new("https://example.org", anywhere));
    RouteTable::read(&spec).into_routes().into_iter().map(|r| ApiRoute { method: r.method.to_string(), path: r.path }).collect()
}

/// The document as a value.
pub(crate) struct Spec(pub(crate) Value);

impl Spec {
    pub(crate) fn of(site: &Site) -> Spec {
        let service = operations::service().description(ABOUT).url_prefix(PREFIX).server(site.base());
        let mut spec: Value = serde_json::from_str(&service.spec()).expect("poem-openapi writes JSON");
        for (name, schema) in members(&mut spec["components"]["schemas"]) {
            make_exact(name, schema);
        }
        for (_, operations) in members(&mut spec["paths"]) {
            for (method, operation) in members(operations) {
                list_problems(method, operation);
                for (_, response) in members(&mut operation["responses"]) {
                    write_headers_usually(response);
                }
            }
        }
        Spec(spec)
    }
    /// Each path with its operations by method (lower case).
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
        self.0["paths"].as_object().into_iter().flatten().filter_map(|(path, operations)| Some((path, operations.as_object()?)))
    }
}

fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(|map| map.iter_mut())
}

/// poem-openapi shouts header names; the usual writing reads better.
fn write_headers_usually(response: &mut Value) {
    let Some(headers) = response.get_mut("headers").and_then(Value::as_object_mut) else { return };
    let word = |w: &str| w.chars().take(1).chain(w.to_lowercase().chars().skip(1)).collect::<String>();
    let usual = |name: &String| name.split('-').map(word).collect::<Vec<_>>().join("-").replace("Etag", "ETag");
    *headers = headers.iter().map(|(name, header)| (usual(name), header.clone())).collect();
}

/// A field that is not required may be null; in what we answer it is there all the same.
fn make_exact(name: &str, schema: &mut Value) {
    if SPARSE.contains(&name) {
        return;
    }
    let required: Vec<Value> = schema["required"].as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for (field, property) in members(&mut schema["properties"]) {
        all.push(json!(field));
        if !required.contains(&json!(field)) {
            property["nullable"] = json!(true);
            if let Some(words) = property.get_mut("enum").and_then(Value::as_array_mut) {
                words.push(Value::Null);
            }
        }
    }
    if WRITTEN.contains(&name) {
        schema["additionalProperties"] = json!(false);
    } else {
        schema["required"] = Value::Array(all);
    }
}

/// Which problems an operation answers with follows from what it takes.
fn list_problems(method: &str, operation: &mut Value) {
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    for (status, titles) in problems_of(method, operation) {
        let about = titles.iter().map(|k| format!("{} (`{}`)", k.title(), k.slug())).collect::<Vec<_>>().join("; ");
        operation["responses"][status.to_string()] =
            json!({"description": format!("{about}."), "content": {PROBLEM_JSON: {"schema": schema}}});
    }
}

fn problems_of(method: &str, operation: &Value) -> Vec<(u16, Vec<Kind>)> {
    use Kind::*;
    let takes = |place: &str| operation["parameters"].as_array().is_some_and(|ps| ps.iter().any(|p| p["in"] == place));
    let content = &operation["requestBody"]["content"];
    let (json, raw) = (content.get("application/json").is_some(), content.get("application/octet-stream").is_some());
    let id = operation["operationId"].as_str().unwrap_or_default();
    let mut kinds = vec![Unauthorized, InvalidParameter, PlanLimit, TooMany, Fault, Unavailable];
    if takes("path") || raw {
        kinds.push(NotFound);
    }
    if json {
        kinds.extend([MalformedJson, TooDeep, TooLarge, UnsupportedType, InvalidFields]);
    }
    if raw {
        kinds.extend([UploadBroken, UploadOffset, OverQuota, TooLarge, Conflict]);
    }
    if id == "sendMessage" {
        kinds.extend([OverQuota, KeyReused, Conflict]);
    }
    if ["downloadAttachment", "readAttachment"].contains(&id) {
        kinds.extend([Sealed, Gone, BeyondTheEnd]);
    }
    if id == "unlockRecipient" {
        kinds.push(Conflict);
    }
    if method != "get" {
        kinds.extend([NotAllowed, StorageFull]);
    }
    let mut by_status: Vec<(u16, Vec<Kind>)> = Vec::new();
    for kind in Kind::ALL.iter().copied().filter(|k| kinds.contains(k)) {
        match by_status.iter_mut().find(|(status, _)| *status == kind.status()) {
            Some((_, same)) => same.push(kind),
            None => by_status.push((kind.status(), vec![kind])),
        }
    }
    by_status
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site::new("https://mail.example", kernel::EmailAddress::parse("post@mail.example").unwrap())
    }

    #[test]
    fn the_document_is_what_was_reviewed() {
        insta::assert_snapshot!("openapi", document(&site()));
    }

    #[test]
    fn the_document_is_the_same_every_time() {
        assert_eq!(document(&site()), document(&site()));
    }

    #[test]
    fn every_operation_has_a_name_a_key_and_its_problems() {
        let spec = Spec::of(&site());
        for (path, operations) in spec.paths() {
            for (method, operation) in operations {
                let at = format!("{method} {path}");
                assert!(path.starts_with("/v1/"), "{at}");
                assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{at}");
                assert_eq!(operation["security"], json!([{"ApiKey": []}]), "{at}");
                assert!(operation["responses"]["401"].is_object() && operation["responses"]["default"].is_object(), "{at}");
                assert_eq!(operation["responses"].get("404").is_some(), path.contains('{') || path == "/v1/attachments", "{at}");
            }
        }
    }

    #[test]
    fn what_a_caller_writes_is_closed_and_named_here() {
        let spec = Spec::of(&site());
        for (_, operations) in spec.paths() {
            for (method, operation) in operations {
                if let Some(body) = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str() {
                    let name = body.trim_start_matches("#/components/schemas/");
                    assert!(WRITTEN.contains(&name), "{method} {name}");
                    assert_eq!(spec.0["components"]["schemas"][name]["additionalProperties"], json!(false));
                }
            }
        }
    }

    #[test]
    fn the_routes_are_the_documents() {
        let routes = routes();
        assert!(routes.contains(&ApiRoute { method: "POST".into(), path: "/v1/messages".into() }));
        assert!(routes.contains(&ApiRoute { method: "POST".into(), path: "/v1/messages/{id}/retraction".into() }));
        assert!(routes.len() >= 10);
    }
}
