//! The TLS handshake: first the ClientHello alone, then the configuration of the name it asks for, then the rest.

use crate::{
    TlsConn,
    challenges::ACME_TLS,
    door::Shown,
    turns::{Turn, Turns},
};
use rustls::server::{Acceptor, ClientHello};
use std::{future::Future, io};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::{LazyConfigAcceptor, StartHandshake, server::TlsStream};

/// RFC 8446 §6 and RFC 6066 §3: a fatal alert, `unrecognized_name` (112), before any version was agreed.
const UNRECOGNIZED_NAME: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70];

/// How a handshake ended well.
pub enum Shaken<S> {
    With(Box<TlsStream<S>>, TlsConn),
    /// A CA has seen what it came for.
    Checked,
}

/// Shakes hands for one of our names. The caller holds the clock.
pub async fn shake<S>(shown: &Shown, turns: &Turns, stream: S) -> io::Result<Shaken<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    if asks_for_a_challenge(&start.client_hello()) {
        return answer_the_ca(shown, turns, start).await;
    }
    let name = start.client_hello().server_name().map(str::to_owned);
    let Some(certified) = shown.names.find(name.as_deref()).await else {
        return Err(refuse(start).await);
    };
    // Waiting for a ClientHello costs nothing; from here on it costs signatures.
    let turn = turns.take().await;
    let stream = in_turn(&turn, start.into_stream(certified.config.clone())).await?;
    drop(turn);
    let connection = stream.get_ref().1;
    let conn = TlsConn {
        name: connection.server_name().map(str::to_ascii_lowercase),
        shown: certified.names.clone(),
        asks: certified.asks,
        version: connection.protocol_version(),
        cipher: connection.negotiated_cipher_suite(),
        http2: connection.alpn_protocol() == Some(b"h2"),
        client_certificates: connection
            .peer_certificates()
            .map(|chain| chain.iter().map(|c| c.clone().into_owned()).collect())
            .unwrap_or_default(),
    };
    Ok(Shaken::With(Box::new(stream), conn))
}

/// RFC 8737 §3: that protocol and no other.
fn asks_for_a_challenge(hello: &ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|mut offered| offered.next() == Some(ACME_TLS) && offered.next().is_none())
}

/// Shows the challenge's certificate and hangs up: nothing else is ever said over such a connection.
async fn answer_the_ca<S>(shown: &Shown, turns: &Turns, start: StartHandshake<S>) -> io::Result<Shaken<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = start.client_hello().server_name().map(str::to_ascii_lowercase);
    let config = match (&shown.challenges, name) {
        (Some(challenges), Some(name)) => challenges.handshake(&name).await,
        _ => None,
    };
    let Some(config) = config else { return Err(refuse(start).await) };
    let turn = turns.take().await;
    in_turn(&turn, start.into_stream(config)).await?.shutdown().await?;
    Ok(Shaken::Checked)
}

/// The rest of a handshake, unless its turn is given up for another.
async fn in_turn<T>(turn: &Turn<'_>, rest: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::select! {
        biased;
        done = rest => done,
        () = turn.given_up() => Err(io::Error::new(io::ErrorKind::TimedOut, "a handshake that took long while others waited")),
    }
}

async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(mut start: StartHandshake<S>) -> io::Error {
    let _ = start.io.write_all(&UNRECOGNIZED_NAME).await;
    let _ = start.io.shutdown().await;
    io::Error::new(io::ErrorKind::NotFound, "a ClientHello for a name that is not ours")
}
