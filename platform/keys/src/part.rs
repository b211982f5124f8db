//! Parts: a body or an attachment, sealed in chunks so that 1 GiB streams in constant memory.
//!
//! STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce is the chunk's number and whether it is the last,
//! so a part that was cut, extended or put in another order does not open. What would surprise you: the nonces are not
//! random. One part is one content: sealing two different contents under one part gives both away.

use crate::seal::{Place, damaged};
use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use kernel::{Chance, Fault};
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

/// Plaintext bytes of every chunk but the last, which has 0 to this many.
pub const CHUNK: usize = 64 * 1024;
/// Bytes that every chunk grows by.
pub const TAG: usize = 16;

/// Random bytes that make the key of one writing its own.
pub const SALT: usize = 16;

/// The key of one body or attachment. The message key inside is wiped when dropped.
#[derive(Clone)]
pub struct PartKey {
    message_key: Zeroizing<[u8; 32]>,
    /// Derived when it is first needed: most parts are only the ground of a salted one.
    key: Arc<OnceLock<LessSafeKey>>,
    place: Place,
}

impl PartKey {
    pub(crate) fn new(message_key: &[u8; 32], place: Place) -> PartKey {
        PartKey { message_key: Zeroizing::new(*message_key), key: Arc::default(), place }
    }
    fn key(&self) -> &LessSafeKey {
        self.key.get_or_init(|| crate::seal::key_for(self.message_key.as_slice(), &self.place))
    }

    /// The key of one writing of this part. Whatever may be written again with other bytes (a segment of an upload that broke,
    /// a body that was refused and edited) is written under a fresh salt, kept beside it, so that no nonce meets two contents.
    pub fn salted(&self, salt: &[u8; SALT]) -> PartKey {
        PartKey::new(&self.message_key, self.place.clone().with(salt))
    }

    /// Seals a small part whole under a fresh salt, which goes first.
    pub fn seal_afresh(&self, plain: &[u8], chance: &Chance) -> Vec<u8> {
        let salt = chance.bytes();
        let mut out = salt.to_vec();
        out.extend(self.salted(&salt).seal(plain));
        out
    }

    /// Opens what [`seal_afresh`](Self::seal_afresh) made.
    pub fn open_afresh(&self, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        let (salt, rest) = sealed.split_first_chunk().ok_or_else(|| damaged("a part without its salt"))?;
        self.salted(salt).open(rest)
    }

    /// Seals the chunk that begins at byte `from` of `buf` in place and appends its tag; what lies before it stays as it is. Give `buf` room for
    /// the tag. Panics on a chunk that could not be opened: longer than [`CHUNK`], or shorter without being the last.
    pub fn seal_chunk(&self, index: u64, last: bool, buf: &mut Vec<u8>, from: usize) {
        let chunk = &mut buf[from..];
        assert!(fits(chunk.len(), last), "a chunk of {} bytes (last: {last})", chunk.len());
        let tag = self
            .key()
            .seal_in_place_separate_tag(nonce(index, last), Aad::from(self.place.as_bytes()), chunk)
            .expect("AES-GCM seals up to 64 GiB (SP 800-38D §5.2.1.1)");
        buf.extend_from_slice(tag.as_ref());
    }

    /// Opens in place and cuts the tag. After a fault `buf` is empty.
    pub fn open_chunk(&self, index: u64, last: bool, buf: &mut Vec<u8>) -> Result<(), Fault> {
        let plain = buf.len().checked_sub(TAG).filter(|len| fits(*len, last));
        let opened = plain.and_then(|len| {
            self.key().open_in_place(nonce(index, last), Aad::from(self.place.as_bytes()), buf).ok()?;
            Some(len)
        });
        buf.truncate(opened.unwrap_or(0));
        opened.map(|_| ()).ok_or_else(|| damaged("a chunk of a part"))
    }

    /// Seals a small part whole: all its chunks, one after the other.
    pub fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(plain.len() + TAG * (plain.len() / CHUNK + 1));
        let mut rest = plain;
        for index in 0.. {
            let (now, later) = rest.split_at(rest.len().min(CHUNK));
            let from = out.len();
            out.extend_from_slice(now);
            self.seal_chunk(index, later.is_empty(), &mut out, from);
            if later.is_empty() {
                break;
            }
            rest = later;
        }
        out
    }

    /// Opens what [`seal`](Self::seal) made, or the same chunks sealed one by one.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        if sealed.is_empty() {
            return Err(damaged("an empty part"));
        }
        let mut out = Vec::with_capacity(sealed.len());
        let mut chunk = Vec::with_capacity(sealed.len().min(CHUNK + TAG));
        let mut chunks = sealed.chunks(CHUNK + TAG).zip(0..).peekable();
        while let Some((bytes, index)) = chunks.next() {
            chunk.clear();
            chunk.extend_from_slice(bytes);
            self.open_chunk(index, chunks.peek().is_none(), &mut chunk)?;
            out.extend_from_slice(&chunk);
        }
        Ok(out)
    }
}

/// All chunks but the last are full: one content has one way to be cut.
fn fits(len: usize, last: bool) -> bool {
    len == CHUNK || (last && len < CHUNK)
}

/// Eleven bytes of number, big-endian, and one that says whether it is the last.
fn nonce(index: u64, last: bool) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[3..11].copy_from_slice(&index.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::assume_unique_for_key(nonce)
}

/// Sealed bytes of a part of `plain` bytes: a tag for every chunk begun, and one for an empty part.
pub fn sealed_len(plain: u64) -> u64 {
    plain + TAG as u64 * plain.div_ceil(CHUNK as u64).max(1)
}

impl std::fmt::Debug for PartKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PartKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::FaultKind;

    fn part() -> PartKey {
        PartKey::new(&[9; 32], Place::new("test"))
    }
    fn noise(len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        kernel::Chance::seeded(len as u64).fill(&mut bytes);
        bytes
    }

    #[test]
    fn parts_of_every_size_around_the_chunks_read_back() {
        for len in [0, 1, 15, 16, 17, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5] {
            let plain = noise(len);
            let sealed = part().seal(&plain);
            assert_eq!(sealed.len() as u64, sealed_len(len as u64), "{len}");
            assert_eq!(part().open(&sealed).unwrap(), plain, "{len}");
        }
        assert_eq!(sealed_len(1 << 30), (1 << 30) + 16 * 16_384);
    }

    #[test]
    fn chunks_sealed_one_by_one_are_the_whole() {
        let plain = noise(2 * CHUNK + 100);
        let sealed = part().seal(&plain);
        let mut streamed = Vec::new();
        for (i, bytes) in plain.chunks(CHUNK).enumerate() {
            let mut chunk = bytes.to_vec();
            part().seal_chunk(i as u64, i == 2, &mut chunk, 0);
            streamed.extend(chunk);
        }
        assert_eq!(streamed, sealed);
    }

    #[test]
    fn an_empty_last_chunk_ends_a_stream_whose_length_nobody_knew() {
        let (mut full, mut end) = (noise(CHUNK), Vec::new());
        part().seal_chunk(0, false, &mut full, 0);
        part().seal_chunk(1, true, &mut end, 0);
        full.extend(end);
        assert_eq!(part().open(&full).unwrap(), noise(CHUNK));
    }

    #[test]
    fn a_cut_extended_or_reordered_part_does_not_open() {
        let sealed = part().seal(&noise(3 * CHUNK));
        let chunks: Vec<&[u8]> = sealed.chunks(CHUNK + TAG).collect();
        let fails = |bytes: Vec<u8>| assert_eq!(part().open(&bytes).unwrap_err().kind(), FaultKind::Sealed);
        fails(Vec::new());
        fails(chunks[..2].concat());
        fails(chunks[1..].concat());
        fails(sealed[..sealed.len() - 1].to_vec());
        fails([chunks[1], chunks[0], chunks[2]].concat());
        fails([chunks[0], chunks[2], chunks[1]].concat());
        fails([chunks[0], chunks[0], chunks[1], chunks[2]].concat());
        fails([&sealed[..], chunks[2]].concat());
        fails([&sealed[..], &[0]].concat());
        let mut empty_end = Vec::new();
        part().seal_chunk(3, true, &mut empty_end, 0);
        fails([&sealed[..], &empty_end].concat());
    }

    #[test]
    fn every_chunk_knows_its_number_and_whether_it_is_the_last() {
        let mut sealed = noise(CHUNK);
        part().seal_chunk(7, false, &mut sealed, 0);
        for (index, last) in [(6, false), (8, false), (7, true), (7 << 8, false), (0, false)] {
            let mut buf = sealed.clone();
            assert!(part().open_chunk(index, last, &mut buf).is_err());
            assert!(buf.is_empty(), "nothing unproven is left in the buffer");
        }
        assert!(part().open_chunk(7, false, &mut sealed).is_ok());
        assert_eq!(sealed, noise(CHUNK));
    }

    #[test]
    fn a_changed_byte_anywhere_does_not_open() {
        let sealed = part().seal(&noise(CHUNK + 3));
        for at in [0, 1, CHUNK - 1, CHUNK, CHUNK + TAG - 1, CHUNK + TAG, sealed.len() - 1] {
            let mut bent = sealed.clone();
            bent[at] ^= 0x80;
            assert!(part().open(&bent).is_err(), "byte {at}");
        }
    }

    #[test]
    fn two_writings_of_one_part_share_no_key() {
        let chance = Chance::seeded(5);
        let (a, b) = (part().seal_afresh(b"first", &chance), part().seal_afresh(b"other", &chance));
        assert_eq!(part().open_afresh(&a).unwrap(), b"first");
        assert_eq!(part().open_afresh(&b).unwrap(), b"other");
        let crossed = [&a[..SALT], &b[SALT..]].concat();
        assert!(part().open_afresh(&crossed).is_err());
        assert!(part().open_afresh(&a[..SALT - 1]).is_err());
        assert!(part().open(&a[SALT..]).is_err(), "the unsalted key is another");
    }

    #[test]
    #[should_panic(expected = "a chunk of 10 bytes (last: false)")]
    fn a_short_chunk_in_the_middle_is_not_sealed() {
        part().seal_chunk(0, false, &mut vec![0; 10], 0);
    }

    #[test]
    #[should_panic(expected = "a chunk of 65537 bytes (last: true)")]
    fn a_long_chunk_is_not_sealed() {
        part().seal_chunk(0, true, &mut vec![0; CHUNK + 1], 0);
    }

    #[test]
    fn the_format_is_what_an_independent_program_makes() {
        // Python's `cryptography`: HKDF(SHA256, 32, salt=None, info=place), AESGCM with nonces 00…00|00 and 00…01|01.
        let plain: Vec<u8> = (0..CHUNK + 4).map(|i| (i % 251) as u8).collect();
        let sealed = part().seal(&plain);
        assert_eq!(hex::encode(crate::sha256(&[&sealed])), "55fccdff495065b1e71c4fcec2c892cf42c62b36cc7ba081972f18223efc0606");
    }
}
