//! The wire beneath a connection, with a bound: a server that answers without end is cut off.
//!
//! What would surprise you: what is no UTF-8 in an answer becomes `?` here. The library takes such an answer for a broken connection, and a
//! refusal for good (550) would be tried for days.

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
    /// The beginning of a character whose rest is still to come; at most three bytes.
    cut: Vec<u8>,
}

impl Guarded {
    pub(crate) fn new(wire: Box<dyn Wire>, peer: SocketAddr, preface: &'static [u8]) -> Guarded {
        Guarded { wire, peer, preface, answered: 0, cut: Vec::new() }
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
        loop {
            let begin = buf.filled().len();
            if buf.remaining() <= self.cut.len() {
                // Nobody who reads characters reads so little at a time.
                self.cut.clear();
            }
            let held = std::mem::take(&mut self.cut);
            buf.put_slice(&held);
            let polled = Pin::new(&mut self.wire).poll_read(cx, buf);
            if !matches!(polled, Poll::Ready(Ok(()))) {
                buf.set_filled(begin);
                self.cut = held;
                return polled;
            }
            let read = buf.filled().len() - begin - held.len();
            self.answered += read;
            let cut = legible(&mut buf.filled_mut()[begin..]);
            if read == 0 {
                let ended = buf.filled().len() - cut;
                buf.filled_mut()[ended..].fill(b'?');
                return polled;
            }
            let whole = buf.filled().len() - cut;
            self.cut = buf.filled()[whole..].to_vec();
            buf.set_filled(whole);
            if whole > begin {
                return polled;
            }
        }
    }
}

/// Makes what is no UTF-8 `?`; answers how many bytes at the end are the beginning of a character.
fn legible(bytes: &mut [u8]) -> usize {
    let mut at = 0;
    while let Err(wrong) = std::str::from_utf8(&bytes[at..]) {
        let bad = at + wrong.valid_up_to();
        let Some(len) = wrong.error_len() else { return bytes.len() - bad };
        bytes[bad..bad + len].fill(b'?');
        at = bad + len;
    }
    0
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
    async fn what_is_no_utf8_is_a_question_mark_and_a_character_may_come_in_pieces() {
        for (said, read) in [
            (&[&b"550 no\xe9 such\r\n"[..]][..], "550 no? such\r\n"),
            (&[b"550 caf\xc3", b"\xa9 \xe7", b"\x94\xa8\xff\r\n"], "550 caf\u{e9} \u{7528}?\r\n"),
            (&[b"250 \xf0\x9f"], "250 ??"),
            (&[b"\xe7", b"\x94", b"x"], "??x"),
        ] {
            let (mut wire, mut server) = guarded(b"");
            let talk = async move {
                for piece in said {
                    server.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
            };
            let mut heard = Vec::new();
            let (done, ()) = tokio::join!(wire.read_to_end(&mut heard), talk);
            done.unwrap();
            assert_eq!(String::from_utf8(heard).unwrap(), read);
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
