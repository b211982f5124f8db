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
        Watched { body, request: self }
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.pulse.end(self.number, self.answered);
    }
}

/// The body of an answer on its way.
pub struct Watched {
    body: BoxBody,
    request: InProgress,
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
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(_))) = &frame {
            self.request.pulse.handed(self.request.number);
        }
        frame
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
