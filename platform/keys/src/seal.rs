//! The one way a small value is sealed: a key derived for its place, AES-256-GCM, and the place again as additional data.
//!
//! What would surprise you: a derived key per place keeps random nonces harmless (NIST SP 800-38D §8.3 allows 2^32 of them
//! a key; here each place has its own 2^32).

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf,
};
use kernel::{Chance, Fault, FaultKind};
use zeroize::Zeroizing;

/// First byte of every sealed value, and part of its place: how it is encoded, and by which derivation.
pub(crate) const FORMAT: u8 = 1;

/// Where a value belongs. Every field carries its length, so no two lists of fields read the same.
#[derive(Clone)]
pub(crate) struct Place(Vec<u8>);

impl Place {
    pub(crate) fn new(purpose: &str) -> Place {
        Place(Vec::with_capacity(128)).with(b"countersign").with(&[FORMAT]).with(purpose.as_bytes())
    }
    pub(crate) fn with(mut self, field: &[u8]) -> Place {
        push_field(&mut self.0, field);
        self
    }
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Length as four bytes, big-endian, then the field.
pub(crate) fn push_field(to: &mut Vec<u8>, field: &[u8]) {
    let len = u32::try_from(field.len()).expect("fields are ids, names and purposes, never 4 GiB");
    to.extend_from_slice(&len.to_be_bytes());
    to.extend_from_slice(field);
}

/// HKDF-SHA256 (RFC 5869), extract and expand. `N` at most 8,160 bytes.
pub(crate) fn derive<const N: usize>(secret: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; N]> {
    struct Len(usize);
    impl hkdf::KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut out = Zeroizing::new([0; N]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[info], Len(N))
        .and_then(|okm| okm.fill(out.as_mut()))
        .expect("RFC 5869 §2.3: up to 255 blocks; every N here is at most two");
    out
}

/// The AES-256-GCM key that belongs to a place.
pub(crate) fn key_for(secret: &[u8], place: &Place) -> LessSafeKey {
    aead_key(&derive(secret, &[], place.as_bytes()))
}

pub(crate) fn aead_key(bytes: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("AES-256 takes 32 bytes"))
}

/// Seals under the key of this place: format, nonce, ciphertext, tag. 29 bytes longer than `plain`.
pub(crate) fn seal(secret: &[u8], place: &Place, plain: &[u8], chance: &Chance) -> Vec<u8> {
    let mut out = vec![FORMAT];
    seal_onto(&mut out, &key_for(secret, place), place, plain, chance);
    out
}

/// Opens what [`seal`] made; anything else, or from anywhere else, is a fault of kind `Sealed`.
pub(crate) fn open(secret: &[u8], place: &Place, sealed: &[u8], what: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    match sealed.split_first() {
        Some((&FORMAT, rest)) => open_rest(&key_for(secret, place), place, rest).ok_or_else(|| damaged(what)),
        _ => Err(damaged(what)),
    }
}

pub(crate) fn seal_onto(out: &mut Vec<u8>, key: &LessSafeKey, place: &Place, plain: &[u8], chance: &Chance) {
    let nonce: [u8; NONCE_LEN] = chance.bytes();
    out.extend_from_slice(&nonce);
    let start = out.len();
    out.extend_from_slice(plain);
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), &mut out[start..])
        .expect("AES-GCM seals up to 64 GiB (SP 800-38D §5.2.1.1)");
    out.extend_from_slice(tag.as_ref());
}

pub(crate) fn open_rest(key: &LessSafeKey, place: &Place, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut buf = Zeroizing::new(rest.to_vec());
    let len = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.as_bytes()), &mut buf).ok()?.len();
    buf.truncate(len);
    Some(buf)
}

pub(crate) fn damaged(what: &str) -> Fault {
    Fault::new(FaultKind::Sealed, format!("{what} does not open: wrong key, moved row or damage"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hkdf_gives_the_answers_of_rfc_5869() {
        // A.1, A.2 and A.3; our outputs are a prefix of theirs, as §2.3 makes them.
        let (ikm, salt, info) =
            ([0x0b; 22], hex::decode("000102030405060708090a0b0c").unwrap(), hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap());
        assert_eq!(
            hex::encode(*derive::<42>(&ikm, &salt, &info)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
        let range = |a: u8, b: u8| (a..=b).collect::<Vec<u8>>();
        assert_eq!(
            hex::encode(*derive::<64>(&range(0, 0x4f), &range(0x60, 0xaf), &range(0xb0, 0xff))),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
        );
        assert_eq!(hex::encode(*derive::<32>(&ikm, &[], &[])), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
    }

    #[test]
    fn no_two_lists_of_fields_read_the_same() {
        let of = |fields: &[&str]| fields.iter().fold(Place::new("test"), |p, f| p.with(f.as_bytes())).0;
        let lists: [&[&str]; 6] = [&["ab", "c"], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"], &["a", "b", "c"]];
        for (i, a) in lists.iter().enumerate() {
            for b in &lists[i + 1..] {
                assert_ne!(of(a), of(b), "{a:?} {b:?}");
            }
        }
        assert_ne!(Place::new("ab").with(b"c").0, Place::new("a").with(b"bc").0);
    }

    #[test]
    fn any_changed_bit_and_any_cut_is_a_fault() {
        let (key, place, chance) = ([7; 32], Place::new("test"), Chance::seeded(1));
        let sealed = seal(&key, &place, b"hello", &chance);
        assert_eq!(sealed.len(), 5 + 29);
        assert_eq!(open(&key, &place, &sealed, "it").unwrap().as_slice(), b"hello");
        for bit in 0..sealed.len() * 8 {
            let mut bent = sealed.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&key, &place, &bent, "it").unwrap_err().kind(), FaultKind::Sealed, "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert!(open(&key, &place, &sealed[..len], "it").is_err(), "cut to {len}");
        }
        assert!(open(&[8; 32], &place, &sealed, "it").is_err());
        assert!(open(&key, &Place::new("tess"), &sealed, "it").is_err());
    }

    #[test]
    fn the_same_value_sealed_twice_looks_different() {
        let (key, place, chance) = ([7; 32], Place::new("test"), Chance::seeded(1));
        assert_ne!(seal(&key, &place, b"hello", &chance), seal(&key, &place, b"hello", &chance));
    }
}
