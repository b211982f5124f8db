//! A door of the site: of the server assembled in this process, or of one that runs by itself and is asked over loopback.

use countersign::App;
use edge::TlsConn;
use futures_util::{StreamExt, stream};
use poem::{
    Addr, Endpoint, EndpointExt, Request, RequestParts, Response,
    endpoint::BoxEndpoint,
    http::{self, HeaderMap, Method, StatusCode, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::sync::Notify;

/// Cheap to clone.
#[derive(Clone)]
pub enum Door {
    Inside(Arc<BoxEndpoint<'static, Response>>),
    Wire { base: String, client: reqwest::Client },
}

/// One request.
#[derive(Clone)]
pub struct Ask {
    pub method: Method,
    /// With the query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    /// Whose address the listener would see; over the wire it is loopback whatever stands here.
    pub from: IpAddr,
    /// What a handshake left; inside the process alone.
    pub tls: Option<Arc<TlsConn>>,
}

#[derive(Clone, Default)]
pub enum Body {
    #[default]
    None,
    Whole(Vec<u8>),
    /// These bytes, then the connection breaks.
    Breaks(Vec<u8>),
    /// The first bytes; the others once somebody says so.
    Waits(Vec<u8>, Arc<Notify>, Vec<u8>),
}

/// An answer, read to its end (but for an event stream, which has none).
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Door {
    pub fn inside(app: &App) -> Door {
        Door::Inside(Arc::new(app.endpoint().boxed()))
    }
    /// `base` as in `http://127.0.0.1:8080`.
    pub fn wire(base: &str) -> Door {
        countersign::install_cryptography();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        Door::Wire { base: base.to_owned(), client: client.expect("a plain client can be made") }
    }

    pub async fn ask(&self, ask: Ask) -> Answer {
        self.try_ask(ask).await.unwrap_or_else(|why| panic!("no answer: {why}"))
    }

    /// `Err` when the connection broke before an answer had come in full; never so inside the process.
    pub async fn try_ask(&self, ask: Ask) -> Result<Answer, String> {
        match self {
            Door::Inside(endpoint) => Ok(read(endpoint.get_response(request(ask)).await).await),
            Door::Wire { base, client } => over_the_wire(base, client, ask).await.map_err(|e| format!("{e:?}")),
        }
    }
}

fn request(ask: Ask) -> Request {
    let mut plain = http::Request::builder().method(ask.method).uri(&ask.path).body(()).expect("a test asks for an address").into_parts().0;
    for (name, value) in &ask.headers {
        let name: http::HeaderName = name.parse().expect("a header's name");
        plain.headers.append(name, http::HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"));
    }
    if let Body::Whole(bytes) = &ask.body {
        plain.headers.insert("content-length", bytes.len().into());
    }
    let local = LocalAddr(Addr::SocketAddr(SocketAddr::from((Ipv4Addr::LOCALHOST, 80))));
    let remote = RemoteAddr(Addr::SocketAddr(SocketAddr::new(ask.from, 50_000)));
    let body = match ask.body {
        Body::None => poem::Body::empty(),
        Body::Whole(bytes) => poem::Body::from_vec(bytes),
        Body::Breaks(bytes) => poem::Body::from_bytes_stream(breaking(bytes)),
        Body::Waits(first, go, rest) => poem::Body::from_bytes_stream(waiting(first, go, rest)),
    };
    let mut request = Request::from_parts(RequestParts::from((plain, local, remote, Scheme::HTTP)), body);
    if let Some(tls) = ask.tls {
        request.set_data(tls);
    }
    request
}

fn breaking(bytes: Vec<u8>) -> impl futures_util::Stream<Item = io::Result<Vec<u8>>> {
    let mut pieces: Vec<io::Result<Vec<u8>>> = bytes.chunks(50_000).map(|piece| Ok(piece.to_vec())).collect();
    pieces.push(Err(io::Error::from(io::ErrorKind::ConnectionReset)));
    // A piece at a time, as a network has it: whoever reads gets to work on one before the next is there.
    stream::iter(pieces).then(async |piece| {
        tokio::task::yield_now().await;
        piece
    })
}

fn waiting(first: Vec<u8>, go: Arc<Notify>, rest: Vec<u8>) -> impl futures_util::Stream<Item = io::Result<Vec<u8>>> + Unpin {
    let rest = async move {
        go.notified().await;
        Ok(rest)
    };
    Box::pin(stream::once(async move { Ok(first) }).chain(stream::once(rest)))
}

async fn read(answer: Response) -> Answer {
    let (parts, body) = answer.into_parts();
    let endless = parts.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let bytes = if endless { Vec::new() } else { body.into_vec().await.expect("the server's own stream does not break") };
    Answer { status: parts.status, headers: parts.headers, bytes }
}

async fn over_the_wire(base: &str, client: &reqwest::Client, ask: Ask) -> reqwest::Result<Answer> {
    let mut request = client.request(ask.method, format!("{base}{}", ask.path));
    for (name, value) in &ask.headers {
        request = request.header(name, value);
    }
    let request = match ask.body {
        Body::None => request,
        Body::Whole(bytes) => request.body(bytes),
        Body::Breaks(bytes) => request.body(reqwest::Body::wrap_stream(breaking(bytes))),
        Body::Waits(first, go, rest) => request.body(reqwest::Body::wrap_stream(waiting(first, go, rest))),
    };
    let answer = request.send().await?;
    Ok(Answer { status: answer.status(), headers: answer.headers().clone(), bytes: answer.bytes().await?.to_vec() })
}

impl Ask {
    pub fn new(method: Method, path: &str, from: IpAddr) -> Ask {
        Ask { method, path: path.to_owned(), headers: Vec::new(), body: Body::None, from, tls: None }
    }
    pub fn header(mut self, name: &str, value: &str) -> Ask {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
    pub fn body(mut self, content_type: &str, bytes: impl Into<Vec<u8>>) -> Ask {
        self.body = Body::Whole(bytes.into());
        self.header("content-type", content_type)
    }
}

impl Answer {
    /// Fails with the answer's text unless the status is this.
    #[track_caller]
    pub fn is(self, status: u16) -> Answer {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("{} is no JSON ({e}): {}", self.status, self.text()))
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or("?"))
    }
    /// Where a 303 leads.
    #[track_caller]
    pub fn to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text());
        self.header("location")
    }
    pub fn shows(&self, text: &str) -> bool {
        self.text().contains(text)
    }
    /// Value of the first hidden field of that name.
    pub fn hidden(&self, name: &str) -> Option<String> {
        self.after(&format!(r#"type="hidden" name="{name}" value=""#))
    }
    /// What stands between `before` and the next quote or tag.
    pub fn after(&self, before: &str) -> Option<String> {
        let text = self.text();
        let (_, rest) = text.split_once(before)?;
        Some(rest.split(['"', '<']).next().unwrap_or_default().to_owned())
    }
    /// The last part of a problem's type (RFC 9457), for answers of the API.
    #[track_caller]
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let kind = self.json()["type"].as_str().expect("a problem has a type").to_owned();
        kind.rsplit('/').next().unwrap_or_default().to_owned()
    }
    /// Which fields of a request to the API were wrong.
    pub fn pointers(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().filter_map(|error| error["pointer"].as_str().map(str::to_owned)).collect()
    }
}
