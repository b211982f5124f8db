//! Canonical JSON (RFC 8785) for what is hashed: sorted keys, no spaces, no floating point.

use serde::Serialize;
use serde_json::Value;

/// Objects come out sorted because `serde_json::Map` is a sorted map; our keys are ASCII, so UTF-16 order (RFC 8785 §3.2.3) is byte order.
/// Numbers are integers, so §3.2.2.3 does not arise; `serde_json` escapes strings as §3.2.2.2 asks.
pub(crate) fn canonical(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_control_characters_escaped_as_the_standard_says() {
        let value = serde_json::json!({"b": 1, "a": "\u{8}\n\u{1f}\"\\é/", "c": {"z": null, "y": [true]}});
        assert_eq!(canonical(&value), "{\"a\":\"\\b\\n\\u001f\\\"\\\\é/\",\"b\":1,\"c\":{\"y\":[true],\"z\":null}}");
    }
}
