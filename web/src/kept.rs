//! What was typed into a form, kept beside the request until it is answered: where the form cannot be taken now, the page that says so
//! gives it back in a form that sends it again.
//!
//! What would surprise you: passwords and files are never given back. That form asks for them once more, and sends nothing without them.
//! And strangers post as well: much is kept only of a browser that carries a cookie of ours, and given back to few at a time.

use crate::{TenantHost, Web, csrf, form, multipart};
use bytes::Bytes;
use futures_util::stream;
use poem::{Body, Request, RequestBody, Response, http::Method};
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Fields that a person reads, with what the page calls them; a second line means that the text may have many.
const READ: [(&str, &str, bool); 11] = [
    ("to", "To", true),
    ("subject", "Subject", false),
    ("body", "Message", true),
    ("reply", "Reply", true),
    ("reason", "Reason", false),
    ("name", "Name", false),
    ("email", "E-mail address", false),
    ("key_name", "Name of the key", false),
    ("chain", "Certificate of the authority", true),
    ("lists", "Addresses of the lists of revoked certificates", true),
    ("crl_grace_hours", "Hours that an old list still counts", false),
];
const SECRET: [(&str, &str); 3] = [
    ("file_password", "Password for the file, once more"),
    ("old_password", "Present password, once more"),
    ("password", "Password, once more"),
];
/// Rows of a text area.
const ROWS: usize = 8;

/// Long forms that are read to be given back, or on their way back, at a time.
const LONG_AT_ONCE: usize = 3;
/// What a field weighs beside its letters.
const FIELD_BYTES: usize = 64;
/// Handed on at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Bytes that are kept of a form.
#[derive(Clone, Copy)]
struct Room {
    all: usize,
    /// Of one field.
    field: usize,
    /// As they come: a letter may be nine bytes of a form.
    raw: usize,
}
/// Of anybody's.
const SHORT: Room = Room { all: 32 * 1024, field: 24 * 1024, raw: 96 * 1024 };
/// Where the browser carries a session's or a visit's cookie: a full text, and room for the other fields.
const LONG: Room = Room { all: kernel::MAX_BODY_BYTES + 256 * 1024, field: kernel::MAX_BODY_BYTES, raw: kernel::MAX_FORM_BYTES };

/// KiB of long forms that are held at a time, while they arrive and until they are answered: strangers post as well.
const FORMS_KIB: usize = 64 * 1024;

/// Places for long forms. Clones share them.
#[derive(Clone)]
pub struct Places {
    back: Arc<Semaphore>,
    forms: Arc<Semaphore>,
}

/// What a long form takes; given back when dropped.
pub type FormRoom = OwnedSemaphorePermit;

impl Default for Places {
    fn default() -> Places {
        Places { back: Arc::new(Semaphore::new(LONG_AT_ONCE)), forms: Arc::new(Semaphore::new(FORMS_KIB)) }
    }
}

impl Places {
    /// Room for so many more bytes of a form that arrives; `None`: other forms have it.
    pub fn room(&self, bytes: usize) -> Option<FormRoom> {
        self.forms.clone().try_acquire_many_owned(u32::try_from(bytes.div_ceil(1024)).ok()?).ok()
    }
}

/// Clones share what is kept.
#[derive(Clone)]
pub struct Kept {
    came: Arc<Mutex<Came>>,
    places: Places,
}

struct Came {
    fields: Vec<(String, String)>,
    /// Names of files.
    files: Vec<String>,
    multipart: bool,
    room: Room,
    used: usize,
    /// More came than is here.
    cut: bool,
    place: Option<OwnedSemaphorePermit>,
}

impl Came {
    fn new(room: Room) -> Came {
        Came { fields: Vec::new(), files: Vec::new(), multipart: false, room, used: 0, cut: false, place: None }
    }
    /// What fits of a text, if there is room for any.
    fn fitting<'t>(&mut self, name: &str, text: &'t str) -> Option<&'t str> {
        let left = self.room.all.saturating_sub(self.used + name.len() + FIELD_BYTES);
        let kept = beginning(text, left.min(self.room.field));
        self.cut |= kept.len() < text.len();
        if left == 0 {
            self.cut = true;
            return None;
        }
        self.used += name.len() + kept.len() + FIELD_BYTES;
        Some(kept)
    }
    fn add(&mut self, name: &str, text: &str) {
        if let Some(kept) = self.fitting(name, text) {
            self.fields.push((name.to_owned(), kept.to_owned()));
        }
    }
    /// Lets go of what is more than short.
    fn shorten(&mut self) {
        let fields = std::mem::take(&mut self.fields);
        (self.room, self.used) = (SHORT, 0);
        fields.iter().for_each(|(name, text)| self.add(name, text));
    }
}

/// The first `bytes` of a text, less if they would end within a letter.
pub fn beginning(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
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
    /// It is the beginning of what came.
    pub cut: bool,
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
    /// `known`: the browser carries a cookie that we gave to somebody.
    pub fn new(known: bool, places: &Places) -> Kept {
        Kept { came: Arc::new(Mutex::new(Came::new(if known { LONG } else { SHORT }))), places: places.clone() }
    }
    /// Those of the request; the frame puts them there.
    pub fn of(req: &Request) -> Kept {
        req.data::<Kept>().cloned().unwrap_or_else(|| Kept::new(false, &Places::default()))
    }
    pub fn field(&self, name: &str, value: &str) {
        self.lock().add(name, value);
    }
    pub fn file(&self, name: &str) {
        let mut came = self.lock();
        if let Some(name) = came.fitting("", name) {
            came.files.push(name.to_owned());
        }
    }
    pub fn in_parts(&self) {
        self.lock().multipart = true;
    }
    /// More came than was read.
    pub fn was_cut(&self) {
        self.lock().cut = true;
    }
    /// Bytes worth reading of one field: what is kept, and one more to see that it was cut.
    pub fn most_of_a_field(&self) -> usize {
        self.lock().room.field + 1
    }
    fn lock(&self) -> MutexGuard<'_, Came> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before a long form is held for somebody whom nobody let in yet: takes a place, or keeps little. Bytes of the form to read.
    fn take_place(&self) -> usize {
        let mut came = self.lock();
        if came.place.is_none() && came.room.all > SHORT.all {
            came.place = self.places.back.clone().try_acquire_owned().ok();
            if came.place.is_none() {
                came.shorten();
            }
        }
        came.room.raw
    }
    /// The answer keeps the place, if there is one, until all of it was taken.
    pub fn held_until_taken(&self, mut answer: Response) -> Response {
        let Some(place) = self.lock().place.take() else { return answer };
        let bytes = answer.take_body();
        answer.set_body(Body::from_bytes_stream(stream::unfold(
            (Some(bytes), Bytes::new(), place),
            |(body, mut rest, place)| async move {
                if let Some(body) = body {
                    match body.into_bytes().await {
                        Ok(bytes) => rest = bytes,
                        Err(e) => return Some((Err(io::Error::other(e)), (None, Bytes::new(), place))),
                    }
                }
                let piece = rest.split_to(rest.len().min(PIECE_BYTES));
                (!piece.is_empty()).then_some((Ok(piece), (None, rest, place)))
            },
        )));
        answer
    }

    /// Whether anything came that a person would miss.
    pub fn is_blank(&self) -> bool {
        self.lock().fields.iter().all(|(name, text)| !READ.iter().any(|(read, ..)| read == name) || text.trim().is_empty())
    }
    /// The form that sends it to `action` again; none where no form came. `token` replaces the form's own.
    pub fn again(&self, action: &str, token: Option<&str>) -> Option<Again> {
        if self.lock().used > SHORT.all {
            self.take_place();
        }
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
            cut: came.cut,
        })
    }
}

/// Reads the form of a request that gets no further, so that it can be given back; only if it stood on a page of ours.
pub async fn keep(web: &Web, req: &Request, body: &mut RequestBody) {
    if *req.method() != Method::POST || !csrf::from_our_pages(req.headers(), &web.origins, TenantHost::of(req)) {
        return;
    }
    let raw = Kept::of(req).take_place();
    // What cannot be read is not given back: the answer says what went wrong before it.
    if multipart::is(req) {
        let _ = multipart::keep(req, body).await;
    } else {
        let _ = form::read(req, body, raw).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(fields: &[(&str, &str)]) -> Kept {
        let kept = Kept::new(true, &Places::default());
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
        assert!(came(&[]).again("/", None).is_none());
    }

    #[test]
    fn of_a_stranger_little_is_kept_and_of_anybody_no_more_than_fits() {
        let text = |kept: &Kept| kept.again("/", None).map(|again| (again.read[0].text.len(), again.cut)).unwrap();
        let long = "é".repeat(4 << 20);
        let (places, mut kept) = (Places::default(), Vec::new());
        let stranger = Kept::new(false, &places);
        stranger.field("body", &long);
        assert_eq!(text(&stranger), (SHORT.field, true));
        for _ in 0..LONG_AT_ONCE {
            kept.push(Kept::new(true, &places));
            kept.last().unwrap().field("body", &long);
            assert_eq!(text(kept.last().unwrap()), (LONG.field, true));
        }
        let one_more = Kept::new(true, &places);
        one_more.field("body", &long);
        assert_eq!(text(&one_more), (SHORT.field, true), "few at a time");
        kept.clear();
        let next = Kept::new(true, &places);
        next.field("body", "é");
        assert_eq!(text(&next), (2, false));
        (0..1_000_000).for_each(|_| next.field("x", ""));
        assert!(next.lock().fields.len() < LONG.all / FIELD_BYTES, "names weigh something too");
    }

    #[tokio::test]
    async fn an_answer_keeps_its_place_until_it_was_taken() {
        let places = Places::default();
        let kept = Kept::new(true, &places);
        kept.take_place();
        let answer = kept.held_until_taken(Response::builder().body("x".repeat(200_000)));
        drop(kept);
        assert_eq!(places.back.available_permits(), LONG_AT_ONCE - 1);
        assert_eq!(answer.into_body().into_bytes().await.unwrap().len(), 200_000);
        assert_eq!(places.back.available_permits(), LONG_AT_ONCE);
    }
}
