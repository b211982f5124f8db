//! What is wrong with a JSON body, in sentences, with a pointer to each field: all of it at once.

use crate::{
    json_shape::pointer_at, problem::Problem, problem_body::FieldProblem, problem_kind::Kind, refusals::capital, strict_json::JsonRequest,
};
use serde_json::{Map, Value};

pub(crate) const MAX_SHOWN_CHARS: usize = 300;
/// Fields named; each costs another look at the body.
const MAX_WRONG: usize = 20;

/// The fields of a JSON object.
pub(crate) fn fields(object: Value) -> Map<String, Value> {
    if let Value::Object(fields) = object { fields } else { Map::new() }
}

/// `error` is what the parser stopped at.
pub(crate) fn explain<T: JsonRequest>(json: &[u8], error: &serde_json::Error) -> Problem {
    if error.is_data() {
        return Problem::fields(everything::<T>(json, error));
    }
    let near = match error.is_eof() {
        true => "the text ends too early".to_owned(),
        false => format!("{}, line {}, column {}", message(error), error.line(), error.column()),
    };
    Problem::new(Kind::MalformedJson, format!("The body is not valid JSON: {near}."))
}

/// The parser stops at the first: that field is put right or taken out, and the rest is parsed again.
fn everything<T: JsonRequest>(json: &[u8], first: &serde_json::Error) -> Vec<FieldProblem> {
    let mut wrong = vec![field(json, first)];
    let Ok(mut rest) = serde_json::from_slice::<Map<String, Value>>(json) else { return wrong };
    let (mut required, mut named) = (T::required(), Vec::new());
    while let Some(name) = wrong.last().and_then(name_of) {
        let mended = match required.remove(&name) {
            Some(right) => rest.insert(name.clone(), right).is_some() || !named.contains(&name),
            None => rest.remove(&name).is_some(),
        };
        named.push(name);
        let Ok(text) = serde_json::to_vec(&rest) else { break };
        match serde_json::from_slice::<T>(&text) {
            Ok(value) => {
                wrong.extend(value.wrong(&named));
                break;
            }
            Err(error) if mended && wrong.len() < MAX_WRONG => wrong.push(field(&text, &error)),
            Err(_) => break,
        }
    }
    wrong
}

/// The field of the body that a problem is about.
fn name_of(problem: &FieldProblem) -> Option<String> {
    let first = problem.pointer.as_deref()?.split('/').nth(1)?;
    Some(first.replace("~1", "/").replace("~0", "~"))
}

fn field(json: &[u8], error: &serde_json::Error) -> FieldProblem {
    let pointer = pointer_at(json, offset_of(json, error.line(), error.column()));
    let (pointer, detail) = describe(pointer, &message(error));
    FieldProblem { pointer: Some(pointer), parameter: None, detail }
}

/// Without the place, which the pointer says.
fn message(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.strip_suffix(&format!(" at line {} column {}", error.line(), error.column())).unwrap_or(&message).to_owned()
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
