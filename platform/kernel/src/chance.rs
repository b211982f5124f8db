//! Chance comes from here: the operating system's, or a seeded stream in tests.
//!
//! What would surprise you: small pieces are drawn ahead, a thread's next 512 bytes at once; a call of the generator costs more than the
//! bytes do, and a message takes a dozen of them. What was handed out is cleared.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::{
    cell::RefCell,
    sync::{Arc, Mutex, PoisonError},
};

/// Drawn at a time.
const AHEAD: usize = 512;
/// Longer pieces are drawn by themselves.
const SMALL: usize = 64;

thread_local! {
    static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; AHEAD], left: 0 }) };
}

/// Bytes drawn ahead; those from `left` on were handed out.
struct Drawn {
    bytes: [u8; AHEAD],
    left: usize,
}

impl Drawn {
    fn hand_out(&mut self, piece: &mut [u8], rng: &SystemRandom) {
        if self.left < piece.len() {
            draw(rng, &mut self.bytes);
            self.left = AHEAD;
        }
        let from = self.left - piece.len();
        let drawn = &mut self.bytes[from..self.left];
        piece.copy_from_slice(drawn);
        drawn.fill(0);
        self.left = from;
    }
}

fn draw(rng: &SystemRandom, bytes: &mut [u8]) {
    rng.fill(bytes).expect("the operating system's generator does not fail after start");
}

/// A source of random bytes, fit for keys. Clones share the stream.
#[derive(Clone)]
pub struct Chance(Source);

#[derive(Clone)]
enum Source {
    System(SystemRandom),
    Seeded(Arc<Mutex<ChaCha20Rng>>),
}

impl Chance {
    pub fn system() -> Chance {
        Chance(Source::System(SystemRandom::new()))
    }
    /// For tests only: the same seed gives the same bytes.
    pub fn seeded(seed: u64) -> Chance {
        Chance(Source::Seeded(Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))))
    }
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.0 {
            Source::System(rng) if bytes.len() <= SMALL => DRAWN.with_borrow_mut(|drawn| drawn.hand_out(bytes, rng)),
            Source::System(rng) => draw(rng, bytes),
            Source::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes),
        }
    }
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
    /// A number below `bound` (which must not be 0), without bias that anyone could measure (64 bits are reduced).
    pub fn below(&self, bound: u64) -> u64 {
        u64::from_le_bytes(self.bytes()) % bound
    }
}

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chance")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_byte_is_handed_out_twice_whatever_the_sizes_and_threads() {
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(|| windows(&Chance::system()))).collect();
        let all: Vec<[u8; 8]> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert!(!all.contains(&[0; 8]));
    }

    /// Every eight bytes that follow each other, of pieces of every size from 8 to 100.
    fn windows(chance: &Chance) -> Vec<[u8; 8]> {
        let piece = |n: usize| {
            let mut bytes = vec![0; 8 + n % 93];
            chance.fill(&mut bytes);
            bytes.windows(8).map(|window| window.try_into().unwrap()).collect::<Vec<[u8; 8]>>()
        };
        (0..1_000).flat_map(piece).collect()
    }

    #[test]
    fn what_was_handed_out_is_cleared() {
        let mut piece = [0; 40];
        let mut drawn = Drawn { bytes: [0; AHEAD], left: 0 };
        drawn.hand_out(&mut piece, &SystemRandom::new());
        assert!(piece != [0; 40] && drawn.left == AHEAD - 40 && drawn.bytes[drawn.left..] == [0; 40]);
    }
}
