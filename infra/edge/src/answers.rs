//! Memory of answers that wait for their peers to take them: bounded in all, and whoever holds most of it is hung up on for the others.
//!
//! What would surprise you: a peer that opens no window (RFC 9113 §5.2) makes us keep every answer it asked for, a hundred at a time on each of
//! its connections. Connections that hold little are not listed: the bound on their number is theirs.

use crate::pulse::Pulse;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Of all listed connections.
const ROOM_BYTES: u64 = 256 << 20;
/// Of one connection that is not listed.
const SHARE_BYTES: u64 = 64 << 10;

/// Clones share the list.
#[derive(Clone, Default)]
pub struct Answers(Arc<Mutex<Listed>>);

#[derive(Default)]
struct Listed {
    /// By where their pulses are.
    connections: HashMap<usize, (Arc<Pulse>, u64)>,
    bytes: u64,
}

impl Answers {
    /// The connection of `pulse` held `before` bytes, and holds `after` now.
    pub fn held(&self, pulse: &Arc<Pulse>, before: u64, after: u64) {
        if before <= SHARE_BYTES && after <= SHARE_BYTES {
            return;
        }
        let mut listed = self.listed();
        listed.remove(pulse);
        // Others may have been quicker to this lock: what is listed is what is so under it, or an entry would stay that nobody takes away.
        let now = pulse.holds();
        // One that was hung up on is on its way out.
        if now > SHARE_BYTES && !pulse.is_given_up() {
            listed.connections.insert(Arc::as_ptr(pulse).addr(), (pulse.clone(), now));
            listed.bytes += now;
            listed.make_room();
        }
    }

    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    fn remove(&mut self, pulse: &Arc<Pulse>) {
        if let Some((_, bytes)) = self.connections.remove(&Arc::as_ptr(pulse).addr()) {
            self.bytes -= bytes;
        }
    }
    fn make_room(&mut self) {
        while self.bytes > ROOM_BYTES {
            let Some(most) = self.connections.values().max_by_key(|(_, bytes)| *bytes).map(|(pulse, _)| pulse.clone()) else { return };
            most.give_up();
            self.remove(&most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_holds_most_is_given_up_and_nobody_else() {
        let answers = Answers::default();
        let all: Vec<Arc<Pulse>> = (0..4).map(|_| Arc::new(Pulse::new(true, answers.clone()))).collect();
        let hold = |n: usize, bytes: u64| all[n].hold(bytes);
        let gone = || all.iter().map(|pulse| pulse.is_given_up()).collect::<Vec<_>>();
        hold(0, SHARE_BYTES);
        hold(1, ROOM_BYTES / 2);
        hold(2, ROOM_BYTES / 4);
        assert_eq!((answers.listed().connections.len(), gone().contains(&true)), (2, false));
        hold(3, ROOM_BYTES / 3);
        assert_eq!(gone(), [false, true, false, false]);
        hold(2, ROOM_BYTES / 4);
        assert!(!gone()[2], "what it held is out of the count");
        all[1].release(ROOM_BYTES / 2);
        all[2].release(ROOM_BYTES / 2);
        all[3].release(ROOM_BYTES / 3);
        let listed = answers.listed();
        assert_eq!((listed.connections.len(), listed.bytes), (0, 0));
    }

    #[test]
    fn nobody_stays_listed_whatever_the_order_of_their_answers() {
        let answers = Answers::default();
        for _ in 0..500 {
            let pulse = Arc::new(Pulse::new(true, answers.clone()));
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        pulse.hold(SHARE_BYTES);
                        pulse.release(SHARE_BYTES);
                    });
                }
            });
        }
        let listed = answers.listed();
        assert_eq!((listed.connections.len(), listed.bytes), (0, 0));
    }
}
