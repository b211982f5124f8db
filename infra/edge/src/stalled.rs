//! A socket whose peer must read what it asked for: a write that makes no progress for a minute ends the connection.
//! What moves is told to the connection's [`Pulse`].

use crate::pulse::Pulse;
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// Longest wait for the peer to make room for a byte.
const STALL_TIME: Duration = Duration::from_secs(60);

/// `S` with a deadline on every write that waits.
pub struct Stalled<S> {
    inner: S,
    pulse: Arc<Pulse>,
    time: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Stalled<S> {
    pub fn new(inner: S, pulse: Arc<Pulse>) -> Stalled<S> {
        Stalled { inner, pulse, time: STALL_TIME, waiting: None }
    }
    fn watch(&mut self, cx: &mut Context<'_>, progress: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(taken) = &progress {
            self.waiting = None;
            self.pulse.sent(taken.as_ref().map_or(0, |n| *n as u64));
            return progress;
        }
        let time = self.time;
        let deadline = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer stopped reading")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalled<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let progress = Pin::new(&mut self.inner).poll_read(cx, buf);
        let bytes = buf.filled().len() - before;
        if bytes > 0 {
            self.pulse.came(bytes as u64);
        }
        progress
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalled<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.watch(cx, progress)
    }
    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.watch(cx, progress)
    }
    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Answers;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn a_peer_that_stops_reading_is_given_up() {
        let (near, _far) = tokio::io::duplex(16);
        let mut stalled = Stalled { time: Duration::from_millis(20), ..Stalled::new(near, Arc::new(Pulse::new(true, Answers::default()))) };
        stalled.write_all(&[0; 16]).await.unwrap();
        assert_eq!(stalled.write_all(&[0; 1]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_peer_that_reads_slowly_is_served() {
        let (near, mut far) = tokio::io::duplex(16);
        let mut stalled = Stalled { time: Duration::from_secs(5), ..Stalled::new(near, Arc::new(Pulse::new(true, Answers::default()))) };
        let reading = tokio::spawn(async move {
            let mut all = vec![0; 160];
            tokio::io::AsyncReadExt::read_exact(&mut far, &mut all).await.unwrap();
        });
        stalled.write_all(&[0; 160]).await.unwrap();
        reading.await.unwrap();
    }
}
