//! What bad input gets: a problem with a stable type, a sentence and a pointer, and nothing half-done.

use crate::town::town;
use kernel::MAX_JSON_BYTES;
use poem::{
    Body,
    http::{HeaderMap, Method},
};
use serde_json::{Value, json};

fn good() -> Value {
    json!({"to": ["bob@example.org"], "subject": "Hello", "body": "Hello."})
}
fn with(field: &str, value: Value) -> Value {
    let mut body = good();
    body[field] = value;
    body
}

#[tokio::test]
async fn each_wrong_field_is_pointed_at_with_a_sentence() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let many: Vec<String> = (0..101).map(|n| format!("r{n}@example.org")).collect();
    for (field, value, pointer) in [
        ("to", json!([]), "/to"),
        ("to", json!(many), "/to"),
        ("to", json!(["bob@example.org", "eve@example"]), "/to/1"),
        ("to", json!(["bob@example.org\r\nBcc: x@example.org"]), "/to/0"),
        ("to", json!("bob@example.org"), "/to"),
        ("to", json!([1]), "/to/0"),
        ("subject", json!(""), "/subject"),
        ("subject", json!("Hi\r\nBcc: x@example.org"), "/subject"),
        ("subject", json!("x".repeat(256)), "/subject"),
        ("subject", json!(null), "/subject"),
        ("body", json!("x".repeat(1_048_577)), "/body"),
        ("body", json!("a\u{0}b"), "/body"),
        ("proof", json!("r9"), "/proof"),
        ("proof", json!("r2"), "/password"),
        ("password", json!("abc"), "/password"),
        ("hint", json!("a hint without a password"), "/hint"),
        ("expires_days", json!(0), "/expires_days"),
        ("expires_days", json!(1.5), "/expires_days"),
        ("expires_days", json!(9_000_000_000_000_000_000u64), "/expires_days"),
        ("remind_days", json!([30]), "/remind_days"),
        ("send_at", json!("tomorrow"), "/send_at"),
        ("send_at", json!("2026-11-23T00:00:00Z"), "/send_at"),
        ("attachments", json!(["att_x"]), "/attachments/0"),
        ("cc", json!(["eve@example.org"]), "/cc"),
    ] {
        let answer = town.post(&ana, "/v1/messages", &with(field, value.clone())).await;
        let shown: String = value.to_string().chars().take(60).collect();
        assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid-fields"), "{field} {shown}");
        assert_eq!(answer.pointers(), [pointer], "{field} {shown}: {}", answer.json);
        let sentence = answer.json["errors"][0]["detail"].as_str().unwrap();
        assert!(sentence.ends_with('.') && sentence.chars().count() < 400, "{sentence}");
        in_plain_words(sentence);
    }
    assert_eq!(town.get(&ana, "/v1/messages").await.json["messages"], json!([]));
    assert_eq!(town.get(&ana, "/v1/account").await.json["sends_used"], 0);
}

#[tokio::test]
async fn everything_wrong_is_said_at_once() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let answer = town.post(&ana, "/v1/messages", &json!({"to": ["x", "bob@example.org", "y"], "subject": "", "body": ""})).await;
    assert_eq!(answer.pointers(), ["/to/0", "/to/2", "/subject", "/body"]);
    let mixed = json!({"to": ["x"], "subject": "", "proof": "r9", "send_at": "soon", "expires_days": "x", "hint": "h", "cc": []});
    let answer = town.post(&ana, "/v1/messages", &mixed).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid-fields"));
    let mut pointers = answer.pointers();
    pointers.sort();
    assert_eq!(pointers, ["/body", "/cc", "/expires_days", "/hint", "/proof", "/send_at", "/subject", "/to/0"]);
    assert_eq!(answer.json["detail"], "8 fields are not right; `errors` says which and why.");
    for error in answer.json["errors"].as_array().unwrap() {
        in_plain_words(error["detail"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_subject_of_10_mib_is_413_also_in_chunks() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let body = with("subject", json!("x".repeat(10 << 20))).to_string();
    let length = body.len().to_string();
    let json_type = ("content-type", "application/json");
    let declared =
        town.call(&ana, Method::POST, "/v1/messages", &[json_type, ("content-length", &length)], Body::from_string(body.clone())).await;
    assert_eq!((declared.status.as_u16(), declared.problem()), (413, "too-large"));
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = body.into_bytes().chunks(60_000).map(|c| Ok(c.to_vec())).collect();
    let chunked =
        town.call(&ana, Method::POST, "/v1/messages", &[json_type], Body::from_bytes_stream(futures_util::stream::iter(pieces))).await;
    assert_eq!((chunked.status.as_u16(), chunked.problem()), (413, "too-large"));
    let just_fits = with("subject", json!("x".repeat(MAX_JSON_BYTES - 100)));
    assert_eq!(town.post(&ana, "/v1/messages", &just_fits).await.pointers(), ["/subject"]);
}

#[tokio::test]
async fn json_that_is_too_deep_or_none_is_400() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let deep = format!("{{\"to\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(town.post_text(&ana, "/v1/messages", deep).await.problem(), "json-too-deep");
    for text in ["", "{", "hello", "{\"to\":[\"a\"],}", "{}{}"] {
        let answer = town.post_text(&ana, "/v1/messages", text).await;
        assert!(answer.status == 400 || (text == "{}{}" && answer.status == 422), "{text}: {}", answer.json);
    }
    let bytes = [b"{\"subject\":\"".as_slice(), &[0xff, 0xfe], b"\"}"].concat();
    let answer = town.call(&ana, Method::POST, "/v1/messages", &[("content-type", "application/json")], Body::from_vec(bytes)).await;
    assert_eq!(answer.problem(), "malformed-json");
}

#[tokio::test]
async fn another_content_type_is_415() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    for headers in [vec![], vec![("content-type", "text/plain")], vec![("content-type", "application/x-www-form-urlencoded")]] {
        let answer = town.call(&ana, Method::POST, "/v1/messages", &headers, Body::from_string(good().to_string())).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (415, "unsupported-media-type"), "{headers:?}");
    }
    let charset = [("content-type", "application/json; charset=utf-8")];
    assert_eq!(town.call(&ana, Method::POST, "/v1/messages", &charset, Body::from_string(good().to_string())).await.status, 201);
}

#[tokio::test]
async fn other_methods_and_addresses_are_405_and_404() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    for method in [Method::DELETE, Method::PUT, Method::PATCH, Method::OPTIONS, Method::TRACE] {
        let answer = town.call(&ana, method.clone(), "/v1/messages", &[], Body::empty()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem(), answer.header("allow")),
            (405, "method-not-allowed", "GET, POST, HEAD"),
            "{method}"
        );
    }
    let missing: Vec<(HeaderMap, Vec<u8>)> = futures_util::future::join_all(
        ["/v1", "/v1/", "/v1/nothing", "/v1/messages/", "/v1/messages/a/b/c", "/v1/%00", "/v1/%ff", "/v1/messages/%ff", "/v1/messages/%c3"]
            .map(|path| {
                let (town, ana) = (&town, &ana);
                async move {
                    let answer = town.get(ana, path).await;
                    assert_eq!(answer.problem(), "not-found", "{path}");
                    (answer.headers, answer.bytes)
                }
            }),
    )
    .await;
    assert!(missing.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Words of the libraries underneath, which mean nothing to whoever calls.
#[track_caller]
pub fn in_plain_words(sentence: &str) {
    const JARGON: [&str; 14] = [
        "arse",
        "invalid",
        "nvalid digit",
        "verification",
        "expected",
        "expects",
        "i64",
        "u64",
        "integer",
        "sequence",
        "string",
        "Length",
        "imum(",
        "`",
    ];
    let found: Vec<_> = JARGON.into_iter().filter(|word| sentence.contains(word)).collect();
    assert!(found.is_empty() || sentence.contains("Known are"), "{sentence}: {found:?}");
}

#[tokio::test]
async fn parameters_are_checked_like_fields() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    for (query, name) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("state=read", "state"),
        ("after=msg_x", "after"),
        ("after=rcp_01jd7q00000000000000000000", "after"),
        ("search=a%00b", "search"),
        ("search=a%0Ab", "search"),
        ("serach=a", "serach"),
        ("limit=1&limit=2", "limit"),
    ] {
        let answer = town.get(&ana, &format!("/v1/messages?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-parameter"), "{query}: {}", answer.json);
        assert_eq!(answer.json["errors"][0]["parameter"], name, "{query}");
    }
}

#[tokio::test]
async fn a_database_that_goes_away_is_our_fault_and_has_a_reference() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    assert_eq!(town.get(&ana, "/v1/account").await.status, 200);
    town.db.close().await;
    let answer = town.get(&ana, "/v1/account").await;
    assert!(answer.status.is_server_error(), "{}", answer.json);
    assert_eq!(answer.json["reference"].as_str().unwrap().len(), 10);
    assert!(["fault", "unavailable"].contains(&answer.problem()));
}
