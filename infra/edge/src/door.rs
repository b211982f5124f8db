//! What all connections of a site share: the endpoint, whom it believes, and the limits.

use crate::{
    Arrivals, Challenges, Draining, ForwardedBy, Names, TlsConn, closing::Closing, forwarded, http, misdirected, paced, plain, watched,
};
use futures_util::StreamExt;
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
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::sync::Semaphore;

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
    pub(crate) handshakes: Semaphore,
    pub(crate) protocols: http::Protocols,
    pub(crate) draining: Draining,
    arrivals: Arrivals,
    pub(crate) closing: Closing,
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

impl<E: Endpoint<Output = Response>> Door<E> {
    pub fn new(site: E, settings: Settings, shown: Option<Shown>, draining: Draining) -> Door<E> {
        let (handshakes, closing) = (Semaphore::new(MAX_HANDSHAKES), Closing::default());
        Door { site, settings, shown, handshakes, protocols: http::Protocols::new(), draining, arrivals: Arrivals::default(), closing }
    }

    /// Whether connections of `peer` are not counted by its address, and begin with a PROXY protocol header.
    pub fn is_balancer(&self, peer: IpAddr) -> bool {
        self.settings.proxy_protocol.iter().any(|network| network.contains(peer))
    }
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.settings.trusted_proxies.iter().any(|network| network.contains(peer))
    }

    pub async fn answer(&self, line: &Line, mut req: hyper::Request<hyper::body::Incoming>, request: watched::InProgress) -> http::Answer {
        let answer = match (&line.tls, &self.shown) {
            _ if !misdirected::is_well_formed(&req) => misdirected::not_a_request(),
            (None, Some(shown)) => plain::answer(shown, self.settings.https_port, &req).await,
            (Some(tls), _) if misdirected::says_just(&req, tls) => self.ask_the_site(line, req, &request).await,
            (Some(tls), _) => match misdirected::authority(&req).filter(|asked| misdirected::meant_for(asked, tls)) {
                None => misdirected::answer(),
                Some(asked) => {
                    give_a_host(&mut req, &asked);
                    self.ask_the_site(line, req, &request).await
                }
            },
            (None, None) => self.ask_the_site(line, req, &request).await,
        };
        let (mut parts, body) = hyper::Response::from(answer).into_parts();
        let says_goodbye = line.tls.as_ref().is_some_and(|tls| tls.http2);
        if self.closing.has_begun() && !says_goodbye {
            // The peer's next request then comes on a new connection, to whoever listens by then.
            parts.headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        }
        hyper::Response::from_parts(parts, request.carrying(body))
    }

    async fn ask_the_site(&self, line: &Line, mut req: hyper::Request<hyper::body::Incoming>, request: &watched::InProgress) -> Response {
        let by = self.settings.forwarded_by;
        let client = forwarded::client(line.peer.ip(), req.headers(), by, &self.settings.trusted_proxies);
        let remote = if client == line.peer.ip() { line.peer } else { SocketAddr::new(client, 0) };
        let scheme = if line.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        if let Some(tls) = &line.tls {
            req.extensions_mut().insert(tls.clone());
        }
        let (local, remote) = (LocalAddr(Addr::SocketAddr(line.local)), RemoteAddr(Addr::SocketAddr(remote)));
        let mut req = Request::from((req, local, remote, scheme));
        let most = (self.settings.body_limit)(req.uri().path());
        let slow = paced::pace(&mut req, most, request.pulse(), &self.arrivals);
        req.set_data(self.arrivals.clone());
        self.ending_streams(slow.told(self.site.get_response(req).await))
    }

    /// Event streams end when the server goes; browsers come back by themselves. Everything else may finish.
    fn ending_streams(&self, mut answer: Response) -> Response {
        let streams = answer.headers().get(header::CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"text/event-stream"));
        if streams {
            let events = answer.take_body().into_bytes_stream().take_until(Box::pin(self.closing.wait_owned()));
            answer.set_body(Body::from_bytes_stream(events));
        }
        answer
    }
}

/// HTTP/2 says the host in `:authority`; handlers read `Host`.
fn give_a_host(req: &mut hyper::Request<hyper::body::Incoming>, asked: &Authority) {
    if !req.headers().contains_key(header::HOST)
        && let Ok(value) = asked.as_str().parse()
    {
        req.headers_mut().insert(header::HOST, value);
    }
}
