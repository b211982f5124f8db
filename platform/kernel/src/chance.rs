//! Chance comes from here: the operating system's, or a seeded stream in tests.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::sync::{Arc, Mutex, PoisonError};

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
            Source::System(rng) => rng.fill(bytes).expect("the operating system's generator does not fail after start"),
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
