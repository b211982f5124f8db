//! A request's body under a minimum pace and, outside uploads, a backstop on its size.
//!
//! Only time spent waiting for the peer counts, so a handler may take its time. The doors have their own, smaller bounds and
//! kinder words; this one holds when a door forgets. A handler that reads sees no more than a broken body; that it was too slow is
//! told here.

use crate::{
    arrivals::{Arrivals, Arriving},
    misdirected,
    pulse::Pulse,
};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use poem::{Request, Response, http::StatusCode};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

pub type BoxBody = http_body_util::combinators::BoxBody<Bytes, io::Error>;

/// Longest wait for the next byte.
const SILENCE: Duration = Duration::from_secs(30);
/// After this much waiting in all, the average must be at least `MIN_BYTES_PER_SECOND`.
const GRACE: Duration = Duration::from_secs(60);
const MIN_BYTES_PER_SECOND: u64 = 1_024;

/// Whether a request's body came too slowly. Clones are the same.
#[derive(Clone, Default)]
pub struct TooSlow(Arc<AtomicBool>);

/// Puts the request's body under the pace, and under `most` bytes, and among the `arrivals`.
pub fn pace(req: &mut Request, most: u64, pulse: &Arc<Pulse>, arrivals: &Arrivals) -> TooSlow {
    let (body, slow): (BoxBody, _) = (req.take_body().into(), TooSlow::default());
    let (pulse, slow_too) = (pulse.clone(), slow.clone());
    let paced = Paced {
        inner: body,
        pulse,
        slow: slow_too,
        arriving: Some(arrivals.begin()),
        most,
        bytes: 0,
        waited: Duration::ZERO,
        waiting: None,
        silence: SILENCE,
        grace: GRACE,
    };
    req.set_body(poem::Body::from(BoxBody::new(paced)));
    slow
}

impl TooSlow {
    /// The answer to a request whose body did not come: 408 (RFC 9110 §15.5.9) where it was too slow and the handler refused for it.
    pub fn told(&self, answer: Response) -> Response {
        if !self.0.load(Relaxed) || answer.status().is_success() || answer.status().is_redirection() {
            return answer;
        }
        misdirected::say(
            StatusCode::REQUEST_TIMEOUT,
            "The body of this request came too slowly, so we stopped waiting for it. Nothing was done with what was missing. Send it again.\n",
        )
    }
    fn late(&self) -> io::Error {
        self.0.store(true, Relaxed);
        io::Error::new(io::ErrorKind::TimedOut, "the body arrives too slowly")
    }
}

/// Around each piece, in HTTP/2 (RFC 9113 §4.1).
const FRAME_BYTES: u64 = 9;

struct Paced<B> {
    inner: B,
    pulse: Arc<Pulse>,
    slow: TooSlow,
    /// Until it is all there.
    arriving: Option<Arriving>,
    most: u64,
    bytes: u64,
    /// Time spent waiting for the peer, in all.
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    silence: Duration,
    grace: Duration,
}

impl<B> Paced<B> {
    fn arrived(&mut self, frame: &Frame<Bytes>) -> io::Result<()> {
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed();
        }
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        self.bytes += bytes;
        if let Some(arriving) = &self.arriving {
            arriving.got(bytes);
        }
        self.pulse.frames().account_for(bytes + FRAME_BYTES);
        if self.bytes > self.most {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the body is too large"));
        }
        let due = self.waited.saturating_sub(self.grace).as_secs() * MIN_BYTES_PER_SECOND;
        if self.bytes < due { Err(self.slow.late()) } else { Ok(()) }
    }
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.arriving.as_ref().is_some_and(|arriving| arriving.waits(cx.waker())) {
            return Poll::Ready(Err(self.slow.late()));
        }
        let silence = self.silence;
        let (_, deadline) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(silence))));
        deadline.as_mut().poll(cx).map(|()| Err(self.slow.late()))
    }
}

impl<B> Drop for Paced<B> {
    fn drop(&mut self) {
        if self.arriving.is_some() {
            self.pulse.frames().left_unread();
        }
    }
}

impl<B: HttpBody<Data = Bytes, Error = io::Error> + Unpin> HttpBody for Paced<B> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(self.arrived(&frame).map(|()| frame))),
            Poll::Ready(end) => {
                self.arriving = None;
                Poll::Ready(end)
            }
            Poll::Pending => self.wait(cx).map(|r| r.err().map(Err)),
        }
    }
    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Answers;
    use futures_util::{StreamExt, stream};
    use http_body_util::{BodyExt, StreamBody};

    /// Frames of `size` bytes, each after `pause`.
    fn body(frames: usize, size: usize, pause: Duration) -> impl HttpBody<Data = Bytes, Error = io::Error> + Unpin {
        let frames = stream::iter(0..frames).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok(Frame::data(Bytes::from(vec![0; size])))
        });
        StreamBody::new(Box::pin(frames))
    }
    async fn read<B: HttpBody<Data = Bytes, Error = io::Error> + Unpin>(
        inner: B,
        most: u64,
        grace: Duration,
    ) -> Result<usize, io::ErrorKind> {
        let pulse = Arc::new(Pulse::new(false, Answers::default()));
        let paced = Paced {
            inner,
            pulse,
            slow: TooSlow::default(),
            arriving: None,
            most,
            bytes: 0,
            waited: Duration::ZERO,
            waiting: None,
            silence: SILENCE,
            grace,
        };
        paced.collect().await.map(|all| all.to_bytes().len()).map_err(|e| e.kind())
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_body_arrives_whole() {
        assert_eq!(read(body(100, 4096, Duration::from_secs(2)), u64::MAX, GRACE).await, Ok(409_600));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it() {
        assert_eq!(read(body(2, 1, Duration::from_secs(31)), u64::MAX, GRACE).await, Err(io::ErrorKind::TimedOut));
    }

    #[tokio::test(start_paused = true)]
    async fn a_drip_ends_after_the_grace() {
        assert_eq!(read(body(100, 1, Duration::from_secs(20)), u64::MAX, GRACE).await, Err(io::ErrorKind::TimedOut));
    }

    #[tokio::test(start_paused = true)]
    async fn too_much_ends_it() {
        assert_eq!(read(body(3, 1000, Duration::ZERO), 2_500, GRACE).await, Err(io::ErrorKind::InvalidData));
    }
}
