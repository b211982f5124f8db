//! What all connections of a site share: the endpoint, whom it believes, and the limits.

use crate::{
    Challenges, ForwardedBy, Names, Shared, TlsConn, answers::Answers, closing::Closing, forwarded, http, misdirected, paced, plain,
    pulse::Pulse, turns::Turns, watched,
};
use futures_util::StreamExt;
use hyper::body::{Body as _, Incoming};
use kernel::Network;
use poem::{
    Addr, Body, Endpoint, Request, Response,
    http::{
        header,
        uri::{Authority, Scheme},
    },
    web::{LocalAddr, RemoteAddr},
};
use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// Handshakes worked on at one time; more wait their turn, for as long as a handshake may take.
const MAX_HANDSHAKES: usize = 1_024;

/// What the operator set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose `forwarded_by` header is believed.
    pub trusted_proxies: Vec<Network>,
    pub forwarded_by: ForwardedBy,
    /// Peers whose connections begin with a PROXY protocol header.
    pub proxy_protocol: Vec<Network>,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    /// From being told to stop to closing the door.
    pub drain_notice: Duration,
    /// From closing the door to cutting off what is not finished.
    pub drain: Duration,
    /// The port that browsers use for https, where it is not 443.
    pub https_port: Option<u16>,
    /// Most bytes of a request's body, by its path: a backstop above the doors' own bounds.
    pub body_limit: fn(&str) -> u64,
}

/// One site. The listeners and connections hold it together.
pub struct Door<E> {
    pub(crate) site: E,
    pub(crate) settings: Settings,
    pub(crate) shown: Option<Shown>,
    pub(crate) handshakes: Turns,
    pub(crate) protocols: http::Protocols,
    pub(crate) shared: Shared,
    pub(crate) closing: Closing,
    pub(crate) answers: Answers,
}

/// What the TLS listener shows, and to whom the plain one answers.
pub struct Shown {
    pub names: Names,
    pub challenges: Option<Challenges>,
}

/// The connection that a request came on.
pub struct Line {
    pub local: SocketAddr,
    /// The socket's peer, or whom the balancer named in its PROXY protocol header.
    pub peer: SocketAddr,
    pub tls: Option<Arc<TlsConn>>,
}

/// What becomes of a request.
#[expect(clippy::large_enum_variant, reason = "nearly every request is the large one")]
enum Next {
    /// It was answered at once.
    Said(Response),
    /// It came to the plain listener of a site that has a TLS one.
    Plain(hyper::Request<Incoming>),
    /// It goes to the site, its body watched if it has one.
    Site(Request, Option<paced::TooSlow>),
}

impl<E: Endpoint<Output = Response>> Door<E> {
    pub fn new(site: E, settings: Settings, shown: Option<Shown>, shared: Shared) -> Door<E> {
        let (handshakes, closing) = (Turns::new(MAX_HANDSHAKES), Closing::default());
        Door { site, settings, shown, handshakes, protocols: http::Protocols::new(), shared, closing, answers: Answers::default() }
    }

    /// Whether connections of `peer` are not counted by its address, and begin with a PROXY protocol header.
    pub fn is_balancer(&self, peer: IpAddr) -> bool {
        self.settings.proxy_protocol.iter().any(|network| network.contains(peer))
    }
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.settings.trusted_proxies.iter().any(|network| network.contains(peer))
    }

    /// The answer to `req`. All that can be told at once is told before the future is made, which is moved and so better small.
    pub fn answer(
        self: &Arc<Self>,
        line: &Line,
        req: hyper::Request<Incoming>,
        request: watched::InProgress,
    ) -> impl Future<Output = http::Answer> + Send + use<E>
    where
        E: 'static,
    {
        let (door, next) = (self.clone(), self.sort(line, req, request.pulse()));
        async move {
            let mut answer = match next {
                Next::Said(answer) => answer,
                Next::Plain(req) => match &door.shown {
                    Some(shown) => plain::answer(shown, door.settings.https_port, &req).await,
                    None => misdirected::answer(),
                },
                Next::Site(req, slow) => {
                    let answer = door.site.call(req).await.unwrap_or_else(|error| error.into_response());
                    match slow {
                        Some(slow) => slow.told(answer),
                        None => answer,
                    }
                }
            };
            door.end_streams(&mut answer);
            let mut answer = hyper::Response::from(answer);
            // In HTTP/2 the connection itself says goodbye.
            if door.closing.has_begun() && !request.pulse().is_framed() {
                // The peer's next request then comes on a new connection, to whoever listens by then.
                answer.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            }
            answer.map(|body| request.carrying(body))
        }
    }

    fn sort(&self, line: &Line, mut req: hyper::Request<Incoming>, pulse: &Arc<Pulse>) -> Next {
        if !misdirected::is_well_formed(&req) {
            return Next::Said(misdirected::not_a_request());
        }
        match &line.tls {
            None if self.shown.is_some() => return Next::Plain(req),
            None => {}
            Some(tls) if misdirected::says_just(&req, tls) => {}
            Some(tls) => match misdirected::authority(&req).filter(|asked| misdirected::meant_for(asked, tls)) {
                None => return Next::Said(misdirected::answer()),
                Some(asked) => give_a_host(&mut req, &asked),
            },
        }
        self.for_the_site(line, req, pulse)
    }

    fn for_the_site(&self, line: &Line, mut req: hyper::Request<Incoming>, pulse: &Arc<Pulse>) -> Next {
        let by = self.settings.forwarded_by;
        let client = forwarded::client(line.peer.ip(), req.headers(), by, &self.settings.trusted_proxies);
        let remote = if client == line.peer.ip() { line.peer } else { SocketAddr::new(client, 0) };
        let scheme = if line.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        if let Some(tls) = &line.tls {
            req.extensions_mut().insert(tls.clone());
        }
        let bodied = !req.body().is_end_stream();
        let (local, remote) = (LocalAddr(Addr::SocketAddr(line.local)), RemoteAddr(Addr::SocketAddr(remote)));
        let mut req = Request::from((req, local, remote, scheme));
        let slow = bodied.then(|| {
            let most = (self.settings.body_limit)(req.uri().path());
            paced::pace(&mut req, most, pulse, &self.shared.arrivals)
        });
        Next::Site(req, slow)
    }

    /// Event streams end when the server goes; browsers come back by themselves. Everything else may finish.
    fn end_streams(&self, answer: &mut Response) {
        let streams = answer.headers().get(header::CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"text/event-stream"));
        if streams {
            let events = answer.take_body().into_bytes_stream().take_until(Box::pin(self.closing.wait_owned()));
            answer.set_body(Body::from_bytes_stream(events));
        }
    }
}

/// HTTP/2 says the host in `:authority`; handlers read `Host`.
fn give_a_host(req: &mut hyper::Request<Incoming>, asked: &Authority) {
    if !req.headers().contains_key(header::HOST)
        && let Ok(value) = asked.as_str().parse()
    {
        req.headers_mut().insert(header::HOST, value);
    }
}
