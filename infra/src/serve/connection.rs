//! One connection: requests in, answers out, each under its deadline.

use super::{forwarded, paced, places::Place, stalled::Stalled};
use crate::{
    config::{ListenConfig, Network},
    front::Front,
};
use futures_util::StreamExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::Watcher,
};
use kernel::Fault;
use poem::{
    Addr, Body, Endpoint, Request, Response,
    http::{header, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// From the first moment of a connection, or the end of the last answer, to the last byte of the next request's head.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// A request's head: line and headers together.
const MAX_HEAD_BYTES: usize = 32 * 1024;
const MAX_HEADERS: usize = 100;

/// What all connections of one listener share.
pub struct Door {
    front: Front,
    trusted: Vec<Network>,
    local: SocketAddr,
    closing: CancellationToken,
    server: http1::Builder,
}

impl Door {
    pub fn new(front: Front, config: &ListenConfig, local: SocketAddr, closing: CancellationToken) -> Result<Door, Fault> {
        let trusted = config.trusted_proxies.iter().map(|text| text.parse()).collect::<Result<_, _>>();
        let trusted = trusted.map_err(|e: crate::config::BadNetwork| Fault::other(e.to_string()))?;
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_header_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS);
        Ok(Door { front, trusted, local, closing, server })
    }
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(peer))
    }

    async fn answer(&self, peer: SocketAddr, req: hyper::Request<Incoming>) -> Result<hyper::Response<paced::BoxBody>, Infallible> {
        let client = forwarded::client(peer.ip(), req.headers(), &self.trusted);
        let remote = if client == peer.ip() { peer } else { SocketAddr::new(client, 0) };
        let (local, remote) = (LocalAddr(Addr::SocketAddr(self.local)), RemoteAddr(Addr::SocketAddr(remote)));
        let mut req = Request::from((req, local, remote, Scheme::HTTP));
        paced::pace(&mut req);
        let answer = self.front.get_response(req).await;
        Ok(self.ending_streams(answer).into())
    }

    /// Event streams end when the server goes; browsers come back by themselves. Everything else may finish.
    fn ending_streams(&self, mut answer: Response) -> Response {
        let streams = answer.headers().get(header::CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"text/event-stream"));
        if streams {
            let closing = self.closing.clone().cancelled_owned();
            let events = answer.take_body().into_bytes_stream().take_until(Box::pin(closing));
            answer.set_body(Body::from_bytes_stream(events));
        }
        answer
    }
}

/// Holds one connection until either side is done with it.
pub async fn hold(door: Arc<Door>, stream: TcpStream, place: Place, watcher: Watcher) {
    let _place = place;
    let Ok(peer) = stream.peer_addr() else { return };
    let service = service_fn(|req| door.answer(peer, req));
    let connection = door.server.serve_connection(TokioIo::new(Stalled::new(stream)), service);
    if let Err(error) = watcher.watch(connection).await {
        // A peer that hangs up or dawdles is not our fault and not worth more than a whisper.
        tracing::debug!(%error, "a connection ended early");
    }
}
