//! The compose form as it arrives: text fields within bounds, files streamed straight into the draft.
//!
//! What would surprise you: the form is read in the order of the page, so a file may come before the fields below it. The
//! form's token comes first of all, and no file is taken before it was checked.

use super::{answer, form_file};
use crate::{Web, csrf, guard::Member, problems::Problems, stop::Stop};
use kernel::{MAX_BODY_BYTES, MAX_FORM_BYTES, MessageId};
use messages::DraftText;
use poem::{
    Body, FromRequest, Request, RequestBody,
    error::ReadBodyError,
    web::{Field, Multipart},
};
use std::pin::pin;
use tokio::io::AsyncReadExt;

/// Parts of one form; more than the page has fields and a message has files.
const MAX_PARTS: usize = 500;
/// Bytes kept of a one-line field: enough to show what was typed, however wrong it is.
const KEPT_LINE_BYTES: usize = 16 * 1024;
/// Bytes kept of the addresses: a thousand long ones, so that the page can say how many are too many.
const KEPT_TO_BYTES: usize = 256 * 1024;
/// Bytes of text fields that are read (and mostly dropped) before we hang up.
const MAX_TEXT_READ: u64 = 64 * 1024 * 1024;

/// What somebody typed.
#[derive(Default)]
pub struct Typed {
    pub text: DraftText,
    /// Never part of the draft.
    pub password: String,
    /// The revision that the window last saw; `None` overwrites.
    pub seen: Option<i64>,
    /// Made with a blank page, so that sending it twice sends once.
    pub once: String,
    /// Fields that came cut, and files that were not taken.
    pub problems: Problems,
    /// The token of the form.
    pub form: String,
}

/// What somebody posted, and the draft that its files hang on, if there is one already.
pub struct Posted {
    pub typed: Typed,
    pub draft: Option<MessageId>,
}

/// Reads the form of `req`; its files go to `draft`, or to one started for them.
pub async fn read(web: &Web, member: &Member, req: &Request, body: Body, draft: Option<MessageId>) -> Result<Posted, Stop> {
    let mut posted = Posted { typed: Typed::default(), draft };
    let kind = req.content_type().and_then(|kind| kind.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "multipart/form-data" => read_parts(web, member, req, body, &mut posted).await?,
        "application/x-www-form-urlencoded" => read_fields(body, &mut posted.typed).await?,
        _ => return Err(Stop::NotAForm),
    }
    csrf::check(web, &member.browser, req.headers(), &posted.typed.form)?;
    Ok(posted)
}

async fn read_fields(body: Body, typed: &mut Typed) -> Result<(), Stop> {
    let bytes = body.into_bytes_limit(MAX_FORM_BYTES).await.map_err(|e| match e {
        ReadBodyError::PayloadTooLarge => Stop::TooLarge,
        _ => Stop::Broken,
    })?;
    for (name, value) in url::form_urlencoded::parse(&bytes).take(MAX_PARTS) {
        let total = value.len() as u64;
        typed.put(&name, cut(value.into_owned(), kept(&name)), total);
    }
    Ok(())
}

async fn read_parts(web: &Web, member: &Member, req: &Request, body: Body, posted: &mut Posted) -> Result<(), Stop> {
    let mut parts = Multipart::from_request(req, &mut RequestBody::new(body)).await.map_err(|_| Stop::NotAForm)?;
    let mut text_read = 0;
    for _ in 0..MAX_PARTS {
        let Some(part) = parts.next_field().await.map_err(|_| Stop::Broken)? else { return Ok(()) };
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(form_file::unescaped) {
            Some(file) if !file.is_empty() => {
                csrf::check(web, &member.browser, req.headers(), &posted.typed.form)?;
                form_file::take(web, member, posted, &file, part).await?;
            }
            Some(_) => {}
            None => {
                let (value, total) = read_text(part, kept(&name), &mut text_read).await?;
                posted.typed.put(&name, value, total);
            }
        }
    }
    Err(Stop::TooLarge)
}

fn kept(field: &str) -> usize {
    match field {
        // A little more than fits, so that the room can say by how much it is too long.
        "body" => MAX_BODY_BYTES + KEPT_LINE_BYTES,
        "to" => KEPT_TO_BYTES,
        _ => KEPT_LINE_BYTES,
    }
}

/// The beginning of a field, and how many bytes it had.
async fn read_text(part: Field, keep: usize, read_before: &mut u64) -> Result<(String, u64), Stop> {
    let mut reader = pin!(part.into_async_read());
    let (mut bytes, mut total) = (Vec::new(), 0u64);
    let mut buffer = vec![0; 8 * 1024];
    loop {
        let n = reader.read(&mut buffer).await.map_err(|_| Stop::Broken)?;
        if n == 0 {
            break;
        }
        total += n as u64;
        *read_before += n as u64;
        if *read_before > MAX_TEXT_READ {
            return Err(Stop::TooLarge);
        }
        let room = keep.saturating_sub(bytes.len()).min(n);
        bytes.extend_from_slice(&buffer[..room]);
    }
    Ok((String::from_utf8_lossy(&bytes).into_owned(), total))
}

fn cut(mut text: String, keep: usize) -> String {
    let mut end = text.len().min(keep);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

impl Typed {
    /// `total` bytes came; `value` is what was kept of them.
    fn put(&mut self, name: &str, value: String, total: u64) {
        if total > kept(name) as u64 {
            self.problems.add(name, format_args!("This has {total} bytes, far more than fits. What is shown is its beginning."));
        }
        let text = &mut self.text;
        match name {
            "form" => self.form = value,
            "revision" => self.seen = value.trim().parse().ok(),
            "once" => self.once = value.chars().filter(char::is_ascii_alphanumeric).take(64).collect(),
            "password" => self.password = value,
            "to" => text.to = value,
            "subject" => text.subject = value,
            "body" => text.body = value,
            "proof" => text.proof = value,
            "hint" => text.hint = value,
            "expires_days" => text.expires_days = value,
            "remind_days" => text.remind_days = value,
            "send_at" => text.send_at = value,
            "accept_first" => text.accept_first = true,
            "hide_sender" => text.hide_sender = true,
            "show_subject" => text.show_subject = true,
            "notify_opened" => text.notify_opened = true,
            _ => {}
        }
    }
    /// Whether anything was written that a person would miss.
    pub fn is_blank(&self) -> bool {
        let text = &self.text;
        [&text.to, &text.subject, &text.body].iter().all(|t| t.trim().is_empty())
    }
}

/// Which of the compose page's buttons was pressed on a page whose draft has no address yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Save,
    Attach,
    Send,
}

impl Then {
    pub fn of(req: &Request) -> Then {
        match answer::query(req, "then").as_str() {
            "send" => Then::Send,
            "files" => Then::Attach,
            _ => Then::Save,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_ten_mebibytes_is_cut_and_said() {
        let mut typed = Typed::default();
        typed.put("subject", cut("é".repeat(5 << 20), kept("subject")), 10 << 20);
        assert_eq!(typed.text.subject.len(), KEPT_LINE_BYTES);
        assert!(typed.problems.about("subject").contains("10485760 bytes"));
    }

    #[test]
    fn fields_land_where_they_belong_and_strange_ones_nowhere() {
        let mut typed = Typed::default();
        for (name, value) in
            [("to", "a@b.example"), ("accept_first", "on"), ("revision", "7"), ("once", "ab-c!9"), ("admin", "1"), ("password", "geheim")]
        {
            typed.put(name, value.to_owned(), value.len() as u64);
        }
        assert_eq!(typed.text, DraftText { to: "a@b.example".into(), accept_first: true, ..DraftText::default() });
        assert_eq!((typed.seen, typed.once.as_str(), typed.password.as_str()), (Some(7), "abc9", "geheim"));
        assert!(!typed.problems.any());
    }
}
