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
