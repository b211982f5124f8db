//! SHA-256 (FIPS 180-4): whole, or put aside between two requests of an upload and resumed.
//!
//! What would surprise you: a state put aside is the hash of what came so far, and as telling as that hash;
//! it belongs sealed, or in a row that goes when the upload ends.

use aws_lc_rs::digest;
use kernel::{Fault, FaultKind};
use sha2::{compress256, digest::generic_array::GenericArray};

const BLOCK: usize = 64;
/// FIPS 180-4 §5.3.3.
const START: [u32; 8] = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
/// Format, eight words, bytes so far.
const STATE_LEN: usize = 1 + 32 + 8;
const STATE_FORMAT: u8 = 1;

/// SHA-256 of the concatenation.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// A SHA-256 whose state can be put aside at multiples of 64 bytes.
#[derive(Clone)]
pub struct ResumableSha256 {
    words: [u32; 8],
    bytes: u64,
    /// What does not fill a block yet.
    rest: [u8; BLOCK],
}

impl ResumableSha256 {
    pub fn new() -> Self {
        ResumableSha256 { words: START, bytes: 0, rest: [0; BLOCK] }
    }

    /// Goes on from [`state`](Self::state); a fault if it is not one.
    pub fn from_state(state: &[u8]) -> Result<Self, Fault> {
        let bad = || Fault::new(FaultKind::Other, "a put-aside SHA-256 is damaged");
        let state: &[u8; STATE_LEN] = state.try_into().map_err(|_| bad())?;
        let (words, bytes) = state[1..].split_at(32);
        let bytes = u64::from_be_bytes(bytes.try_into().expect("41 - 33 = 8"));
        if state[0] != STATE_FORMAT || bytes % BLOCK as u64 != 0 {
            return Err(bad());
        }
        let mut hash = Self::new();
        hash.bytes = bytes;
        for (word, four) in hash.words.iter_mut().zip(words.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*four);
        }
        Ok(hash)
    }

    /// What to put aside (41 bytes); a fault unless a multiple of 64 bytes went in so far.
    pub fn state(&self) -> Result<Vec<u8>, Fault> {
        if self.filled() != 0 {
            return Err(Fault::other(format!("a SHA-256 cannot be put aside after {} bytes: only at multiples of 64", self.bytes)));
        }
        let mut state = Vec::with_capacity(STATE_LEN);
        state.push(STATE_FORMAT);
        self.words.iter().for_each(|word| state.extend_from_slice(&word.to_be_bytes()));
        state.extend_from_slice(&self.bytes.to_be_bytes());
        Ok(state)
    }

    /// Bytes that went in so far.
    pub fn len(&self) -> u64 {
        self.bytes
    }
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub fn update(&mut self, mut bytes: &[u8]) {
        let filled = self.filled();
        self.bytes += bytes.len() as u64;
        if filled > 0 {
            let taken = bytes.len().min(BLOCK - filled);
            self.rest[filled..filled + taken].copy_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if filled + taken < BLOCK {
                return;
            }
            compress256(&mut self.words, &[GenericArray::from(self.rest)]);
        }
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        for block in blocks {
            compress256(&mut self.words, std::slice::from_ref(GenericArray::from_slice(block)));
        }
        self.rest[..rest.len()].copy_from_slice(rest);
    }

    pub fn finish(mut self) -> [u8; 32] {
        // FIPS 180-4 §5.1.1: a one bit, zeros, the length in bits.
        let bits = self.bytes.wrapping_mul(8);
        let zeros = (BLOCK * 2 - 9 - self.filled()) % BLOCK;
        let mut padding = [0; BLOCK + 9];
        padding[0] = 0x80;
        padding[1 + zeros..9 + zeros].copy_from_slice(&bits.to_be_bytes());
        self.update(&padding[..9 + zeros]);
        let mut out = [0; 32];
        for (four, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(self.words) {
            *four = word.to_be_bytes();
        }
        out
    }

    fn filled(&self) -> usize {
        (self.bytes % BLOCK as u64) as usize
    }
}

impl Default for ResumableSha256 {
    fn default() -> Self {
        Self::new()
    }
}
impl std::fmt::Debug for ResumableSha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ResumableSha256({} bytes)", self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        kernel::Chance::seeded(len as u64).fill(&mut bytes);
        bytes
    }

    #[test]
    fn known_answers_of_fips_180() {
        for (text, answer) in [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
        ] {
            let mut resumable = ResumableSha256::new();
            resumable.update(text.as_bytes());
            assert_eq!(hex::encode(resumable.finish()), answer);
            assert_eq!(hex::encode(sha256(&[text.as_bytes()])), answer);
        }
        assert_eq!(sha256(&[b"a", b"", b"bc"]), sha256(&[b"abc"]));
    }

    #[test]
    fn every_length_around_the_blocks_agrees() {
        for len in 0..=260 {
            let bytes = noise(len);
            let mut resumable = ResumableSha256::new();
            resumable.update(&bytes);
            assert_eq!(resumable.finish(), sha256(&[&bytes]), "{len} bytes");
        }
    }

    #[test]
    fn a_resumed_hash_equals_a_whole_one_at_every_split() {
        let bytes = noise(1000);
        let whole = sha256(&[&bytes]);
        for split in 0..=bytes.len() {
            let mut first = ResumableSha256::new();
            first.update(&bytes[..split]);
            let mut second = match first.state() {
                Ok(state) => ResumableSha256::from_state(&state).unwrap(),
                Err(_) => first.clone(),
            };
            assert_eq!(first.state().is_ok(), split % 64 == 0, "{split}");
            second.update(&bytes[split..]);
            assert_eq!(second.finish(), whole, "split at {split}");
        }
    }

    #[test]
    fn a_hash_put_aside_after_every_chunk_agrees() {
        let bytes = noise(3 * 64 * 1024 + 777);
        let mut state = ResumableSha256::new().state().unwrap();
        let mut last = ResumableSha256::new();
        for chunk in bytes.chunks(64 * 1024) {
            last = ResumableSha256::from_state(&state).unwrap();
            last.update(chunk);
            state = last.state().unwrap_or_default();
        }
        assert_eq!(last.len(), bytes.len() as u64);
        assert_eq!(last.finish(), sha256(&[&bytes]));
    }

    #[test]
    fn a_damaged_state_is_a_fault() {
        let good = ResumableSha256::new().state().unwrap();
        assert!(ResumableSha256::from_state(&good[1..]).is_err());
        assert!(ResumableSha256::from_state(&[]).is_err());
        let mut other_format = good.clone();
        other_format[0] = 9;
        assert!(ResumableSha256::from_state(&other_format).is_err());
        let mut odd = good;
        odd[40] = 63;
        assert!(ResumableSha256::from_state(&odd).is_err());
    }
}
