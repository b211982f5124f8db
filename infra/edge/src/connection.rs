//! One connection, from its first byte to its end: perhaps a balancer's word, perhaps a handshake, then requests.

use crate::{
    door::{Door, Line},
    handshake::{self, Shaken},
    http,
    places::Place,
    proxy_protocol,
};
use poem::{Endpoint, Response};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpStream;

/// From the first moment of a connection to the end of its handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Which of the two listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Tls,
}

/// Holds one connection until either side is done with it.
pub async fn hold<E>(door: Arc<Door<E>>, kind: Kind, stream: TcpStream, place: Place)
where
    E: Endpoint<Output = Response> + 'static,
{
    if let Err(error) = pass(&door, kind, stream, place).await {
        // A peer that hangs up, dawdles or talks garbage is not our fault and not worth more than a whisper.
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn pass<E>(door: &Arc<Door<E>>, kind: Kind, mut stream: TcpStream, mut place: Place) -> io::Result<()>
where
    E: Endpoint<Output = Response> + 'static,
{
    let (local, socket) = (stream.local_addr()?, stream.peer_addr()?);
    let by_when = tokio::time::Instant::now() + HANDSHAKE_TIME;
    let Some(peer) = tokio::time::timeout_at(by_when, who(door, &mut stream, socket, &mut place)).await?? else {
        metrics::counter!("countersign_connections_refused_total", "why" => "share").increment(1);
        return Ok(());
    };
    let shown = door.shown.as_ref().filter(|_| kind == Kind::Tls);
    let Some(shown) = shown else {
        return http::serve(door, Line { local, peer, tls: None }, stream).await;
    };
    let shaken = tokio::time::timeout_at(by_when, handshake::shake(shown, &door.handshakes, stream)).await;
    let shaken = shaken.unwrap_or_else(|late| Err(late.into())).inspect_err(|_| {
        metrics::counter!("countersign_handshakes_total", "end" => "failed").increment(1);
    })?;
    match shaken {
        Shaken::With(stream, tls) => {
            metrics::counter!("countersign_handshakes_total", "end" => "done").increment(1);
            http::serve(door, Line { local, peer, tls: Some(Arc::new(tls)) }, *stream).await
        }
        Shaken::Checked => {
            metrics::counter!("countersign_handshakes_total", "end" => "challenge").increment(1);
            Ok(())
        }
    }
}

/// Whose connection this is; `None`: they have their share.
async fn who<E>(door: &Door<E>, stream: &mut TcpStream, socket: SocketAddr, place: &mut Place) -> io::Result<Option<SocketAddr>>
where
    E: Endpoint<Output = Response>,
{
    let named = if door.is_balancer(socket.ip()) { proxy_protocol::read(stream).await?.unwrap_or(socket) } else { socket };
    let shared = named == socket && (door.is_balancer(socket.ip()) || door.is_proxy(socket.ip()));
    Ok((shared || place.belongs_to(named.ip())).then_some(named))
}
