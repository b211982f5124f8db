//! Listening: our own accept loop over hyper, with the deadlines and caps that poem's server lacks.
//!
//! What would surprise you: plain HTTP/1.1 only. Whoever wants HTTP/2 comes over TLS, and `hyper_util`'s version detection
//! has no deadline of its own. On the way out `/ready` says so first, then the door closes, then requests finish.

mod connection;
mod draining;
mod forwarded;
mod paced;
mod places;
mod stalled;

use crate::{App, front::Front};
use connection::{Door, hold};
use hyper_util::server::graceful::GracefulShutdown;
use kernel::Fault;
use places::Places;
use std::{io, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use draining::Draining;

/// After an error of `accept` that is not the peer's: out of file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl App {
    /// Serves the site until `stop`, then drains: requests in progress may finish within the configured time.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) -> Result<(), Fault> {
        self.serve_front(self.endpoint(), listener, stop).await
    }

    pub(crate) async fn serve_front(&self, front: Front, listener: TcpListener, stop: CancellationToken) -> Result<(), Fault> {
        let config = &self.config.listen;
        let closing = CancellationToken::new();
        let door = Arc::new(Door::new(front, config, listener.local_addr()?, closing.clone())?);
        let places = Places::new(config.max_connections, config.max_connections_per_address);
        let (connections, graceful) = (TaskTracker::new(), GracefulShutdown::new());
        let notice = async {
            stop.cancelled().await;
            self.draining.begin();
            tokio::time::sleep(Duration::from_secs(config.drain_notice_seconds)).await;
        };
        tokio::pin!(notice);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut notice => break,
                accepted = places.room(listener.accept()) => accepted,
            };
            if let Some((stream, place)) = take(accepted, &places, &door).await {
                connections.spawn(hold(door.clone(), stream, place, graceful.watcher()));
            }
        }
        drop(listener);
        closing.cancel();
        connections.close();
        finish(connections, graceful, Duration::from_secs(config.drain_seconds)).await;
        Ok(())
    }
}

async fn take(accepted: io::Result<(TcpStream, std::net::SocketAddr)>, places: &Places, door: &Door) -> Option<(TcpStream, places::Place)> {
    match accepted {
        Ok((stream, peer)) => {
            let place = places.take(peer.ip(), door.trusts(peer.ip()))?;
            // Answers are written whole; waiting to fill a packet only delays them.
            let _ = stream.set_nodelay(true);
            Some((stream, place))
        }
        Err(error) => {
            if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
                tracing::warn!(%error, "cannot take a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            None
        }
    }
}

async fn finish(connections: TaskTracker, graceful: GracefulShutdown, within: Duration) {
    let open = connections.len();
    tracing::info!(open, "no new connections; finishing what is in progress");
    let all = async {
        graceful.shutdown().await;
        connections.wait().await;
    };
    if tokio::time::timeout(within, all).await.is_err() {
        tracing::warn!(seconds = within.as_secs(), "some requests did not finish in time and are cut off");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;
    use futures_util::StreamExt;
    use poem::{
        EndpointExt, Request,
        endpoint::{make, make_sync},
        get, post,
    };
    use std::net::SocketAddr;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        task::JoinHandle,
    };

    struct Served {
        _town: Town,
        address: SocketAddr,
        stop: CancellationToken,
        server: JoinHandle<Result<(), Fault>>,
    }

    /// A site with `/x/echo`, which answers the body it was sent.
    async fn served(change: impl FnOnce(&mut crate::Config)) -> Served {
        let town = Town::with(change).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let echo = make(|mut req: Request| async move { req.take_body().into_string().await.unwrap_or_else(|e| e.to_string()) });
        let endless = make_sync(|_| {
            let events =
                futures_util::stream::once(async { Ok::<_, std::io::Error>("data: 1\n\n") }).chain(futures_util::stream::pending());
            poem::Response::builder().content_type("text/event-stream").body(poem::Body::from_bytes_stream(events))
        });
        let front = town.app.endpoint_with(|route| route.at("/x/echo", post(echo.boxed())).at("/x/events", get(endless)));
        let (app, told) = (town.app.clone(), stop.clone());
        let server = tokio::spawn(async move { app.serve_front(front, listener, told).await });
        Served { _town: town, address, stop, server }
    }

    async fn say(stream: &mut TcpStream, text: &str) {
        stream.write_all(text.as_bytes()).await.unwrap();
    }
    async fn hear(stream: &mut TcpStream) -> String {
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        all
    }

    #[tokio::test]
    async fn a_request_in_progress_finishes_on_the_way_out_and_ready_says_so() {
        let Served { _town, address, stop, server } = served(|config| config.listen.drain_notice_seconds = 1).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        say(&mut stream, "POST /x/echo HTTP/1.1\r\nhost: h\r\ncontent-length: 8\r\n\r\nhalf").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.cancel();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut probe = TcpStream::connect(address).await.unwrap();
        say(&mut probe, "GET /ready HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
        assert!(hear(&mut probe).await.starts_with("HTTP/1.1 503"));
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert!(TcpStream::connect(address).await.is_err(), "the door is closed");
        assert!(!server.is_finished(), "somebody is still inside");
        say(&mut stream, "half").await;
        let answer = hear(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("halfhalf"), "{answer}");
        tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    }

    #[tokio::test]
    async fn an_event_stream_does_not_hold_up_the_way_out() {
        let Served { _town, address, stop, server } = served(|_| {}).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        say(&mut stream, "GET /x/events HTTP/1.1\r\nhost: h\r\n\r\n").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        stop.cancel();
        assert!(hear(&mut stream).await.contains("data: 1"));
        tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    }

    #[tokio::test]
    async fn who_does_not_finish_in_time_is_cut_off() {
        let Served { _town, address, stop, server } = served(|config| config.listen.drain_seconds = 1).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        say(&mut stream, "POST /x/echo HTTP/1.1\r\nhost: h\r\ncontent-length: 8\r\n\r\nhalf").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    }

    // Not under a paused clock: SQLite works on other threads, so time would run away before the site is up.
    #[tokio::test]
    async fn a_head_that_never_ends_is_hung_up_on() {
        let Served { _town, address, .. } = served(|_| {}).await;
        let (mut silent, mut dripping) = (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
        say(&mut dripping, "GET / HTTP/1.1\r\n").await;
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        assert!(!hear(&mut silent).await.contains("200"));
        let _ = dripping.read_to_end(&mut Vec::new()).await;
        assert!(began.elapsed() >= Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(began.elapsed() <= Duration::from_secs(40), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_head_that_is_too_large_is_refused() {
        let Served { _town, address, .. } = served(|_| {}).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(format!("GET / HTTP/1.1\r\nhost: h\r\nx: {}\r\n\r\n", "a".repeat(64 * 1024)).as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    }
}
