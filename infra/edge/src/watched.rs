//! An answer's body whose end is told to the connection's [`Pulse`].

use crate::{paced::BoxBody, pulse::Pulse};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// One request in progress; over when this is dropped.
pub struct InProgress {
    pulse: Arc<Pulse>,
    number: u32,
    answered: bool,
}

impl InProgress {
    pub fn new(pulse: Arc<Pulse>) -> InProgress {
        let number = pulse.begin();
        InProgress { pulse, number, answered: false }
    }
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }
    /// The handler answered; what is left is to carry `body` to the peer.
    pub fn carrying(mut self, body: BoxBody) -> Watched {
        self.answered = true;
        let bytes = body.size_hint().exact().unwrap_or(STREAM_BYTES).min(MOST_BYTES);
        self.pulse.hold(bytes);
        Watched { body, rest: Bytes::new(), bytes, request: self }
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.pulse.end(self.number, self.answered);
    }
}

/// What an answer that comes in pieces holds of memory: about one of them.
const STREAM_BYTES: u64 = 64 * 1024;
/// What any holds; one that says it is longer comes in pieces as well.
const MOST_BYTES: u64 = 4 << 20;
/// Over HTTP/2 no more is handed out at a time: the smallest frame that every peer takes (RFC 9113 §4.2). What is handed out is out of our sight.
const PIECE_BYTES: usize = 16 * 1024;

/// The body of an answer on its way.
pub struct Watched {
    body: BoxBody,
    /// Of the last piece, what was not handed out yet.
    rest: Bytes,
    bytes: u64,
    request: InProgress,
}

impl Watched {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return other,
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE_BYTES));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.request.pulse.release(self.bytes);
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.request.pulse.is_framed() {
            // The peer cannot hold up this one answer: it can only stop reading the socket.
            return Pin::new(&mut self.body).poll_frame(cx);
        }
        self.request.pulse.asked(self.request.number);
        let frame = self.poll_piece(cx);
        if let Poll::Ready(Some(Ok(_))) = &frame {
            self.request.pulse.handed(self.request.number);
        }
        frame
    }
    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}
