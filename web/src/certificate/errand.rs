//! An errand: a recipient's browser goes from the pickup to the host that asks for certificates, and comes back with what was found.
//!
//! What would surprise you: nothing of it is kept. Both ways are sealed by the root key; the way back counts for one visit, and so only in
//! the browser that holds that visit's cookie. Whoever is talked into showing a certificate for another's errand opens nothing for them.

use crate::Web;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use client_certificates::{Standing, Theirs};
use kernel::VisitId;
use keys::{SealedByRoot, Token};
use messages::Certificate;
use std::time::Duration;

const THERE: &str = "certificate errand";
const BACK: &str = "certificate shown";
/// Long enough to look for a card.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// Long enough to press one button.
const LIFE_BACK: Duration = Duration::from_secs(5 * 60);
/// Longer ones are not ours: two names of 300 characters, in UTF-8 and base64.
const MAX_CHARS: usize = 5_000;

/// On the way to the asking host.
pub struct Errand {
    pub visit: VisitId,
    /// The pickup link's.
    pub link: Token,
    /// Origin at which the visit is, and its cookie.
    pub back: String,
}

impl Errand {
    /// For the asking host's address.
    pub fn seal(&self, web: &Web, host: &str) -> String {
        seal(web, THERE, host, LIFE, &format!("{}\n{}\n{}", self.visit, self.link, self.back))
    }
    /// `None`: over, changed, or another host's.
    pub fn open(web: &Web, host: &str, text: &str) -> Option<Errand> {
        let plain = open(web, THERE, host, text)?;
        let mut parts = plain.splitn(3, '\n');
        let (visit, link) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Errand { visit, link, back: parts.next()?.to_owned() })
    }
    /// The message's first page, where the errand began.
    pub fn door(&self) -> String {
        format!("{}/p/{}", self.back, self.link)
    }
    /// The way back with a certificate that was found to be the recipient's.
    pub fn done(&self, web: &Web, Theirs { shown, standing }: &Theirs) -> String {
        let plain = format!("{}\n{standing}\n{}\n{}\n{}", self.visit, hex::encode(shown.sha256), shown.subject, shown.issuer);
        format!("{}/certificate?shown={}", self.door(), seal(web, BACK, &of(&self.link), LIFE_BACK, &plain))
    }
}

/// What came back to the pickup of `link`.
pub struct CameBack {
    pub visit: VisitId,
    pub certificate: Certificate,
    /// What it counted by when it was shown.
    pub standing: Standing,
}

pub fn came_back(web: &Web, link: &Token, text: &str) -> Option<CameBack> {
    let plain = open(web, BACK, &of(link), text)?;
    let mut parts = plain.splitn(5, '\n');
    let (visit, standing) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let sha256 = hex::decode(parts.next()?).ok()?.try_into().ok()?;
    let certificate = Certificate { sha256, subject: parts.next()?.to_owned(), issuer: parts.next()?.to_owned() };
    Some(CameBack { visit, certificate, standing })
}

/// A link by its hash: what is sealed is named in faults, and the link itself must not be.
fn of(link: &Token) -> String {
    hex::encode(link.hash())
}

fn seal(web: &Web, purpose: &str, of: &str, life: Duration, plain: &str) -> String {
    let until = web.post.db.clock().now().plus(life);
    let sealed = web.post.db.roots().seal(purpose, of, format!("{} {plain}", until.0).as_bytes(), web.post.db.chance());
    URL_SAFE_NO_PAD.encode([&sealed.version.to_be_bytes()[..], &sealed.bytes].concat())
}

fn open(web: &Web, purpose: &str, of: &str, text: &str) -> Option<String> {
    if text.len() > MAX_CHARS {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (version, bytes) = bytes.split_first_chunk::<8>()?;
    let sealed = SealedByRoot { version: i64::from_be_bytes(*version), bytes: bytes.to_vec() };
    let plain = web.post.db.roots().open(purpose, of, &sealed).ok()?;
    let (until, plain) = std::str::from_utf8(&plain).ok()?.split_once(' ')?;
    (web.post.db.clock().now().0 < until.parse::<i64>().ok()?).then(|| plain.to_owned())
}
