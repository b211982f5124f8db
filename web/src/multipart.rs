//! A form with files (RFC 7578), read part by part.
//!
//! What would surprise you: the heads of the parts are mended before anybody parses them. A file name with a control character in it, or
//! in another encoding than UTF-8, would otherwise end the reading, and all that was typed would be gone with it.

use crate::{kept::Kept, stop::Stop};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use poem::{
    Body, FromRequest, Request, RequestBody,
    web::{Field, Multipart},
};
use std::{io, pin::pin};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

/// Stands for a control character in a head: one too, so the name is still refused, but one that a parser takes.
const MENDED: char = '\u{80}';
/// Bytes of one part's head; ours have some hundred.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Bytes of a form that is read only to be given back.
const MAX_READ_BYTES: u64 = 16 * 1024 * 1024;
const READ_BYTES: usize = 64 * 1024;

pub fn is(req: &Request) -> bool {
    kind(req).eq_ignore_ascii_case("multipart/form-data")
}

/// The media type of what came, without its parameters.
pub fn kind(req: &Request) -> &str {
    req.content_type().and_then(|kind| kind.split(';').next()).unwrap_or_default().trim()
}

/// The parts of the form.
pub async fn parts(req: &Request, body: Body) -> Result<Multipart, Stop> {
    let body = match req.content_type().and_then(boundary) {
        Some(boundary) => {
            let bytes = ReaderStream::with_capacity(body.into_async_read(), READ_BYTES);
            Body::from_bytes_stream(mended(bytes.boxed(), &boundary))
        }
        None => body,
    };
    Multipart::from_request(req, &mut RequestBody::new(body)).await.map_err(|_| Stop::NotAForm)
}

/// RFC 2046 §5.1.1.
fn boundary(kind: &str) -> Option<String> {
    let (_, rest) = kind.split_once("boundary=")?;
    let text = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(';').next()?.trim(),
    };
    (1..=70).contains(&text.len()).then(|| text.to_owned())
}

/// Where in the form the reader stands.
enum At {
    Start,
    Content,
    Head,
    /// Past the last part, or in something that is no form: left as it is.
    Rest,
}

struct Mending<S> {
    bytes: S,
    /// Not handed on yet.
    held: BytesMut,
    delimiter: Vec<u8>,
    at: At,
    ended: bool,
}

/// The same form with heads that can be parsed. Holds back no more than a head or a delimiter.
fn mended<S>(bytes: S, boundary: &str) -> impl Stream<Item = io::Result<Bytes>> + Send + use<S>
where
    S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
{
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let mending = Mending { bytes, held: BytesMut::new(), delimiter, at: At::Start, ended: false };
    stream::unfold(mending, |mut mending| async move { Some((mending.next().await?, mending)) })
}

impl<S: Stream<Item = io::Result<Bytes>> + Unpin> Mending<S> {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if let Some(ready) = self.step() {
                return Some(Ok(ready));
            }
            if self.ended {
                let rest = self.held.split().freeze();
                return (!rest.is_empty()).then_some(Ok(rest));
            }
            match self.bytes.next().await {
                Some(Ok(more)) => self.held.extend_from_slice(&more),
                Some(Err(broken)) => return Some(Err(broken)),
                None => self.ended = true,
            }
        }
    }

    /// What can be handed on of what is held; `None` if more must come first.
    fn step(&mut self) -> Option<Bytes> {
        match self.at {
            At::Start => self.start(),
            At::Content => self.content(),
            At::Head => self.head(),
            At::Rest => (!self.held.is_empty()).then(|| self.held.split().freeze()),
        }
    }

    /// The first delimiter has no line break before it.
    fn start(&mut self) -> Option<Bytes> {
        let first = &self.delimiter[2..];
        if self.held.len() < first.len() + 2 {
            return None;
        }
        if !self.held.starts_with(first) {
            self.at = At::Content;
            return self.content();
        }
        self.at = At::Head;
        Some(self.held.split_to(self.delimiter.len() - 2).freeze())
    }

    fn content(&mut self) -> Option<Bytes> {
        match memchr::memmem::find(&self.held, &self.delimiter) {
            Some(found) => {
                let end = found + self.delimiter.len();
                let after = self.held.get(end..end + 2)?;
                self.at = if after == b"\r\n" { At::Head } else { At::Rest };
                Some(self.held.split_to(end).freeze())
            }
            None => {
                let sure = self.held.len().saturating_sub(self.delimiter.len());
                (sure > 0).then(|| self.held.split_to(sure).freeze())
            }
        }
    }

    /// Begins with the line break after the delimiter.
    fn head(&mut self) -> Option<Bytes> {
        match memchr::memmem::find(&self.held, b"\r\n\r\n") {
            Some(end) => {
                self.at = At::Content;
                let head = self.held.split_to(end + 4);
                Some(mend(&head))
            }
            None if self.held.len() > MAX_HEAD_BYTES => {
                self.at = At::Rest;
                self.step()
            }
            None => None,
        }
    }
}

fn mend(head: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(head);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {
                chars.next();
                out.push_str("\r\n");
            }
            c if c.is_control() => out.push(MENDED),
            c => out.push(c),
        }
    }
    out.into_bytes().into()
}

/// The beginning of a text field, at most `keep` bytes of it, and how many bytes it had. `budget` is what may still be read of
/// text in this form; past it there is no answer.
pub async fn text(part: Field, keep: usize, budget: &mut u64) -> Result<(String, u64), Stop> {
    let mut reader = pin!(part.into_async_read().take(*budget + 1));
    let mut bytes = Vec::new();
    (&mut reader).take(keep as u64).read_to_end(&mut bytes).await.map_err(|_| Stop::Broken)?;
    let rest = tokio::io::copy(&mut reader, &mut tokio::io::sink()).await.map_err(|_| Stop::Broken)?;
    let total = bytes.len() as u64 + rest;
    *budget = budget.checked_sub(total).ok_or(Stop::TooLarge)?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), total))
}

/// Keeps the fields, and the names of the files, of a form that gets no further; of a large one those that come first.
pub async fn keep(req: &Request, body: &mut RequestBody) -> Result<(), Stop> {
    let kept = Kept::of(req);
    kept.in_parts();
    let body = body.take().map_err(|_| Stop::Broken)?.into_async_read().take(MAX_READ_BYTES);
    let mut parts = parts(req, Body::from_async_read(body)).await?;
    let mut budget = MAX_READ_BYTES;
    while let Some(part) = parts.next_field().await.map_err(|_| Stop::Broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name() {
            Some("") => {}
            Some(file) => kept.file(file),
            None => kept.field(&name, &text(part, kept.most_of_a_field(), &mut budget).await?.0),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form, handed on in pieces of `size` bytes.
    async fn through(form: &[u8], size: usize) -> Vec<u8> {
        let pieces = form.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect::<Vec<io::Result<Bytes>>>();
        let mended: Vec<_> = mended(stream::iter(pieces), "x-1").collect().await;
        mended.into_iter().flat_map(|piece| piece.unwrap()).collect()
    }

    #[tokio::test]
    async fn heads_are_mended_and_contents_are_left_alone_however_they_are_cut() {
        let form = b"--x-1\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\na\x01b\r\n\r\n--x-2\r\n--x-1\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a\x01\xe9\x7f.pdf\"\r\n\r\n\x00\xff\r\n--x-\r\n--x-1--\r\n";
        let wanted = b"--x-1\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\na\x01b\r\n\r\n--x-2\r\n--x-1\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a\xc2\x80\xef\xbf\xbd\xc2\x80.pdf\"\r\n\r\n\x00\xff\r\n--x-\r\n--x-1--\r\n";
        for size in [1, 2, 3, 5, 7, 64, 4096] {
            assert_eq!(through(form, size).await, wanted, "{size}");
        }
    }

    #[tokio::test]
    async fn what_is_no_form_goes_through_as_it_is() {
        for other in [&b""[..], b"--x-", b"hello", b"--x-1", b"--x-1--", b"\r\n--x-1\r\nno end of a head"] {
            assert_eq!(through(other, 3).await, other);
        }
        let endless = [b"--x-1\r\n".to_vec(), vec![1; 2 * MAX_HEAD_BYTES]].concat();
        assert_eq!(through(&endless, 4096).await, endless);
    }

    #[test]
    fn a_boundary_is_read_as_browsers_and_programs_write_it() {
        assert_eq!(boundary("multipart/form-data; boundary=----WebKitFormBoundaryA1").as_deref(), Some("----WebKitFormBoundaryA1"));
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\"; charset=utf-8").as_deref(), Some("a b"));
        assert_eq!(boundary("multipart/form-data"), None);
    }
}
