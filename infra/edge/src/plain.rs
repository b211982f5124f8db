//! The plain listener of a site that is served over TLS: it sends people on to https, and only for names that are ours.
//!
//! What would surprise you: a form or a program that speaks plain HTTP is refused instead of sent on. Its secret was already readable on
//! the way here; an answer that works would hide that for ever.

use crate::{
    door::Shown,
    misdirected::{self, say},
};
use poem::{
    Response,
    http::{Method, StatusCode, header},
};

/// RFC 8555 §8.3.
const CHALLENGES: &str = "/.well-known/acme-challenge/";

pub async fn answer<B>(shown: &Shown, https_port: Option<u16>, req: &hyper::Request<B>) -> Response {
    let Some(host) = misdirected::authority(req).map(|asked| misdirected::bare(&asked)) else {
        return misdirected::answer();
    };
    let path = req.uri().path_and_query().map_or("/", |path| path.as_str());
    if let (Some(challenges), Some(token)) = (&shown.challenges, path.strip_prefix(CHALLENGES)) {
        // Before the name has a certificate it is in no other table of ours.
        return match challenges.text(&host, token).await.filter(|_| req.method() == Method::GET) {
            Some(text) => Response::builder().content_type("application/octet-stream").header(header::CACHE_CONTROL, "no-store").body(text),
            None => say(StatusCode::NOT_FOUND, "There is no such challenge.\n"),
        };
    }
    if !shown.names.knows(&host) {
        return misdirected::answer();
    }
    let program = path == "/v1" || path.starts_with("/v1/");
    if program || !matches!(*req.method(), Method::GET | Method::HEAD) {
        return say(StatusCode::FORBIDDEN, "This site speaks https only. Nothing was done; what you sent came unencrypted.\n");
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let port = https_port.map(|port| format!(":{port}")).unwrap_or_default();
    let mut answer = say(StatusCode::PERMANENT_REDIRECT, "This site is at its https address.\n");
    if let Ok(to) = format!("https://{host}{port}{path}").parse() {
        answer.headers_mut().insert(header::LOCATION, to);
    }
    answer
}
