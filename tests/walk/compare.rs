//! What counts when two answers are compared, and what must be in neither.

use super::owned::Owned;
use tests::Answer;

/// Shorter values are no ids and stand in any text.
const SHORTEST: usize = 12;

/// The answer without what differs from request to request: ids that were asked for, nonces, the request's number.
pub fn essence(answer: &Answer, asked: &Owned) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (name, value) in &answer.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match name.as_str() {
            "x-request-id" | "content-length" => {}
            // Which cookies are set counts, not their values.
            "set-cookie" => lines.push(format!("set-cookie: {}", value.split('=').next().unwrap_or_default())),
            name => lines.push(format!("{name}: {value}")),
        }
    }
    lines.sort();
    let mut text = format!("{}\n{}\n\n{}", answer.status, lines.join("\n"), answer.text());
    for value in asked.values().filter(|value| value.len() >= SHORTEST) {
        text = text.replace(value.as_str(), "<asked for>");
    }
    ["nonce", "once"].into_iter().fold(text, |text, name| masked(&text, &format!("name=\"{name}\" value=\"")))
}

fn masked(text: &str, before: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once(before) {
        out.push_str(head);
        out.push_str(before);
        rest = tail.find('"').map_or("", |at| &tail[at..]);
    }
    out + rest
}

/// Fails with the first line that differs.
#[track_caller]
pub fn same(one: &str, other: &str, at: &str) {
    let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert!(one == other, "{at}: {differs:#?} ({} and {} bytes)", one.len(), other.len());
}

/// Fails if the answer carries a canary that is none of `sees`, anywhere: a header, a page, a file.
#[track_caller]
pub fn no_canary(answer: &Answer, sees: &[String], at: &str) {
    let mut text = format!("{:?} {}", answer.headers, answer.text()).to_lowercase();
    for seen in sees {
        text = text.replace(seen.as_str(), "");
    }
    for tenant in ["acme", "bolt", "shut", "gone"] {
        for kind in ["name", "sealed", "private"] {
            let canary = format!("{tenant}{kind}");
            assert!(!text.contains(&canary), "{at}: {canary} in: {text}");
        }
    }
}
