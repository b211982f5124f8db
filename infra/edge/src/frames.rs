//! HTTP/2 frames that belong to no request (PING, SETTINGS, WINDOW_UPDATE, empty ones: CVE-2019-9512 to 9518): they cost work and may be as many
//! as the peer likes, so each byte that comes must be accounted for.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use tokio::time::Instant;

/// So many bytes are free, and so many more a second, ...
const FREE_BYTES: u64 = 256 * 1024;
const FREE_BYTES_PER_SECOND: u64 = 2 * 1024;
/// ... a request brings a head, and what its body's window may hold of bytes that nobody has asked for yet, ...
const HEAD_BYTES: u64 = 64 * 1024;
pub const WINDOW_BYTES: u64 = 2 << 20;
/// ... a body that nobody reads may have filled its window before its sender heard so (a few times, for they need not be honest), ...
const FORGIVEN_BODIES: u32 = 16;
const UNREAD_BYTES: u64 = (1 << 20) + HEAD_BYTES;
/// ... and what we send is acknowledged: 26 bytes of window for 4 KiB, by the smallest steps that are seen.
const SENT_PER_BYTE: u64 = 64;

/// The bytes of one connection.
pub struct Frames {
    born: Instant,
    came: AtomicU64,
    accounted: AtomicU64,
    sent: AtomicU64,
    unread: AtomicU32,
}

impl Frames {
    pub fn new(born: Instant) -> Frames {
        let zero = AtomicU64::default;
        Frames { born, came: zero(), accounted: zero(), sent: zero(), unread: AtomicU32::default() }
    }
    /// Bytes came, of whatever kind.
    pub fn came(&self, bytes: u64) {
        self.came.fetch_add(bytes, Relaxed);
    }
    /// So many of them are known to be of a request.
    pub fn account_for(&self, bytes: u64) {
        self.accounted.fetch_add(bytes, Relaxed);
    }
    /// A request ended before all of its body was read.
    pub fn left_unread(&self) {
        if self.unread.fetch_add(1, Relaxed) < FORGIVEN_BODIES {
            self.account_for(UNREAD_BYTES);
        }
    }
    pub fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Relaxed);
    }
    /// Whether more came than `requests` and what was sent account for.
    pub fn are_a_flood(&self, now: Instant, requests: impl FnOnce() -> u32) -> bool {
        let came = self.came.load(Relaxed);
        if came <= FREE_BYTES {
            return false;
        }
        let requests = u64::from(requests());
        let by_time = now.duration_since(self.born).as_secs() * FREE_BYTES_PER_SECOND;
        let known = self.accounted.load(Relaxed) + requests * HEAD_BYTES + self.sent.load(Relaxed) / SENT_PER_BYTE;
        came > FREE_BYTES + WINDOW_BYTES.min(requests * WINDOW_BYTES) + by_time + known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        answers::Answers,
        pulse::{Pulse, Verdict},
    };
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn bytes_that_belong_to_no_request_are_bounded() {
        let flooded = |pulse: &Pulse| matches!(pulse.verdict(), Verdict::HangUp("frames that belong to no request"));
        let pulse = Pulse::new(true, Answers::default());
        pulse.begin();
        pulse.came(FREE_BYTES + HEAD_BYTES + WINDOW_BYTES);
        assert!(!flooded(&pulse));
        pulse.came(1);
        assert!(flooded(&pulse));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!flooded(&pulse), "a steady trickle is harmless");
        pulse.came(1 << 30);
        assert!(flooded(&pulse));
        pulse.frames().account_for(1 << 30);
        assert!(!flooded(&pulse), "an upload");
        pulse.came(27 * 4_096);
        assert!(flooded(&pulse));
        pulse.sent(27 * 4_096 * SENT_PER_BYTE);
        assert!(!flooded(&pulse), "a download's windows");
    }
}
