//! A browser without scripts: keeps cookies, and sends forms with the hidden fields of the page it shows.

use crate::{Answer, Ask, Body, Door};
use edge::TlsConn;
use poem::http::{Method, header};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Names and values of a form.
pub type Fields<'f> = [(&'f str, &'f str)];

/// A file chosen in a form.
pub struct File<'f> {
    /// As the form carries it, not escaped.
    pub name: &'f str,
    pub media_type: &'f str,
    pub bytes: &'f [u8],
}

pub const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0";
const FORM: &str = "application/x-www-form-urlencoded";
const BOUNDARY: &str = "a line that stands in no file";

/// Clones share cookies and page: they are windows of one browser.
#[derive(Clone)]
pub struct Browser {
    pub door: Door,
    pub address: IpAddr,
    /// What it calls the site; nothing: the site's own host.
    host: Option<String>,
    /// What its handshake with that host left.
    tls: Option<Arc<TlsConn>>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Clone, Default)]
struct Kept {
    cookies: BTreeMap<String, String>,
    /// Hidden fields of the newest page.
    form: Option<String>,
    nonce: Option<String>,
}

impl Browser {
    pub fn new(door: Door, address: IpAddr) -> Browser {
        Browser { door, address, host: None, tls: None, kept: Arc::default() }
    }

    /// The same person's browser at another host, which has cookies of its own there.
    pub fn at_host(&self, host: &str) -> Browser {
        Browser { host: Some(host.to_owned()), kept: Arc::default(), ..self.clone() }
    }

    /// The same over a connection of which the handshake left this; inside the process alone.
    pub fn over(&self, tls: TlsConn) -> Browser {
        Browser { tls: Some(Arc::new(tls)), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], Body::None).await
    }

    /// Posts the fields together with the hidden ones of the newest page.
    pub async fn press(&self, path: &str, fields: &Fields<'_>) -> Answer {
        self.post(path, &[&self.hidden_fields()[..], &owned(fields)].concat()).await
    }

    /// The same by a script of the page, which wants JSON.
    pub async fn script(&self, path: &str, fields: &Fields<'_>) -> Answer {
        let body = encoded(&[&self.hidden_fields()[..], &owned(fields)].concat());
        self.ask(Method::POST, path, &[("content-type", FORM), ("accept", "application/json")], Body::Whole(body.into())).await
    }

    /// Posts exactly these fields.
    pub async fn post(&self, path: &str, fields: &[(String, String)]) -> Answer {
        self.ask(Method::POST, path, &[("content-type", FORM)], Body::Whole(encoded(fields).into())).await
    }

    /// A form with files, the hidden fields first, as the page has them.
    pub async fn press_with_files(&self, path: &str, fields: &Fields<'_>, files: &[File<'_>]) -> Answer {
        let body = multipart(&[&self.hidden_fields()[..], &owned(fields)].concat(), files);
        self.send_multipart(path, Body::Whole(body)).await
    }
    /// As [`Browser::press_with_files`], but the connection breaks after `keep` bytes.
    pub async fn break_off(&self, path: &str, fields: &Fields<'_>, files: &[File<'_>], keep: usize) -> Answer {
        let mut body = multipart(&[&self.hidden_fields()[..], &owned(fields)].concat(), files);
        body.truncate(keep);
        self.send_multipart(path, Body::Breaks(body)).await
    }
    async fn send_multipart(&self, path: &str, body: Body) -> Answer {
        self.ask(Method::POST, path, &[("content-type", &format!("multipart/form-data; boundary=\"{BOUNDARY}\""))], body).await
    }

    /// A piece of a file, sent by the page's script.
    pub async fn put(&self, path: &str, body: Body) -> Answer {
        let form = self.kept().form.clone().unwrap_or_default();
        self.ask(Method::PUT, path, &[("x-form", &form)], body).await
    }

    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut ask = Ask::new(method, path, self.address).header("user-agent", FIREFOX);
        ask.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        if let Some(host) = &self.host {
            ask = ask.header("host", host);
        }
        let cookies = self.cookie_line();
        if !cookies.is_empty() {
            ask = ask.header("cookie", &cookies);
        }
        ask.body = body;
        ask.tls = self.tls.clone();
        let answer = self.door.ask(ask).await;
        self.keep(&answer);
        answer
    }

    /// As the header has it.
    pub fn cookie_line(&self) -> String {
        self.kept().cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.kept().cookies.insert(name.to_owned(), value.to_owned());
    }
    /// Another browser that holds the same cookies and shows the same page now, and goes its own way from here.
    pub fn copy(&self) -> Browser {
        let kept = self.kept().clone();
        Browser { kept: Arc::new(Mutex::new(kept)), ..self.clone() }
    }
    /// The hidden fields of the newest page that had any.
    pub fn hidden_fields(&self) -> Vec<(String, String)> {
        let kept = self.kept();
        [("form", &kept.form), ("nonce", &kept.nonce)]
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
            .collect()
    }

    fn keep(&self, answer: &Answer) {
        let mut kept = self.kept();
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().expect("our cookies are ASCII");
            let (name, rest) = line.split_once('=').expect("a cookie has a name");
            match line.contains("Max-Age=0") {
                true => kept.cookies.remove(name),
                false => kept.cookies.insert(name.to_owned(), rest.split(';').next().unwrap_or_default().to_owned()),
            };
        }
        if let Some(form) = answer.hidden("form") {
            kept.form = Some(form);
        }
        if let Some(nonce) = answer.hidden("nonce") {
            kept.nonce = Some(nonce);
        }
    }
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn owned(fields: &Fields<'_>) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn encoded(fields: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// As browsers write it (HTML, "multipart/form-data encoding"): quotes and line breaks of names as `%22`, `%0D`, `%0A`.
fn multipart(fields: &[(String, String)], files: &[File<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    for File { name, media_type, bytes } in files {
        let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let head = format!("name=\"file\"; filename=\"{name}\"\r\nContent-Type: {media_type}");
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n").bytes());
        body.extend_from_slice(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}
