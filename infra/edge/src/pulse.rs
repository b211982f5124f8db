//! Where one connection stands between two requests, and until when it may stay there.
//!
//! What would surprise you: a request counts as in progress until its answer's last byte was taken, so that a download is never idle. The clock is
//! read once each time that the connection is polled, so what happens in between is dated at the end of it.

use crate::{answers::Answers, frames::Frames};
use futures_util::task::AtomicWaker;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    task::Waker,
    time::Duration,
};
use tokio::time::Instant;

/// From the end of the handshake, or the first byte of a later request, to the last byte of the request's head.
pub const HEAD_TIME: Duration = Duration::from_secs(15);
/// Between two requests.
pub const IDLE_TIME: Duration = Duration::from_secs(60);
/// On the way out: how long a kept connection may still bring a request that was already under way to us.
pub const LINGER_TIME: Duration = Duration::from_secs(2);
/// Requests taken back before they were answered (HTTP/2 rapid reset, CVE-2023-44487): so many are forgiven ...
const FORGIVEN_RESETS: u32 = 100;
/// ... and one in so many answered requests after that.
const ANSWERED_PER_RESET: u32 = 4;
/// Longest that a peer may leave no room for the next piece of an answer (HTTP/2 windows; sockets have `Stalled`).
pub const STUCK_TIME: Duration = Duration::from_secs(60);

/// Shared by a connection's socket, its requests and whoever watches the time.
pub struct Pulse {
    state: Mutex<State>,
    /// HTTP/2: frames of many kinds, so that what is read says nothing about where a request stands.
    framed: bool,
    frames: Frames,
    /// Of answers that wait to be taken.
    held: AtomicU64,
    answers: Answers,
    given_up: AtomicBool,
    waker: AtomicWaker,
}

struct State {
    phase: Phase,
    /// Of every phase but `Busy`, which has no end of its own.
    since: Instant,
    /// `since` is out of date: it is when the next verdict is asked for.
    moved: bool,
    in_progress: u32,
    answered: u32,
    taken_back: u32,
    /// Answers that handed out a piece and were not asked for the next, since when.
    waiting: HashMap<u32, Instant>,
    next: u32,
    closing: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was asked yet.
    Fresh,
    /// Between two requests.
    Idle,
    /// Part of a later request's head has come.
    Head,
    Busy,
}

/// What has to happen to the connection now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing before this moment.
    Wait(Instant),
    /// Say goodbye properly: nothing is in progress.
    Leave,
    /// Hang up.
    HangUp(&'static str),
}

impl Pulse {
    pub fn new(framed: bool, answers: Answers) -> Pulse {
        let born = Instant::now();
        let state = State {
            phase: Phase::Fresh,
            since: born,
            moved: false,
            in_progress: 0,
            answered: 0,
            taken_back: 0,
            waiting: HashMap::new(),
            next: 0,
            closing: None,
        };
        let (frames, held, given_up) = (Frames::new(born), AtomicU64::default(), AtomicBool::default());
        Pulse { state: Mutex::new(state), framed, frames, held, answers, given_up, waker: AtomicWaker::new() }
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_framed(&self) -> bool {
        self.framed
    }

    /// Bytes came: of a request, or in HTTP/2 of whatever kind.
    pub fn came(&self, bytes: u64) {
        if self.framed {
            self.frames.came(bytes);
            return;
        }
        let mut state = self.state();
        if state.phase == Phase::Idle {
            state.enter(Phase::Head);
        }
    }
    /// What is known of the bytes of an HTTP/2 connection.
    pub fn frames(&self) -> &Frames {
        &self.frames
    }
    /// An answer of so many bytes begins to wait for the peer ...
    pub fn hold(self: &Arc<Self>, bytes: u64) {
        let before = self.held.fetch_add(bytes, SeqCst);
        self.answers.held(self, before, before + bytes);
    }
    /// ... and was taken, or thrown away.
    pub fn release(self: &Arc<Self>, bytes: u64) {
        let before = self.held.fetch_sub(bytes, SeqCst);
        self.answers.held(self, before, before - bytes);
    }
    pub fn holds(&self) -> u64 {
        self.held.load(SeqCst)
    }
    /// The connection is to end at once, for others' answers.
    pub fn give_up(&self) {
        self.given_up.store(true, SeqCst);
        self.waker.wake();
    }
    pub fn is_given_up(&self) -> bool {
        self.given_up.load(SeqCst)
    }
    /// Wakes when the connection is given up.
    pub fn wakes(&self, waker: &Waker) {
        self.waker.register(waker);
    }
    /// The peer took bytes; what is still on its way to it does not count as idling.
    pub fn sent(&self, bytes: u64) {
        if self.framed {
            self.frames.sent(bytes);
            return;
        }
        let mut state = self.state();
        state.moved |= state.phase == Phase::Idle;
    }
    /// A request's head is complete; the number names it from now on.
    pub fn begin(&self) -> u32 {
        let mut state = self.state();
        state.phase = Phase::Busy;
        state.in_progress += 1;
        state.next = state.next.wrapping_add(1);
        state.next
    }
    /// The request is over: its answer was taken whole, or (`answered` false) nobody waits for one any more.
    pub fn end(&self, request: u32, answered: bool) {
        let mut state = self.state();
        if !state.waiting.is_empty() {
            state.waiting.remove(&request);
        }
        let count = if answered { &mut state.answered } else { &mut state.taken_back };
        *count = count.saturating_add(1);
        state.in_progress -= 1;
        if state.in_progress == 0 {
            state.enter(Phase::Idle);
            if self.framed {
                // A task of its own, after which the connection need not be polled.
                state.date(Instant::now());
            }
        }
    }
    /// A piece of the answer was handed out; until [`Pulse::asked`] the peer is the one who is waited for.
    pub fn handed(&self, request: u32) {
        self.state().waiting.insert(request, Instant::now());
    }
    pub fn asked(&self, request: u32) {
        self.state().waiting.remove(&request);
    }
    /// The server is on its way out.
    pub fn close(&self) {
        self.state().closing.get_or_insert_with(Instant::now);
    }
    /// Whether a goodbye now could cut off a request that is under way to us (HTTP/1.1 has no way to say which was the last).
    pub fn may_be_asked(&self) -> bool {
        self.state().phase != Phase::Busy
    }

    pub fn verdict(&self) -> Verdict {
        if self.is_given_up() {
            return Verdict::HangUp("it holds more answers than there is room for");
        }
        let now = Instant::now();
        if self.frames.are_a_flood(now, || self.state().next) {
            return Verdict::HangUp("frames that belong to no request");
        }
        let mut state = self.state();
        state.date(now);
        state.verdict(now)
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.moved = true;
    }
    fn date(&mut self, now: Instant) {
        if std::mem::take(&mut self.moved) {
            self.since = now;
        }
    }
    fn verdict(&self, now: Instant) -> Verdict {
        if self.taken_back > FORGIVEN_RESETS + self.answered / ANSWERED_PER_RESET {
            return Verdict::HangUp("too many requests taken back");
        }
        let linger = |time: Duration| self.closing.map_or(self.since + time, |at| (self.since + time).min(at + LINGER_TIME));
        match self.phase {
            Phase::Fresh => self.by(now, linger(HEAD_TIME), Verdict::HangUp("no request")),
            Phase::Head => self.by(now, self.since + HEAD_TIME, Verdict::HangUp("a request's head took too long")),
            Phase::Idle => self.by(now, linger(IDLE_TIME), Verdict::Leave),
            Phase::Busy => {
                let oldest = self.waiting.values().min().copied().unwrap_or(now);
                self.by(now, oldest + STUCK_TIME, Verdict::HangUp("the peer stopped reading an answer"))
            }
        }
    }
    fn by(&self, now: Instant, due: Instant, then: Verdict) -> Verdict {
        if now < due { Verdict::Wait(due) } else { then }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn after(pulse: &Pulse, seconds: u64) -> Verdict {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        pulse.verdict()
    }
    fn waits(verdict: Verdict) -> bool {
        matches!(verdict, Verdict::Wait(_))
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_hung_up_on_and_who_idles_is_sent_off() {
        let pulse = Pulse::new(false, Answers::default());
        assert!(waits(after(&pulse, 14).await));
        assert!(matches!(after(&pulse, 1).await, Verdict::HangUp("no request")));
        let request = pulse.begin();
        assert!(waits(after(&pulse, 3_600).await), "a request may take its time");
        pulse.end(request, true);
        assert!(waits(pulse.verdict()) && waits(after(&pulse, 59).await));
        assert_eq!(after(&pulse, 1).await, Verdict::Leave);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_still_on_its_way_to_the_peer_is_not_idling_and_a_stream_may_end_unseen() {
        let pulse = Pulse::new(false, Answers::default());
        let request = pulse.begin();
        pulse.end(request, true);
        assert!(waits(pulse.verdict()) && waits(after(&pulse, 59).await));
        pulse.sent(1);
        assert!(waits(pulse.verdict()) && waits(after(&pulse, 59).await));
        assert_eq!(after(&pulse, 1).await, Verdict::Leave);
        let framed = Pulse::new(true, Answers::default());
        let request = framed.begin();
        framed.end(request, true);
        assert_eq!(after(&framed, 60).await, Verdict::Leave, "from its end on, though nobody looked then");
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_head_has_fifteen_seconds_from_its_first_byte() {
        let pulse = Pulse::new(false, Answers::default());
        let request = pulse.begin();
        pulse.end(request, true);
        assert!(waits(pulse.verdict()) && waits(after(&pulse, 50).await));
        pulse.came(1);
        assert!(waits(pulse.verdict()) && waits(after(&pulse, 14).await));
        pulse.came(1);
        assert!(matches!(after(&pulse, 1).await, Verdict::HangUp(_)), "more bytes do not buy more time");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_ends_the_connection() {
        let pulse = Pulse::new(false, Answers::default());
        let (slow, quick) = (pulse.begin(), pulse.begin());
        pulse.handed(slow);
        pulse.handed(quick);
        pulse.asked(quick);
        assert!(waits(after(&pulse, 59).await));
        assert!(matches!(after(&pulse, 1).await, Verdict::HangUp("the peer stopped reading an answer")));
        pulse.asked(slow);
        assert!(waits(pulse.verdict()), "we are the ones who are slow now");
    }

    #[tokio::test(start_paused = true)]
    async fn taking_requests_back_is_forgiven_a_hundred_times() {
        let pulse = Pulse::new(false, Answers::default());
        for _ in 0..100 {
            let request = pulse.begin();
            pulse.end(request, false);
        }
        assert!(waits(pulse.verdict()));
        let request = pulse.begin();
        pulse.end(request, false);
        assert!(matches!(pulse.verdict(), Verdict::HangUp("too many requests taken back")));
        for _ in 0..4 {
            let request = pulse.begin();
            pulse.end(request, true);
        }
        assert!(waits(pulse.verdict()), "who also waits for answers may take some back");
    }

    #[tokio::test(start_paused = true)]
    async fn on_the_way_out_a_kept_connection_lingers_for_two_seconds() {
        let pulse = Pulse::new(false, Answers::default());
        let request = pulse.begin();
        pulse.end(request, true);
        assert!(waits(pulse.verdict()));
        pulse.close();
        assert!(waits(after(&pulse, 1).await));
        assert_eq!(after(&pulse, 1).await, Verdict::Leave);
        let request = pulse.begin();
        assert!(waits(after(&pulse, 10).await), "what came in time is answered");
        pulse.end(request, true);
        assert_eq!(pulse.verdict(), Verdict::Leave);
    }
}
