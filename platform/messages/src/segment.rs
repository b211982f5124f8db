//! How a file lies in its blob: segments of 64 chunks, each chunk sealed under its place in the whole file.
//!
//! What would surprise you: a segment begins with a random salt that its key is derived with. An upload that broke may send
//! other bytes for the same place, and the same key and nonce must never seal two different chunks.

use bytes::Bytes;
use kernel::{Chance, Fault, FaultKind};
use keys::{CHUNK, PartKey, SALT, TAG};

const CHUNKS: usize = 64;
/// Plain bytes of a full segment: 4 MiB.
pub(crate) const SEGMENT: usize = CHUNKS * CHUNK;

/// Number of the segment that holds byte `at`.
pub(crate) fn number(at: u64) -> u64 {
    at / SEGMENT as u64
}

/// Seals the segment that starts at byte `start` (a multiple of `SEGMENT`). `last`: the file ends with it.
pub(crate) fn seal(key: &PartKey, start: u64, plain: &[u8], last: bool, chance: &Chance) -> Bytes {
    let salt: [u8; SALT] = chance.bytes();
    let key = key.salted(&salt);
    let chunks = plain.len().div_ceil(CHUNK);
    let mut out = Vec::with_capacity(SALT + plain.len() + chunks * TAG);
    out.extend_from_slice(&salt);
    let mut chunk = Vec::with_capacity(CHUNK + TAG);
    for (i, piece) in plain.chunks(CHUNK).enumerate() {
        chunk.clear();
        chunk.extend_from_slice(piece);
        key.seal_chunk(start / CHUNK as u64 + i as u64, last && i + 1 == chunks, &mut chunk);
        out.extend_from_slice(&chunk);
    }
    out.into()
}

/// Opens segment `number` of a file of `size` bytes.
pub(crate) fn open(key: &PartKey, number: u64, size: u64, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
    let damaged = || Fault::new(FaultKind::Sealed, "a sealed segment is too short");
    let (salt, rest) = sealed.split_at_checked(SALT).ok_or_else(damaged)?;
    let key = key.salted(salt.try_into().map_err(|_| damaged())?);
    let last_chunk = size.div_ceil(CHUNK as u64).saturating_sub(1);
    let mut out = Vec::with_capacity(rest.len());
    let mut chunk = Vec::with_capacity(CHUNK + TAG);
    for (i, piece) in rest.chunks(CHUNK + TAG).enumerate() {
        let index = number * CHUNKS as u64 + i as u64;
        chunk.clear();
        chunk.extend_from_slice(piece);
        key.open_chunk(index, index == last_chunk, &mut chunk)?;
        out.extend_from_slice(&chunk);
    }
    let expected = (size - number * SEGMENT as u64).min(SEGMENT as u64);
    if out.len() as u64 == expected { Ok(out) } else { Err(damaged()) }
}
