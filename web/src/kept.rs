//! What was typed into a form, kept beside the request until it is answered: where the form cannot be taken now, the page that says so
//! gives it back in a form that sends it again.
//!
//! What would surprise you: passwords and files are never given back. That form asks for them once more, and sends nothing without them.

use crate::{form, multipart};
use poem::{Request, RequestBody, http::Method};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Fields that a person reads, with what the page calls them; a second line means that the text may have many.
const READ: [(&str, &str, bool); 8] = [
    ("to", "To", true),
    ("subject", "Subject", false),
    ("body", "Message", true),
    ("reply", "Reply", true),
    ("reason", "Reason", false),
    ("name", "Name", false),
    ("email", "E-mail address", false),
    ("key_name", "Name of the key", false),
];
const SECRET: [(&str, &str); 2] = [("old_password", "Present password, once more"), ("password", "Password, once more")];
/// Rows of a text area.
const ROWS: usize = 8;

/// Clones share what is kept.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Came>>);

#[derive(Default)]
struct Came {
    fields: Vec<(String, String)>,
    /// Names of files.
    files: Vec<String>,
    multipart: bool,
}

/// A form that sends again what came.
pub struct Again {
    pub action: String,
    pub multipart: bool,
    pub hidden: Vec<(String, String)>,
    pub read: Vec<Line>,
    pub secret: Vec<(&'static str, &'static str)>,
    /// "a.pdf, b.pdf"; empty if none came.
    pub files: String,
}

/// A field that is given back to be read and changed.
pub struct Line {
    pub name: &'static str,
    pub label: &'static str,
    pub text: String,
    /// 0 for a single line.
    pub rows: usize,
}

impl Kept {
    /// Those of the request; the frame puts them there.
    pub fn of(req: &Request) -> Kept {
        req.data::<Kept>().cloned().unwrap_or_default()
    }
    pub fn field(&self, name: &str, value: &str) {
        self.lock().fields.push((name.to_owned(), value.to_owned()));
    }
    pub fn file(&self, name: &str) {
        self.lock().files.push(name.to_owned());
    }
    pub fn in_parts(&self) {
        self.lock().multipart = true;
    }
    fn lock(&self) -> MutexGuard<'_, Came> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything came that a person would miss.
    pub fn is_blank(&self) -> bool {
        self.lock().fields.iter().all(|(name, text)| !READ.iter().any(|(read, ..)| read == name) || text.trim().is_empty())
    }
    /// The form that sends it to `action` again; none where no form came. `token` replaces the form's own.
    pub fn again(&self, action: &str, token: Option<&str>) -> Option<Again> {
        let came = self.lock();
        if came.fields.is_empty() {
            return None;
        }
        let first = |name: &str| came.fields.iter().find(|(found, _)| found == name).map(|(_, text)| text.as_str());
        let known = |name: &str| READ.iter().any(|(read, ..)| *read == name) || SECRET.iter().any(|(secret, _)| *secret == name);
        let lines = READ.iter().filter_map(|&(name, label, long)| {
            let text = first(name)?.to_owned();
            let rows = if long { text.lines().count().clamp(2, ROWS) } else { 0 };
            Some(Line { name, label, text, rows })
        });
        let hidden = came.fields.iter().filter(|(name, _)| !known(name)).cloned().map(|(name, value)| match token {
            Some(token) if name == "form" => (name, token.to_owned()),
            _ => (name, value),
        });
        Some(Again {
            action: action.to_owned(),
            multipart: came.multipart,
            hidden: hidden.collect(),
            read: lines.collect(),
            secret: SECRET.into_iter().filter(|(name, _)| first(name).is_some_and(|typed| !typed.is_empty())).collect(),
            files: came.files.iter().map(|name| kernel::shown(name, 60)).collect::<Vec<_>>().join(", "),
        })
    }
}

/// Reads the form of a request that gets no further, so that it can be given back.
pub async fn keep(req: &Request, body: &mut RequestBody) {
    if *req.method() != Method::POST {
        return;
    }
    // What cannot be read is not given back: the answer says what went wrong before it.
    if multipart::is(req) {
        let _ = multipart::keep(req, body).await;
    } else {
        let _ = form::read(req, body, kernel::MAX_KEPT_FORM_BYTES).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(fields: &[(&str, &str)]) -> Kept {
        let kept = Kept::default();
        for (name, value) in fields {
            kept.field(name, value);
        }
        kept
    }

    #[test]
    fn what_was_typed_comes_back_but_for_secrets_and_files() {
        let kept = came(&[("form", "old"), ("to", "bob@example.org"), ("body", "a\nb\nc"), ("proof", "r2"), ("password", "blue heron")]);
        kept.file("a\u{202e}.pdf");
        let again = kept.again("/drafts?then=send", Some("new")).unwrap();
        assert_eq!(again.hidden, [("form".to_owned(), "new".to_owned()), ("proof".to_owned(), "r2".to_owned())]);
        assert_eq!(
            again.read.iter().map(|line| (line.name, line.text.as_str(), line.rows)).collect::<Vec<_>>(),
            [("to", "bob@example.org", 2), ("body", "a\nb\nc", 3)]
        );
        assert_eq!(again.secret, [("password", "Password, once more")]);
        assert_eq!(again.files, "a[U+202E].pdf");
    }

    #[test]
    fn a_button_alone_is_nothing_that_was_typed() {
        assert!(came(&[("form", "x"), ("recipient", "rcp_1"), ("body", " ")]).is_blank());
        assert!(!came(&[("reply", "Dear Ana")]).is_blank());
        assert!(Kept::default().again("/", None).is_none());
    }
}
