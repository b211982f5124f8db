//! The compose form as it arrives: text fields within bounds, files streamed straight into the draft.
//!
//! What would surprise you: the form is read in the order of the page, so a file may come before the fields below it. The
//! form's token comes first of all, and no file is taken before it was checked.

use super::{answer, form_file};
use crate::{Web, csrf, form, guard::Member, kept, kept::Kept, multipart, problems::Problems, stop::Stop};
use kernel::{AttachmentId, MAX_KEPT_FORM_BYTES, MessageId};
use messages::DraftText;
use poem::{Body, Request, RequestBody, web::Field};

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
    /// The revision that the window last saw; none from a page whose draft had no address yet.
    pub seen: Option<i64>,
    /// Somebody who was told of a newer text wants this one all the same.
    pub mine: bool,
    /// Made with a blank page, so that sending it twice sends once.
    pub once: String,
    /// Ids of the files that the window listed; `None`: it did not say.
    pub shown: Option<String>,
    /// Files that came with this form.
    pub taken: Vec<AttachmentId>,
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
    match multipart::kind(req).to_ascii_lowercase().as_str() {
        "multipart/form-data" => read_parts(web, member, req, body, &mut posted).await?,
        "application/x-www-form-urlencoded" => read_fields(req, body, &mut posted.typed).await?,
        _ => return Err(Stop::NotAForm),
    }
    csrf::check(web, &member.browser, req.headers(), &posted.typed.form)?;
    Ok(posted)
}

async fn read_fields(req: &Request, body: Body, typed: &mut Typed) -> Result<(), Stop> {
    let fields = form::read(req, &mut RequestBody::new(body), MAX_KEPT_FORM_BYTES).await?;
    for (name, value) in fields.iter() {
        typed.put(name, kept::beginning(value, most(name)).to_owned(), value.len() as u64);
    }
    if fields.cut {
        typed.problems.add("body", "This is more than a form may hold. What is shown is its beginning.");
    }
    Ok(())
}

/// Whatever stops it, the text below is read on, so that all of it can be given back.
async fn read_parts(web: &Web, member: &Member, req: &Request, body: Body, posted: &mut Posted) -> Result<(), Stop> {
    let kept = Kept::of(req);
    kept.in_parts();
    let mut parts = multipart::parts(req, body).await?;
    let (mut budget, mut stopped) = (MAX_TEXT_READ, None);
    for _ in 0..MAX_PARTS {
        let Some(part) = parts.next_field().await.map_err(|_| Stop::Broken)? else { return stopped.map_or(Ok(()), Err) };
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(form_file::unescaped) {
            Some(file) if !file.is_empty() => {
                kept.file(&file);
                if stopped.is_none() {
                    stopped = take_file(web, member, req, posted, &file, part).await.err();
                }
            }
            Some(_) => {}
            None => {
                let (value, total) = multipart::text(part, most(&name), &mut budget).await?;
                kept.field(&name, &value);
                posted.typed.put(&name, value, total);
            }
        }
    }
    posted.typed.problems.add("attachments", "These are more files than a form may carry, so the last were not taken.");
    stopped.map_or(Ok(()), Err)
}

async fn take_file(web: &Web, member: &Member, req: &Request, posted: &mut Posted, name: &str, part: Field) -> Result<(), Stop> {
    csrf::check(web, &member.browser, req.headers(), &posted.typed.form)?;
    form_file::take(web, member, posted, name, part).await
}

/// Bytes kept of a field.
fn most(field: &str) -> usize {
    match field {
        // More than fits, so that what is too long comes back to be shortened.
        "body" => MAX_KEPT_FORM_BYTES,
        "to" => KEPT_TO_BYTES,
        _ => KEPT_LINE_BYTES,
    }
}

impl Typed {
    /// `total` bytes came; `value` is what was kept of them.
    fn put(&mut self, name: &str, value: String, total: u64) {
        if total > most(name) as u64 {
            self.problems.add(name, format_args!("This has {total} bytes, far more than fits. What is shown is its beginning."));
        }
        let text = &mut self.text;
        match name {
            "form" => self.form = value,
            "revision" => self.seen = value.trim().parse().ok(),
            "shown" => self.shown = Some(value),
            "mine" => self.mine = true,
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
    /// The revision that must still be the draft's when this is saved; `None` overwrites.
    pub fn goes_on_from(&self) -> Option<i64> {
        self.seen.filter(|_| !self.mine)
    }
    /// Whether the window knew of this file; it goes along with what is sent.
    pub fn knows(&self, file: AttachmentId) -> bool {
        let id = file.to_string();
        self.taken.contains(&file) || self.shown.as_ref().is_none_or(|shown| shown.split(' ').any(|one| one == id))
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
        typed.put("subject", kept::beginning(&"é".repeat(5 << 20), most("subject")).to_owned(), 10 << 20);
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
