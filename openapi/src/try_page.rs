//! Writes the try-it page from the document, so that it cannot say anything else.

use crate::{document::Spec, operations};
use serde_json::{Value, json};
use std::fmt::Write;

const LEAST_THAT_SENDS: &str =
    "{\n  \"to\": [\"bob@example.org\"],\n  \"subject\": \"Hello\",\n  \"body\": \"Hello Bob, this is certified.\"\n}";

/// The whole page. `version` goes into the files' addresses.
pub(crate) fn write(spec: &Spec, version: &str) -> String {
    let mut operations: Vec<(&str, &str, &Value)> = Vec::new();
    for (path, methods) in spec.paths() {
        operations.extend(methods.iter().map(|(method, operation)| (method.as_str(), path.as_str(), operation)));
    }
    let order = operations::in_order();
    operations.sort_by_key(|(_, _, operation)| order.iter().position(|id| operation["operationId"] == *id));
    let mut contents = String::new();
    let mut sections = String::new();
    for group in operations.chunk_by(|one, next| group_of(one.1) == group_of(next.1)) {
        let name = group_of(group[0].1);
        let _ = write!(contents, "<li><b>{name}</b><ul>");
        let _ = write!(sections, "<h2>{name}</h2>");
        for (method, path, operation) in group {
            let _ = write!(contents, "<li><a href=\"#{}\">{}</a></li>", text(&operation["operationId"]), text(&operation["summary"]));
            section(&mut sections, spec, method, path, operation);
        }
        contents.push_str("</ul></li>");
    }
    let about = paragraphs(spec.0["info"]["description"].as_str().unwrap_or_default());
    let base = text(&spec.0["servers"][0]["url"]);
    format!(include_str!("../assets/try.html"), version = version, contents = contents, about = about, base = base, sections = sections)
}

/// Under which heading an operation stands.
fn group_of(path: &str) -> &'static str {
    match path.split('/').nth(2) {
        _ if path.contains("/attachments") => "Files",
        Some("messages") => "Messages",
        Some("replies") => "Replies",
        Some("domains") => "Domains",
        Some("authorities" | "certificates") => "Certificates",
        _ => "Account",
    }
}

fn section(page: &mut String, spec: &Spec, method: &str, path: &str, operation: &Value) {
    let id = text(&operation["operationId"]);
    let (summary, method) = (text(&operation["summary"]), method.to_uppercase());
    let description = paragraphs(operation["description"].as_str().unwrap_or_default());
    let _ = write!(
        page,
        "<section class=\"sheet\" aria-labelledby=\"{id}\"><h3 id=\"{id}\">{summary}</h3><p class=\"line\"><b>{method}</b> <code>{}</code></p>{description}",
        escape(path)
    );
    form(page, &id, &method, path, operation);
    body_fields(page, spec, operation);
    answers(page, operation);
    page.push_str("</section>");
}

fn form(page: &mut String, id: &str, method: &str, path: &str, operation: &Value) {
    let _ = write!(page, "<details><summary>Try it</summary><form data-method=\"{method}\" data-path=\"{}\">", escape(path));
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        field(page, id, parameter);
    }
    let content = &operation["requestBody"]["content"];
    if content.get("application/json").is_some() {
        let example = if id == "sendMessage" { LEAST_THAT_SENDS } else { "{}" };
        let _ = write!(
            page,
            "<div class=\"field\"><label for=\"{id}-body\">Body (JSON)</label><textarea id=\"{id}-body\" data-body=\"json\" spellcheck=\"false\" rows=\"6\">{}</textarea></div>",
            escape(example)
        );
    } else if content.is_object() {
        let _ = write!(
            page,
            "<div class=\"field\"><label for=\"{id}-body\">File</label><input id=\"{id}-body\" type=\"file\" data-body=\"raw\"></div>"
        );
    }
    page.push_str("<p><button type=\"submit\" disabled>Send the request</button> <span class=\"quiet needs-script\">Needs JavaScript.</span></p><div class=\"answer\" aria-live=\"polite\"></div></form></details>");
}

fn field(page: &mut String, id: &str, parameter: &Value) {
    let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
    let required = parameter["required"] == json!(true);
    let mark = if required { "" } else { " <span class=\"quiet\">(optional)</span>" };
    let _ = write!(page, "<div class=\"field\"><label for=\"{id}-{name}\">{name}{mark}</label>");
    let attributes = format!(
        "id=\"{id}-{name}\" data-in=\"{place}\" name=\"{name}\" aria-describedby=\"{id}-{name}-about\"{}",
        if required { " required" } else { "" }
    );
    match parameter["schema"]["enum"].as_array() {
        Some(words) => {
            let options: String = words.iter().map(|w| format!("<option>{}</option>", text(w))).collect();
            let _ = write!(page, "<select {attributes}><option value=\"\">any</option>{options}</select>");
        }
        None => {
            let _ = write!(page, "<input {attributes} autocomplete=\"off\" spellcheck=\"false\">");
        }
    }
    let (kind, about) = (kind_of(&parameter["schema"]), inline(parameter["description"].as_str().unwrap_or_default()));
    let dot = if about.is_empty() { "" } else { " · " };
    let _ = write!(page, "<small id=\"{id}-{name}-about\">{kind}{dot}{about}</small></div>");
}

fn body_fields(page: &mut String, spec: &Spec, operation: &Value) {
    let Some(reference) = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str() else { return };
    let schema = &spec.0["components"]["schemas"][reference.trim_start_matches("#/components/schemas/")];
    page.push_str("<details><summary>Fields of the body</summary><dl>");
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let required = schema["required"].as_array().is_some_and(|r| r.contains(&json!(name)));
        let need = if required { "required" } else { "optional" };
        let about = inline(property["description"].as_str().unwrap_or_default());
        let _ = write!(
            page,
            "<dt><code>{}</code> <span class=\"quiet\">{}, {need}</span></dt><dd>{about}</dd>",
            escape(name),
            kind_of(property)
        );
    }
    page.push_str("</dl></details>");
}

fn answers(page: &mut String, operation: &Value) {
    page.push_str("<details><summary>Answers</summary><dl>");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let _ = write!(
            page,
            "<dt><code>{}</code></dt><dd>{}</dd>",
            escape(if status == "default" { "other" } else { status }),
            inline(response["description"].as_str().unwrap_or_default())
        );
    }
    page.push_str("</dl></details>");
}

fn kind_of(schema: &Value) -> String {
    match (schema["type"].as_str().unwrap_or_default(), schema["format"].as_str().unwrap_or_default()) {
        ("array", _) => format!("list of {}", kind_of(&schema["items"])),
        ("string", "date-time") => "time (RFC 3339)".to_owned(),
        ("string", _) if schema.get("enum").is_some() => "one word".to_owned(),
        ("string", _) if schema.get("pattern").is_some() => "id".to_owned(),
        ("string", _) => "text".to_owned(),
        ("integer", _) => "whole number".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        (other, _) => escape(other),
    }
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn paragraphs(markdown: &str) -> String {
    markdown.split("\n\n").map(str::trim).filter(|p| !p.is_empty()).map(|p| format!("<p>{}</p>", inline(p))).collect()
}

/// `**bold**` and `` `code` ``, the only marks that our descriptions use.
pub(crate) fn inline(markdown: &str) -> String {
    let mut html = escape(markdown);
    for (mark, tag) in [("**", "b"), ("`", "code")] {
        let pieces: Vec<&str> = html.split(mark).collect();
        let mut marked = String::with_capacity(html.len() + 32);
        for (n, piece) in pieces.iter().enumerate() {
            let _ = if n % 2 == 1 { write!(marked, "<{tag}>{piece}</{tag}>") } else { write!(marked, "{piece}") };
        }
        html = marked;
    }
    html
}

pub(crate) fn escape(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_escaped_before_they_are_marked_up() {
        assert_eq!(inline("**a <b>** `c & d`"), "<b>a &lt;b&gt;</b> <code>c &amp; d</code>");
        assert_eq!(paragraphs("one\n\n\n two"), "<p>one</p><p>two</p>");
    }
}
