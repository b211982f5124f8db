//! The wire beneath a connection, with a bound: a server that answers without end is cut off.

use lettre::transport::smtp::client::AsyncTokioStream;
use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes a server may say for one command of ours (Postfix's `smtp_response_limit` is the model).
pub(crate) const MAX_ANSWER_BYTES: usize = 128 * 1024;

/// What carries SMTP: TCP, or TLS over it.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin + fmt::Debug> Wire for T {}

/// A wire whose reader first sees `preface`, and never more than [`MAX_ANSWER_BYTES`] between two writes.
#[derive(Debug)]
pub(crate) struct Guarded {
    wire: Box<dyn Wire>,
    peer: SocketAddr,
    preface: &'static [u8],
    answered: usize,
}

impl Guarded {
    pub(crate) fn new(wire: Box<dyn Wire>, peer: SocketAddr, preface: &'static [u8]) -> Guarded {
        Guarded { wire, peer, preface, answered: 0 }
    }
}

impl AsyncTokioStream for Guarded {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.preface.is_empty() {
            let (now, later) = self.preface.split_at(self.preface.len().min(buf.remaining()));
            buf.put_slice(now);
            self.preface = later;
            return Poll::Ready(Ok(()));
        }
        if self.answered > MAX_ANSWER_BYTES {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the server's answer does not end")));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.wire).poll_read(cx, buf);
        self.answered += buf.filled().len() - before;
        polled
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.answered = 0;
        Pin::new(&mut self.wire).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    fn guarded(preface: &'static [u8]) -> (Guarded, tokio::io::DuplexStream) {
        let (ours, theirs) = duplex(1024);
        (Guarded::new(Box::new(ours), ([127, 0, 0, 1], 25).into(), preface), theirs)
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut_off_and_a_new_command_starts_afresh() {
        let (mut wire, mut server) = guarded(b"");
        let endless = tokio::spawn(async move { while server.write_all(&[b'x'; 512]).await.is_ok() {} });
        let mut heard = Vec::new();
        let cut = wire.read_to_end(&mut heard).await.unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::InvalidData);
        assert!(heard.len() <= MAX_ANSWER_BYTES + 64 * 1024, "{}", heard.len());
        assert!(wire.read_u8().await.is_err());
        endless.abort();

        let (mut wire, mut server) = guarded(b"");
        for _ in 0..3 {
            wire.write_all(b"NOOP").await.unwrap();
            let mut said = [0; 4];
            server.read_exact(&mut said).await.unwrap();
            let talk = async {
                for _ in 0..MAX_ANSWER_BYTES / 1024 {
                    server.write_all(&[b'x'; 1024]).await.unwrap();
                }
            };
            let mut answer = vec![0; MAX_ANSWER_BYTES];
            let (heard, ()) = tokio::join!(wire.read_exact(&mut answer), talk);
            assert_eq!(heard.unwrap(), MAX_ANSWER_BYTES);
        }
    }

    #[tokio::test]
    async fn the_preface_comes_first() {
        let (mut wire, mut server) = guarded(b"220 x\r\n");
        server.write_all(b"250 y\r\n").await.unwrap();
        let mut heard = [0; 14];
        wire.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"220 x\r\n250 y\r\n");
    }
}
