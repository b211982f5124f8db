//! A goodbye that waits for what is still under way to us (RFC 9112 §9.6): our side is closed, then what comes is read and thrown away.
//!
//! What would surprise you: without it a client that sends all of a body before it reads may never see why the body was refused. A socket that
//! is closed with unread bytes is reset, and a reset throws away the answer on the other side.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// What is thrown away at most: as much as the largest body that is no upload.
const MOST_BYTES: u64 = 16 << 20;
const MOST_TIME: Duration = Duration::from_secs(10);
/// Who sends nothing for so long has sent it all.
const SILENCE: Duration = Duration::from_secs(2);
const PIECE: usize = 16 * 1024;

/// `S`, whose end lingers. For HTTP/1.1: HTTP/2 refuses a body by itself (RFC 9113 §8.1).
pub struct Lingering<S> {
    inner: S,
    goodbye: Option<Goodbye>,
}

/// Our side is closed.
struct Goodbye {
    bytes: u64,
    end: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl<S> Lingering<S> {
    pub fn new(inner: S) -> Lingering<S> {
        Lingering { inner, goodbye: None }
    }
}

impl<S: AsyncRead + Unpin> Lingering<S> {
    /// Ready when enough was thrown away.
    fn throw_away(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(goodbye) = &mut self.goodbye else { return Poll::Ready(()) };
        let mut piece = [0; PIECE];
        while goodbye.bytes < MOST_BYTES {
            let mut buf = ReadBuf::new(&mut piece);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    goodbye.bytes += buf.filled().len() as u64;
                    goodbye.alarm.as_mut().reset(goodbye.end.min(Instant::now() + SILENCE));
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return goodbye.alarm.as_mut().poll(cx),
            }
            if goodbye.end <= Instant::now() {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }
    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.goodbye.is_none() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            let alarm = Box::pin(tokio::time::sleep(SILENCE));
            self.goodbye = Some(Goodbye { bytes: 0, end: Instant::now() + MOST_TIME, alarm });
        }
        self.throw_away(cx).map(Ok)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    /// How long a goodbye takes while the peer does this, and what the peer had sent by then.
    async fn lingered(peer: impl AsyncFn(&mut DuplexStream) -> bool) -> (Duration, u64) {
        let (near, mut far) = tokio::io::duplex(PIECE);
        let (began, mut lingering) = (Instant::now(), Lingering::new(near));
        let sending = async {
            let mut sent = 0;
            while peer(&mut far).await {
                sent += PIECE as u64;
            }
            sent
        };
        let closing = async {
            lingering.shutdown().await.unwrap();
            let took = began.elapsed();
            drop(lingering);
            took
        };
        tokio::join!(closing, sending)
    }

    #[tokio::test(start_paused = true)]
    async fn the_peer_sees_our_end_at_once_and_its_own_ends_it() {
        let (took, _) = lingered(async |far| {
            assert_eq!(far.read(&mut [0; 1]).await.unwrap(), 0);
            far.shutdown().await.unwrap();
            false
        })
        .await;
        assert_eq!(took, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_time_and_bytes_are_bounded() {
        let (took, _) = lingered(async |_| false).await;
        assert!(took >= SILENCE && took < SILENCE * 2, "silence: {took:?}");
        let (took, _) = lingered(async |far| {
            tokio::time::sleep(Duration::from_secs(1)).await;
            far.write_all(&[0; PIECE]).await.is_ok()
        })
        .await;
        assert!(took >= MOST_TIME && took < MOST_TIME + SILENCE, "a drip: {took:?}");
        let (took, sent) = lingered(async |far| far.write_all(&[0; PIECE]).await.is_ok()).await;
        assert!(took < SILENCE && (MOST_BYTES..=MOST_BYTES + 2 * PIECE as u64).contains(&sent), "a flood: {took:?}, {sent}");
    }
}
