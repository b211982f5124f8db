//! Serving a file, whole or from any byte on: RFC 9110 §14 ranges, RFC 6266 names, and headers that keep it from running.
//!
//! What would surprise you: of several ranges only the first is looked at when it is alone; a request for many gets the whole file,
//! as RFC 9110 §14.2 allows, so that nobody makes us send one byte a thousand times.

use crate::stop::Stop;
use kernel::AttachmentId;
use messages::{FileStream, Post, Reader};
use poem::{
    Body, Response,
    http::{HeaderMap, HeaderName, StatusCode, header},
};
use std::ops::Range;
use store::Caller;

const SANDBOX: &str = "sandbox; default-src 'none'";

/// What the request asks of a file of known size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Whole,
    Part(Range<u64>),
    /// 416: begins after the end.
    Beyond,
}

/// Answers with the file, if it is `reader`'s: asked for whole first, to learn its size, then for the part wanted.
/// Streams are lazy, so the first asking reads no content.
pub async fn serve(post: &Post, who: &Caller, reader: Reader<'_>, id: AttachmentId, headers: &HeaderMap) -> Result<Response, Stop> {
    let whole = messages::open_file(post, who, same(&reader), id, None).await?.ok_or(Stop::NotFound)?;
    let (size, etag) = (whole.file.received, etag(&whole));
    if is_known(headers, &etag) {
        return Ok(describe(Response::builder().status(StatusCode::NOT_MODIFIED), &whole, &etag).finish());
    }
    match wanted(headers, size, &etag) {
        Wanted::Whole => {
            Ok(describe(Response::builder(), &whole, &etag).header(header::CONTENT_LENGTH, size).body(Body::from_bytes_stream(whole.bytes)))
        }
        Wanted::Beyond => Ok(Response::builder()
            .status(StatusCode::RANGE_NOT_SATISFIABLE)
            .header(header::CONTENT_RANGE, format!("bytes */{size}"))
            .finish()),
        Wanted::Part(part) => {
            let file = messages::open_file(post, who, reader, id, Some(part)).await?.ok_or(Stop::NotFound)?;
            let (from, to) = (file.range.start, file.range.end);
            let answer = describe(Response::builder().status(StatusCode::PARTIAL_CONTENT), &file, &etag)
                .header(header::CONTENT_RANGE, format!("bytes {from}-{}/{size}", to.saturating_sub(1)))
                .header(header::CONTENT_LENGTH, to.saturating_sub(from));
            Ok(answer.body(Body::from_bytes_stream(file.bytes)))
        }
    }
}

fn same<'r>(reader: &Reader<'r>) -> Reader<'r> {
    match reader {
        Reader::Browser(cookie) => Reader::Browser(cookie),
        Reader::Sender(message) => Reader::Sender(*message),
    }
}

/// RFC 9110 §13.1.2.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    given.is_some_and(|given| given == "*" || given.split(',').any(|known| known.trim().trim_start_matches("W/") == etag))
}

fn describe(answer: poem::ResponseBuilder, file: &FileStream, etag: &str) -> poem::ResponseBuilder {
    answer
        .header(header::CONTENT_TYPE, media_type(&file.file.media_type))
        .header(header::CONTENT_DISPOSITION, disposition(&file.file.name))
        .header(header::CONTENT_SECURITY_POLICY, SANDBOX)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, etag)
        .header(HeaderName::from_static("cross-origin-resource-policy"), "same-origin")
}

/// A strong validator: the SHA-256 of the whole file.
fn etag(file: &FileStream) -> String {
    format!("\"{}\"", file.file.sha256.as_deref().unwrap_or("partial"))
}

/// As declared when it is a plain `type/subtype`, else bytes without a name.
fn media_type(declared: &str) -> &str {
    let token = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    match declared.split_once('/') {
        Some((kind, sub)) if token(kind) && token(sub) && declared.len() <= 127 => declared,
        _ => "application/octet-stream",
    }
}

/// Reads `Range` against a file of `size` bytes. `If-Range` with another validator means the whole file (RFC 9110 §13.1.5).
pub fn wanted(headers: &HeaderMap, size: u64, etag: &str) -> Wanted {
    let text = |name| headers.get(name).and_then(|v: &poem::http::HeaderValue| v.to_str().ok());
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

/// RFC 6266: always `attachment`, a plain name for old programs and the true one as RFC 8187 has it.
pub fn disposition(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\%;".contains(c) || c == ' ' { c } else { '_' }).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", encoded(name))
}

/// Percent-encoded but for RFC 8187 §3.2.1 `attr-char`; fit for a path segment too.
pub fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) && byte != b'#' {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

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

    #[test]
    fn names_cannot_leave_the_header() {
        assert_eq!(disposition("return 2025.pdf"), "attachment; filename=\"return 2025.pdf\"; filename*=UTF-8''return%202025.pdf");
        assert_eq!(disposition("a\"; x=\"b.html"), "attachment; filename=\"a__ x=_b.html\"; filename*=UTF-8''a%22%3B%20x%3D%22b.html");
        assert_eq!(disposition("Übung €.txt"), "attachment; filename=\"_bung _.txt\"; filename*=UTF-8''%C3%9Cbung%20%E2%82%AC.txt");
        assert!(HeaderValue::from_str(&disposition("a\r\nSet-Cookie: x=1")).is_ok());
        assert_eq!(encoded("a/b?c#d%e"), "a%2Fb%3Fc%23d%25e");
    }

    #[test]
    fn a_media_type_that_is_none_is_bytes() {
        assert_eq!(media_type("application/pdf"), "application/pdf");
        assert_eq!(media_type("text/html\r\nx: y"), "application/octet-stream");
        assert_eq!(media_type("html"), "application/octet-stream");
    }
}
