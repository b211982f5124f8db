//! A connection that is held to its [`Pulse`], and told when the server goes.

use crate::{
    closing::Closing,
    pulse::{Pulse, Verdict},
};
use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

/// After a proper goodbye, for the peer to take it.
const GOODBYE_TIME: Duration = Duration::from_secs(5);

/// hyper's connections of either version.
pub trait Leaving: Future<Output = hyper::Result<()>> {
    /// Ends after the requests in progress. In HTTP/2 that is a GOAWAY, which loses nothing; see [`Pulse::may_be_asked`] for HTTP/1.1.
    fn leave(self: Pin<&mut Self>);
    /// Whether the peer learns which request was the last.
    const SAYS_WHICH: bool;
}

/// Drives `connection` to its end. `Err`: it was cut off, and why.
pub async fn held<C: Leaving>(connection: C, pulse: &Pulse, closing: &Closing) -> io::Result<()> {
    let (mut connection, mut alarm) = (pin!(connection), pin!(tokio::time::sleep(Duration::ZERO)));
    let mut told = pin!(closing.wait());
    let (mut going, mut left, mut goodbye) = (false, false, None);
    // Whom alarm, token and pulse wake: they take locks to be told what they know already.
    let mut woken: Option<Waker> = None;
    poll_fn(|cx| {
        let known = woken.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if !going && (closing.has_begun() || (!known && told.as_mut().poll(cx).is_ready())) {
            going = true;
            pulse.close();
        }
        if !known {
            woken = Some(cx.waker().clone());
            pulse.wakes(cx.waker());
        }
        if going && !left && (C::SAYS_WHICH || !pulse.may_be_asked()) {
            left = true;
            connection.as_mut().leave();
        }
        if let Poll::Ready(end) = connection.as_mut().poll(cx) {
            return Poll::Ready(end.map_err(io::Error::other));
        }
        match watch(pulse, alarm.as_mut(), known, cx) {
            None => Poll::Pending,
            Some(Verdict::HangUp(why)) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why))),
            Some(_) => {
                let until = *goodbye.get_or_insert_with(|| Instant::now() + GOODBYE_TIME);
                if !left {
                    left = true;
                    connection.as_mut().leave();
                }
                if let Poll::Ready(end) = connection.as_mut().poll(cx) {
                    return Poll::Ready(end.map_err(io::Error::other));
                }
                alarm.as_mut().reset(until);
                alarm.as_mut().poll(cx).map(Ok)
            }
        }
    })
    .await
}

/// What the pulse says, once it says more than to wait; the alarm is set for when it may. `known`: an alarm that is set wakes this task.
fn watch(pulse: &Pulse, mut alarm: Pin<&mut Sleep>, known: bool, cx: &mut Context<'_>) -> Option<Verdict> {
    loop {
        let due = match pulse.verdict() {
            Verdict::Wait(due) => due,
            verdict => return Some(verdict),
        };
        // Later alarms are not moved: one timer a minute and connection instead of one a request.
        if alarm.is_elapsed() || alarm.deadline() > due {
            alarm.as_mut().reset(due);
        } else if known {
            return None;
        }
        if alarm.as_mut().poll(cx).is_pending() {
            return None;
        }
    }
}
