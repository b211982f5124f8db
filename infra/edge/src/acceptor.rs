//! The accept loops of a site's listeners, and the way out: first `/ready` says so, then the doors close, then requests finish.

use crate::{
    Challenges, Names, Shared,
    connection::{Kind, hold},
    door::{Door, Settings, Shown},
    places::Places,
};
use kernel::Fault;
use poem::{Endpoint, Response};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// After an error of `accept` that is not the peer's: out of file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A site's open doors.
pub struct Doors {
    /// Without `tls` the site itself; with it, it sends people on to https.
    pub plain: Option<TcpListener>,
    pub tls: Option<Listening>,
}

/// A TLS listener and the names it has certificates for.
pub struct Listening {
    pub listener: TcpListener,
    pub names: Names,
    /// Where CAs that check a name are answered.
    pub challenges: Option<Challenges>,
}

impl Doors {
    /// Serves `site` until `stop`, then drains: requests in progress may finish within `settings.drain`.
    pub async fn serve<E>(self, site: E, settings: Settings, shared: Shared, stop: CancellationToken) -> Result<(), Fault>
    where
        E: Endpoint<Output = Response> + 'static,
    {
        let (notice, drain) = (settings.drain_notice, settings.drain);
        let places = Places::new(settings.max_connections, settings.max_connections_per_address);
        let (tls, shown) = self.tls.map(|tls| (tls.listener, Shown { names: tls.names, challenges: tls.challenges })).unzip();
        let door = Arc::new(Door::new(site, settings, shown, shared));
        let (connections, shut) = (TaskTracker::new(), CancellationToken::new());
        let taking = async {
            tokio::join!(
                take_all(self.plain, Kind::Plain, &door, &places, &connections, &shut),
                take_all(tls, Kind::Tls, &door, &places, &connections, &shut)
            );
        };
        let leaving = async {
            stop.cancelled().await;
            door.shared.draining.begin();
            tokio::time::sleep(notice).await;
            shut.cancel();
        };
        tokio::join!(taking, leaving);
        door.closing.begin();
        connections.close();
        finish(connections, drain).await;
        Ok(())
    }
}

async fn take_all<E>(
    listener: Option<TcpListener>,
    kind: Kind,
    door: &Arc<Door<E>>,
    places: &Places,
    connections: &TaskTracker,
    shut: &CancellationToken,
) where
    E: Endpoint<Output = Response> + 'static,
{
    let Some(listener) = listener else { return };
    while let Some(accepted) = shut.run_until_cancelled(places.room(listener.accept())).await {
        let Some(stream) = take(accepted).await else { continue };
        let Some(place) = places.take() else { continue };
        connections.spawn(hold(door.clone(), kind, stream, place));
    }
}

async fn take(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<TcpStream> {
    match accepted {
        Ok((stream, _)) => {
            // Answers are written whole; waiting to fill a packet only delays them.
            let _ = stream.set_nodelay(true);
            Some(stream)
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

async fn finish(connections: TaskTracker, within: Duration) {
    tracing::info!(open = connections.len(), "no new connections; finishing what is in progress");
    if tokio::time::timeout(within, connections.wait()).await.is_err() {
        tracing::warn!(seconds = within.as_secs(), "some requests did not finish in time and are cut off");
    }
}
