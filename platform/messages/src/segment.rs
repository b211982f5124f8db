//! How a file lies in its blob: segments of 64 chunks, each chunk sealed under its place in the whole file.
//!
//! What would surprise you: a segment begins with a random salt that its key is derived with. An upload that broke may send
//! other bytes for the same place, and the same key and nonce must never seal two different chunks.

use bytes::{Buf, Bytes};
use kernel::{Chance, Fault, FaultKind};
use keys::{CHUNK, PartKey, ResumableSha256, SALT, TAG};
use std::ops::Range;

const CHUNKS: usize = 64;
/// Random bits of a place.
const PLACE_BITS: u32 = 48;
/// Bytes of a place in the row.
const PLACE: usize = 8;
/// Plain bytes of a full segment: 4 MiB.
pub(crate) const SEGMENT: usize = CHUNKS * CHUNK;

/// Where a try to write segment `number` puts it: no two tries share a place, so one that lost replaces nothing.
pub(crate) fn fresh_place(number: u64, chance: &Chance) -> u64 {
    number << PLACE_BITS | u64::from_be_bytes(chance.bytes()) >> (u64::BITS - PLACE_BITS)
}

/// Where segment `number` lies, as the file's row has it. A file from before places were kept has its segments under their numbers.
pub(crate) fn place(places: &[u8], number: u64) -> u64 {
    let at = usize::try_from(number).ok().and_then(|n| places.chunks_exact(PLACE).nth(n));
    at.and_then(|bytes| bytes.try_into().ok()).map_or(number, u64::from_be_bytes)
}

/// Whether one of the segments lies there.
pub(crate) fn is_among(places: &[u8], place: u64) -> bool {
    places.chunks_exact(PLACE).any(|bytes| bytes == place.to_be_bytes())
}

/// `places` with that of segment `number`, the next one.
pub(crate) fn with_place(places: &[u8], number: u64, place: u64) -> Vec<u8> {
    let mut all: Vec<u8> = (0..number).flat_map(|n| self::place(places, n).to_be_bytes()).collect();
    all.extend(place.to_be_bytes());
    all
}

/// Number of the segment that holds byte `at`.
pub(crate) fn number(at: u64) -> u64 {
    at / SEGMENT as u64
}

/// A segment on its way in: hashed and sealed chunk by chunk as its bytes come, so that it lies in memory once.
pub(crate) struct Sealer {
    key: PartKey,
    /// The salt, the chunks that are sealed, and behind them the one that is not.
    sealed: Vec<u8>,
    /// Where that one begins, and its number in the file.
    open: usize,
    chunk: u64,
    /// Plain bytes so far.
    plain: usize,
}

impl Sealer {
    /// For the segment that starts at byte `start` (a multiple of `SEGMENT`), in `room` or, where that is too small for `expected` plain
    /// bytes, in as much.
    pub(crate) fn begin(key: &PartKey, start: u64, expected: usize, room: Vec<u8>, chance: &Chance) -> Sealer {
        let salt: [u8; SALT] = chance.bytes();
        let expected = expected.min(SEGMENT);
        let mut sealed = room;
        sealed.clear();
        sealed.reserve_exact(SALT + expected + expected.div_ceil(CHUNK) * TAG);
        sealed.extend_from_slice(&salt);
        Sealer { key: key.salted(&salt), open: sealed.len(), sealed, chunk: start / CHUNK as u64, plain: 0 }
    }
    /// Plain bytes so far, at most `SEGMENT`.
    pub(crate) fn len(&self) -> usize {
        self.plain
    }
    /// Takes what fits from the front of `bytes`.
    pub(crate) fn take(&mut self, bytes: &mut Bytes, hash: &mut ResumableSha256) {
        while !bytes.is_empty() && self.plain < SEGMENT {
            // Sealed when more comes: the last chunk of a file is sealed as such.
            if self.sealed.len() - self.open == CHUNK {
                self.seal(false, hash);
            }
            let n = bytes.len().min(CHUNK - (self.sealed.len() - self.open));
            self.sealed.extend_from_slice(&bytes[..n]);
            bytes.advance(n);
            self.plain += n;
        }
    }
    /// The sealed segment. `last`: the file ends with it.
    pub(crate) fn finish(mut self, last: bool, hash: &mut ResumableSha256) -> Bytes {
        self.seal(last, hash);
        self.sealed.into()
    }
    fn seal(&mut self, last: bool, hash: &mut ResumableSha256) {
        hash.update(&self.sealed[self.open..]);
        self.key.seal_chunk(self.chunk, last, &mut self.sealed, self.open);
        (self.open, self.chunk) = (self.sealed.len(), self.chunk + 1);
    }
}

/// Some chunks of one segment, to be opened without the others.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    number: u64,
    /// Of the whole file.
    size: u64,
    /// Counted in the segment.
    chunks: Range<u64>,
}

impl Piece {
    /// The chunks of segment `number` that hold any byte of `wanted`.
    pub(crate) fn holding(wanted: &Range<u64>, number: u64, size: u64) -> Piece {
        let start = number * SEGMENT as u64;
        let here = |at: u64| at.saturating_sub(start).min(plain_len(number, size));
        let chunks = here(wanted.start) / CHUNK as u64..here(wanted.end).div_ceil(CHUNK as u64);
        Piece { number, size, chunks }
    }
    /// Where its segment lies in the blob.
    pub(crate) fn lies_at(&self, places: &[u8]) -> u64 {
        place(places, self.number)
    }
    /// Where in the file its first byte is.
    pub(crate) fn start(&self) -> u64 {
        self.number * SEGMENT as u64 + self.chunks.start * CHUNK as u64
    }
    /// Where in the sealed segment its parts lie: the salt, the chunks.
    pub(crate) fn places(&self) -> [Range<u64>; 2] {
        let at = |chunks: u64| SALT as u64 + (chunks * CHUNK as u64).min(plain_len(self.number, self.size)) + chunks * TAG as u64;
        [0..SALT as u64, at(self.chunks.start)..at(self.chunks.end)]
    }
    /// Opens what lay at `places`.
    pub(crate) fn open(&self, key: &PartKey, salt: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        let damaged = || Fault::new(FaultKind::Sealed, "a sealed segment is too short");
        let key = key.salted(salt.try_into().map_err(|_| damaged())?);
        let last_chunk = self.size.div_ceil(CHUNK as u64).saturating_sub(1);
        let mut out = Vec::with_capacity(sealed.len());
        let mut chunk = Vec::with_capacity(CHUNK + TAG);
        let first = self.number * CHUNKS as u64 + self.chunks.start;
        for (index, piece) in (first..).zip(sealed.chunks(CHUNK + TAG)) {
            chunk.clear();
            chunk.extend_from_slice(piece);
            key.open_chunk(index, index == last_chunk, &mut chunk)?;
            out.extend_from_slice(&chunk);
        }
        let [_, place] = self.places();
        let expected = place.end - place.start - (self.chunks.end - self.chunks.start) * TAG as u64;
        if out.len() as u64 == expected { Ok(out) } else { Err(damaged()) }
    }
}

/// Plain bytes of segment `number` of a file of `size`.
fn plain_len(number: u64, size: u64) -> u64 {
    size.saturating_sub(number * SEGMENT as u64).min(SEGMENT as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{AttachmentId, MessageId, TenantId, Time};
    use keys::{Part, RootKeys};

    const SEG: u64 = SEGMENT as u64;
    const C: u64 = CHUNK as u64;

    #[test]
    fn places_are_found_again_and_never_shared() {
        let chance = Chance::seeded(5);
        let (mut places, mut given) = (Vec::new(), Vec::new());
        for n in 0..300 {
            let (lost, won) = (fresh_place(n, &chance), fresh_place(n, &chance));
            assert_ne!(lost, won);
            places = with_place(&places, n, won);
            given.push(won);
        }
        assert!((0..300).all(|n| place(&places, n) == given[n as usize]));
        assert_eq!((place(&[], 7), place(&with_place(&[], 2, 99), 1), place(&with_place(&[], 2, 99), 2)), (7, 1, 99), "from before places");
    }

    #[test]
    fn a_range_opens_the_chunks_that_it_needs_and_no_others() {
        let chance = Chance::seeded(4);
        let now = Time(1_795_454_042_123);
        let (tenant, _) = RootKeys::new(1, [7; 32]).new_tenant_key(TenantId::new(now, &chance), &chance);
        let key = tenant.new_message_key(MessageId::new(now, &chance), &chance).part(Part::Attachment(AttachmentId::new(now, &chance)));
        for size in [1, C, C + 1, SEG - 1, SEG, SEG + 1, 2 * SEG + 3 * C + 7] {
            let mut plain = vec![0; size as usize];
            chance.fill(&mut plain);
            let (mut hash, mut room) = (ResumableSha256::new(), vec![1; 100]);
            let sealed: Vec<Bytes> = plain
                .chunks(SEGMENT)
                .enumerate()
                .map(|(n, part)| {
                    let start = n as u64 * SEG;
                    let (mut sealer, mut rest) =
                        (Sealer::begin(&key, start, part.len(), std::mem::take(&mut room), &chance), Bytes::copy_from_slice(part));
                    while !rest.is_empty() {
                        sealer.take(&mut rest.split_to(rest.len().min(50_000)), &mut hash);
                    }
                    sealer.finish(start + part.len() as u64 == size, &mut hash)
                })
                .collect();
            assert_eq!(hash.finish(), keys::sha256(&[&plain]));
            for wanted in [0..size, 0..1, size - 1..size, size / 3..size / 2 + 1, C.min(size - 1)..size, size / 2..size / 2 + 1] {
                let mut got = Vec::new();
                for n in number(wanted.start)..number(wanted.end - 1) + 1 {
                    let piece = Piece::holding(&wanted, n, size);
                    let [salt, place] = piece.places();
                    let whole = &sealed[n as usize];
                    let chunks = &whole[place.start as usize..place.end as usize];
                    let opened = piece.open(&key, &whole[salt.start as usize..salt.end as usize], chunks).unwrap();
                    let needed = wanted.end.min((n + 1) * SEG) - wanted.start.max(n * SEG);
                    assert!((opened.len() as u64) < needed + 2 * C, "{wanted:?} of {size} opened {}", opened.len());
                    assert!(piece.open(&key, &whole[..SALT], &chunks[1..]).is_err(), "a shifted piece opens nothing");
                    let from = wanted.start.saturating_sub(piece.start()).min(opened.len() as u64) as usize;
                    let to = wanted.end.saturating_sub(piece.start()).min(opened.len() as u64) as usize;
                    got.extend_from_slice(&opened[from..to]);
                }
                assert!(got == plain[wanted.start as usize..wanted.end as usize], "{wanted:?} of {size}");
            }
        }
    }
}
