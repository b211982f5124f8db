//! Every answer that a test sees is held against the document: status, content type, and the shape of the JSON.

use crate::town::Answer;
use poem::http::Method;
use serde_json::Value;

pub fn check(document: &Value, method: &Method, uri: &str, answer: &Answer) {
    let path = uri.split('?').next().unwrap();
    let at = format!("{method} {path} → {}", answer.status);
    let head = method == Method::HEAD;
    let Some(operation) = operation(document, if head { &Method::GET } else { method }, path) else {
        assert!([401, 404, 405, 429].contains(&answer.status.as_u16()), "{at}: not in the document");
        return;
    };
    let response = &operation["responses"][answer.status.as_str()];
    assert!(response.is_object(), "{at}: this status is not in the document: {}", answer.json);
    let Some(content) = response["content"].as_object() else {
        assert!(answer.bytes.is_empty(), "{at}: a body where the document has none");
        return;
    };
    let (content_type, media) = content.iter().next().unwrap();
    assert_eq!(answer.header("content-type"), content_type, "{at}");
    if content_type.ends_with("json") && !head {
        fits(document, &media["schema"], &answer.json, &at);
    }
}

fn operation<'d>(document: &'d Value, method: &Method, path: &str) -> Option<&'d Value> {
    let given: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let segments: Vec<&str> = template.split('/').collect();
        segments.len() == given.len() && segments.iter().zip(&given).all(|(s, g)| s.starts_with('{') || s == g)
    };
    let (_, operations) = document["paths"].as_object()?.iter().find(|(template, _)| fits(template))?;
    operations.get(method.as_str().to_lowercase())
}

/// The part of JSON Schema that our document uses.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(document, &document["components"]["schemas"][reference.rsplit('/').next().unwrap()], value, at);
    }
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at}: {value} is not one of {words:?}");
    }
    match schema["type"].as_str().unwrap_or_default() {
        "string" => assert!(value.is_string(), "{at}: {value} is not text"),
        "integer" => assert!(value.is_i64() || value.is_u64(), "{at}: {value} is not a whole number"),
        "boolean" => assert!(value.is_boolean(), "{at}: {value} is not true or false"),
        "array" => {
            for (n, one) in value.as_array().unwrap_or_else(|| panic!("{at}: {value} is not a list")).iter().enumerate() {
                fits(document, &schema["items"], one, &format!("{at}/{n}"));
            }
        }
        "object" => object(document, schema, value, at),
        other => panic!("{at}: the test knows no type “{other}”"),
    }
}

fn object(document: &Value, schema: &Value, value: &Value, at: &str) {
    let map = value.as_object().unwrap_or_else(|| panic!("{at}: {value} is not an object"));
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(map.contains_key(required.as_str().unwrap()), "{at}: {required} is missing in {value}");
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, one) in map {
        let property = properties.get(name).unwrap_or_else(|| panic!("{at}: {name} is not in the document"));
        fits(document, property, one, &format!("{at}/{name}"));
    }
}
