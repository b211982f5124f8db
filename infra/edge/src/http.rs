//! HTTP/1.1 and HTTP/2 over one connection, by hyper, with our limits.

use crate::{
    deadline::{self, Leaving},
    door::{Door, Line},
    frames::WINDOW_BYTES,
    linger::Lingering,
    pulse::Pulse,
    stalled::Stalled,
    watched::{InProgress, Watched},
};
use futures_util::FutureExt;
use hyper::{body::Incoming, server::conn::http1, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use poem::{Endpoint, Response};
use std::{convert::Infallible, io, pin::Pin, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};

pub type Answer = hyper::Response<Watched>;

/// A request's head: line and headers together, and the same for HTTP/2's header list.
const MAX_HEAD_BYTES: u32 = 32 * 1024;
const MAX_HEADERS: usize = 100;
/// Requests at one time over one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;
/// Streams that the peer reset before we looked at them; one more ends the connection (CVE-2023-44487) ...
const MAX_RESET_STREAMS: usize = 20;
/// ... and that we had to reset for its errors (CVE-2025-8671).
const MAX_FAULTY_STREAMS: usize = 64;
/// Read from a socket at a time, and so the pieces of a body: enough for any line, and little to hold on to.
const MAX_READ_BYTES: usize = 128 * 1024;
/// What an upload may send before we say that there is room again: enough for 100 Mbit/s at 80 ms.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = WINDOW_BYTES as u32;
/// Of one stream's answer, copied to be sent: it is out of the sight of `watched`, which takes it for sent. So little more than one piece.
const MAX_SEND_BUFFER: usize = 16 * 1024;
/// A peer that vanished without a word is found by a ping.
const PING_AFTER: Duration = Duration::from_secs(30);
const PING_TIME: Duration = Duration::from_secs(20);

/// Both versions, ready made.
pub struct Protocols {
    one: http1::Builder,
    two: http2::Builder<TokioExecutor>,
}

impl Protocols {
    pub fn new() -> Protocols {
        let mut one = http1::Builder::new();
        one.timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_header_size(MAX_HEAD_BYTES as usize)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_READ_BYTES);
        let mut two = http2::Builder::new(TokioExecutor::new());
        two.timer(TokioTimer::new())
            .max_header_list_size(MAX_HEAD_BYTES)
            .max_concurrent_streams(MAX_STREAMS)
            .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
            .max_local_error_reset_streams(MAX_FAULTY_STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(MAX_SEND_BUFFER)
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIME);
        Protocols { one, two }
    }
}

/// Serves requests on `stream` until either side is done with it. `Err`: it ended early, and why.
pub async fn serve<E, S>(door: &Arc<Door<E>>, line: Line, stream: S) -> io::Result<()>
where
    E: Endpoint<Output = Response> + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let two = line.tls.as_ref().is_some_and(|tls| tls.http2);
    let pulse = Arc::new(Pulse::new(two, door.answers.clone()));
    let service = service_fn({
        let (door, pulse) = (door.clone(), pulse.clone());
        move |req: hyper::Request<Incoming>| door.answer(&line, req, InProgress::new(pulse.clone())).map(Ok::<_, Infallible>)
    });
    let stream = Stalled::new(stream, pulse.clone());
    if two {
        deadline::held(door.protocols.two.serve_connection(TokioIo::new(stream), service), &pulse, &door.closing).await
    } else {
        let stream = TokioIo::new(Lingering::new(stream));
        deadline::held(door.protocols.one.serve_connection(stream, service), &pulse, &door.closing).await
    }
}

impl<I, S> Leaving for http1::Connection<I, S>
where
    S: hyper::service::HttpService<Incoming, ResBody = Watched>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
    const SAYS_WHICH: bool = false;
}

impl<I, S> Leaving for http2::Connection<I, S, TokioExecutor>
where
    S: hyper::service::HttpService<Incoming, ResBody = Watched>,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
    const SAYS_WHICH: bool = true;
}
