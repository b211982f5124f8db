//! News of one message while its page is open (server-sent events, HTML §9.2). It says only that something changed: the page then
//! asks for the timeline, and is asked for its session again.
//!
//! What would surprise you: a change is heard at once in this process and, on PostgreSQL, from the others; a look every five
//! seconds finds what was not heard.

use super::answer;
use crate::{
    Web,
    browser::Browser,
    guard::{self, Member},
    stop::{Answer, Stop},
};
use futures_util::stream;
use kernel::{Fault, MessageId, SessionId};
use poem::{
    IntoResponse, Request, handler,
    http::{HeaderValue, StatusCode, header},
    web::{
        Data, Path,
        sse::{Event, SSE},
    },
};
use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};
use store::{Change, Who};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep_until},
};

/// Then the browser comes again by itself.
const LONGEST: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Windows of one session that are told the news; further ones ask now and then.
const SEATS: u32 = 5;
/// The browser waits this long before it comes again, in milliseconds.
const COME_AGAIN_MS: u64 = 3000;

#[handler]
pub async fn follow(Data(web): Data<&Web>, browser: Browser, Path(id): Path<String>, req: &Request) -> Answer {
    let caller = guard::signed_in(web, &browser).await?.ok_or(Stop::SignedOut)?;
    let member = Member { caller, browser };
    let id: MessageId = answer::id(&id)?;
    let after = answer::query(req, "after").parse().unwrap_or(0);
    web.post.db.read(&member.caller, async |read| messages::find_message(read, id).await).await?.ok_or(Stop::NotFound)?;
    let Who::Member { session, .. } = *member.caller.who() else { return Err(Stop::NotFound) };
    let Some(seat) = Seat::take(session) else {
        return Err(Stop::refused(StatusCode::TOO_MANY_REQUESTS, "Too many windows follow messages at once."));
    };
    let now = Instant::now();
    let watch = Watch {
        changes: web.post.db.changes(),
        web: web.clone(),
        member,
        id,
        seen: after,
        until: now + LONGEST,
        look_at: now,
        greeted: false,
        _seat: seat,
    };
    let mut answer = SSE::new(stream::unfold(watch, Watch::next)).keep_alive(Duration::from_secs(15)).into_response();
    // The framework says no-cache, which lets it be kept.
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

struct Watch {
    web: Web,
    member: Member,
    id: MessageId,
    /// The last place in the chain that the page shows.
    seen: i64,
    changes: Receiver<Change>,
    until: Instant,
    look_at: Instant,
    greeted: bool,
    _seat: Seat,
}

impl Watch {
    /// The next piece of news; `None` ends the stream.
    async fn next(mut self) -> Option<(Event, Watch)> {
        if !self.greeted {
            self.greeted = true;
            return Some((Event::retry(COME_AGAIN_MS), self));
        }
        loop {
            if Instant::now() >= self.until {
                return None;
            }
            tokio::select! {
                heard = self.changes.recv() => if !self.concerns(heard).await { continue },
                () = sleep_until(self.look_at.min(self.until)) => {}
            }
            self.look_at = Instant::now() + LOOK_EVERY;
            match self.look().await {
                // A fault is logged where it arose or will be on the next page; a stream only ends.
                Err(_) | Ok(None) => return None,
                Ok(Some(true)) => return Some((Event::message(self.seen.to_string()).event_type("changed"), self)),
                Ok(Some(false)) => {}
            }
        }
    }

    /// Whether what was heard is about this message (or something was missed).
    async fn concerns(&mut self, heard: Result<Change, RecvError>) -> bool {
        match heard {
            Ok(change) => change.tenant == self.member.caller.tenant() && change.message == self.id,
            Err(RecvError::Lagged(_)) => true,
            Err(RecvError::Closed) => {
                sleep_until(self.look_at.min(self.until)).await;
                true
            }
        }
    }

    /// Whether anything is newer than what was told; `None` when the session has ended.
    async fn look(&mut self) -> Result<Option<bool>, Fault> {
        let Some(caller) = guard::signed_in(&self.web, &self.member.browser).await? else { return Ok(None) };
        let (id, seen) = (self.id, self.seen);
        let newer = self.web.post.db.read(&caller, async |read| evidence::timeline(read, id, None, seen, MOST_NEWER).await).await?;
        match newer.last() {
            Some(fact) => {
                self.seen = fact.seq;
                Ok(Some(true))
            }
            None => Ok(Some(false)),
        }
    }
}

/// Newer facts looked at together; if there are more the next look finds them.
const MOST_NEWER: u64 = 100;

static TAKEN: LazyLock<Mutex<HashMap<SessionId, u32>>> = LazyLock::new(Mutex::default);

/// One of a session's places; given back when the stream is dropped, however it ends.
struct Seat(SessionId);

impl Seat {
    fn take(session: SessionId) -> Option<Seat> {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let seats = taken.entry(session).or_insert(0);
        if *seats >= SEATS {
            return None;
        }
        *seats += 1;
        Some(Seat(session))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seats) = taken.get_mut(&self.0) {
            *seats -= 1;
            if *seats == 0 {
                taken.remove(&self.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Chance, Time};

    #[test]
    fn a_session_has_five_seats_and_gets_them_back() {
        let session = SessionId::new(Time(1), &Chance::system());
        let mut held: Vec<_> = (0..SEATS).map(|_| Seat::take(session).unwrap()).collect();
        assert!(Seat::take(session).is_none());
        assert!(Seat::take(SessionId::new(Time(2), &Chance::system())).is_some(), "another session's seats are its own");
        held.pop();
        assert!(Seat::take(session).is_some());
    }
}
