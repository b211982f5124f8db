//! Which bytes a request asks for (RFC 9110 §14), and whether it has them already (§13.1.2).

use http::{HeaderMap, header};
use std::ops::Range;

/// What the request asks of a file of known size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Whole,
    Part(Range<u64>),
    /// 416: begins after the end.
    Beyond,
}

/// RFC 9110 §13.1.2.
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    given.is_some_and(|given| given == "*" || given.split(',').any(|known| known.trim().trim_start_matches("W/") == etag))
}

/// Reads `Range` against a file of `size` bytes. `If-Range` with another validator means the whole file (RFC 9110 §13.1.5).
pub(crate) fn wanted(headers: &HeaderMap, size: u64, etag: &str) -> Wanted {
    let text = |name| headers.get(name).and_then(|v: &http::HeaderValue| v.to_str().ok());
    if text(header::IF_RANGE).is_some_and(|known| known.trim() != etag) {
        return Wanted::Whole;
    }
    text(header::RANGE).map_or(Wanted::Whole, |range| parse_range(range, size))
}

/// RFC 9110 §14.1.2: `bytes=0-99`, `bytes=100-`, `bytes=-100`. What does not parse is ignored, as §14.2 asks.
fn parse_range(text: &str, size: u64) -> Wanted {
    let Some((unit, set)) = text.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Wanted::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Wanted::Whole };
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let number = |t: &str| t.parse::<u64>().unwrap_or(u64::MAX);
    match (first, last) {
        ("", last) if digits(last) => match number(last) {
            0 => Wanted::Beyond,
            _ if size == 0 => Wanted::Beyond,
            n => Wanted::Part(size.saturating_sub(n)..size),
        },
        (first, "") if digits(first) => part(number(first), u64::MAX, size),
        (first, last) if digits(first) && digits(last) && number(first) <= number(last) => part(number(first), number(last), size),
        _ => Wanted::Whole,
    }
}

fn part(first: u64, last: u64, size: u64) -> Wanted {
    if first >= size { Wanted::Beyond } else { Wanted::Part(first..last.saturating_add(1).min(size)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        let cases = [
            ("bytes=0-99", Wanted::Part(0..100)),
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=100-", Wanted::Part(100..1000)),
            ("bytes=-100", Wanted::Part(900..1000)),
            ("bytes=-5000", Wanted::Part(0..1000)),
            ("bytes=0-5000", Wanted::Part(0..1000)),
            ("bytes=999-999", Wanted::Part(999..1000)),
            ("BYTES=1-2", Wanted::Part(1..3)),
            ("bytes=1000-", Wanted::Beyond),
            ("bytes=-0", Wanted::Beyond),
            ("bytes=99999999999999999999999-", Wanted::Beyond),
            ("bytes=5-99999999999999999999999", Wanted::Part(5..1000)),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
            ("nonsense", Wanted::Whole),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_range(text, 1000), expected, "{text}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Wanted::Beyond);
        assert_eq!(parse_range("bytes=-1", 0), Wanted::Beyond);
    }

    #[test]
    fn a_changed_file_is_sent_whole() {
        let ask = |known| {
            HeaderMap::from_iter([
                (header::RANGE, HeaderValue::from_static("bytes=5-")),
                (header::IF_RANGE, HeaderValue::from_static(known)),
            ])
        };
        assert_eq!(wanted(&ask("\"a\""), 10, "\"a\""), Wanted::Part(5..10));
        assert_eq!(wanted(&ask("\"b\""), 10, "\"a\""), Wanted::Whole);
        assert_eq!(wanted(&ask("W/\"a\""), 10, "\"a\""), Wanted::Whole);
    }
}
