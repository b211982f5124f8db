//! A file over HTTP, whole or from any byte on, as both doors answer it: RFC 9110 §13 and §14, RFC 6266 names, and headers that keep
//! a file from running in a browser.
//!
//! What would surprise you: of several ranges none is looked at. The whole file comes instead, as RFC 9110 §14.2 allows, so that
//! nobody makes us send one byte a thousand times. And nothing here is evidence: that was recorded when the file was released.

mod name;
mod range;

pub use name::{disposition, encoded};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, response::Builder};
use kernel::AttachmentId;
use messages::{AttachmentView, FileRefused, Post, Reader, open_file};
use range::Wanted;
use store::Caller;

const SANDBOX: &str = "sandbox; default-src 'none'";

/// The bytes of an answer. What is dropped half-way was read no further.
pub type FileBody = BoxStream<'static, Result<Bytes, std::io::Error>>;

/// What to answer.
pub enum Served {
    /// 200, or 206 with a part.
    File(Response<FileBody>),
    /// 304: the asker has it.
    Known(Response<()>),
    /// 416: the range begins after the end; the value of `Content-Range`.
    Beyond(HeaderValue),
}

/// Answers a `GET` with these headers for the file, if it is `reader`'s. Reads no content before the first byte is asked for.
pub async fn serve(post: &Post, who: &Caller, reader: Reader<'_>, id: AttachmentId, headers: &HeaderMap) -> Result<Served, FileRefused> {
    let open = open_file(post, who, reader, id).await?;
    let (size, etag) = (open.file.received, etag(&open.file));
    if range::is_known(headers, &etag) {
        return Ok(Served::Known(built(describe(Response::builder().status(StatusCode::NOT_MODIFIED), &open.file, &etag), ())));
    }
    let (status, part) = match range::wanted(headers, size, &etag) {
        Wanted::Beyond => return Ok(Served::Beyond(number_value(format!("bytes */{size}")))),
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
    };
    let mut answer = describe(Response::builder().status(status), &open.file, &etag).header(header::CONTENT_LENGTH, part.end - part.start);
    if status == StatusCode::PARTIAL_CONTENT {
        answer = answer.header(header::CONTENT_RANGE, format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1)));
    }
    Ok(Served::File(built(answer, open.bytes(part))))
}

fn describe(answer: Builder, file: &AttachmentView, etag: &str) -> Builder {
    answer
        .header(header::CONTENT_TYPE, media_type(&file.media_type))
        .header(header::CONTENT_DISPOSITION, disposition(&file.name))
        .header(header::CONTENT_SECURITY_POLICY, SANDBOX)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, etag)
        .header(HeaderName::from_static("cross-origin-resource-policy"), "same-origin")
}

fn built<T>(answer: Builder, body: T) -> Response<T> {
    answer.body(body).expect("statuses and headers are ours, names and types in plain ASCII")
}

fn number_value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("digits and plain signs")
}

/// A strong validator: the SHA-256 of the whole file.
fn etag(file: &AttachmentView) -> String {
    format!("\"{}\"", file.sha256.as_deref().unwrap_or("none"))
}

/// As declared when it is a plain `type/subtype`, else bytes without a name.
fn media_type(declared: &str) -> &str {
    let token = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    match declared.split_once('/') {
        Some((kind, sub)) if token(kind) && token(sub) && declared.len() <= 127 => declared,
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_that_is_none_is_bytes() {
        assert_eq!(media_type("application/pdf"), "application/pdf");
        assert_eq!(media_type("text/html\r\nx: y"), "application/octet-stream");
        assert_eq!(media_type("html"), "application/octet-stream");
    }
}
