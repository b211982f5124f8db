//! The TLS handshake: first the ClientHello alone, then the configuration of the name it asks for, then the rest.

use crate::{Names, TlsConn};
use rustls::server::Acceptor;
use std::io;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::Semaphore,
};
use tokio_rustls::{LazyConfigAcceptor, StartHandshake, server::TlsStream};

/// RFC 8446 §6 and RFC 6066 §3: a fatal alert, `unrecognized_name` (112), before any version was agreed.
const UNRECOGNIZED_NAME: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70];

/// Shakes hands for one of our names. The caller holds the clock.
pub async fn shake<S>(names: &Names, turns: &Semaphore, stream: S) -> io::Result<(TlsStream<S>, TlsConn)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let Some(certified) = names.pick(start.client_hello().server_name()) else {
        return Err(refuse(start).await);
    };
    // Waiting for a ClientHello costs nothing; from here on it costs signatures.
    let _turn = turns.acquire().await.map_err(io::Error::other)?;
    let stream = start.into_stream(certified.config.clone()).await?;
    let connection = stream.get_ref().1;
    let conn = TlsConn {
        name: connection.server_name().map(str::to_ascii_lowercase),
        shown: certified.names.clone(),
        version: connection.protocol_version(),
        cipher: connection.negotiated_cipher_suite(),
        http2: connection.alpn_protocol() == Some(b"h2"),
        client_certificates: connection
            .peer_certificates()
            .map(|chain| chain.iter().map(|c| c.clone().into_owned()).collect())
            .unwrap_or_default(),
    };
    Ok((stream, conn))
}

async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(mut start: StartHandshake<S>) -> io::Error {
    let _ = start.io.write_all(&UNRECOGNIZED_NAME).await;
    let _ = start.io.shutdown().await;
    io::Error::new(io::ErrorKind::NotFound, "a ClientHello for a name that is not ours")
}
