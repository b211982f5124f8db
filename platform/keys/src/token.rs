//! Tokens: 256 bits in a link, a cookie or an API key. The database keeps their SHA-256 only.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::Chance;
use std::{fmt, str::FromStr};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// 43 characters of base64url (RFC 4648 §5) carry 256 bits, without padding.
const TEXT_LEN: usize = 43;

/// A secret of 32 bytes; base64url without padding in text. Compared in constant time, wiped when dropped.
#[derive(Clone)]
pub struct Token(Zeroizing<[u8; 32]>);

/// Text that is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a token of ours")]
pub struct BadToken;

impl Token {
    pub fn random(chance: &Chance) -> Token {
        Token(Zeroizing::new(chance.bytes()))
    }
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Token {
        Token(Zeroizing::new(bytes))
    }
    /// SHA-256 of the 32 bytes: what is stored and looked up. 256 random bits need no slow hash.
    pub fn hash(&self) -> [u8; 32] {
        crate::sha256(&[self.as_bytes()])
    }
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Token {
    type Err = BadToken;
    /// Canonical text only: the two spare bits of the last character must be zero, so one changed character is never an alias.
    fn from_str(text: &str) -> Result<Token, BadToken> {
        if text.len() != TEXT_LEN {
            return Err(BadToken);
        }
        // The decoder wants room for whole groups of four characters.
        let mut bytes = Zeroizing::new([0; 33]);
        match URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut()) {
            Ok(32) => Ok(Token::from_bytes(*bytes.first_chunk().expect("33 bytes hold 32"))),
            _ => Err(BadToken),
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.as_bytes()))
    }
}
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
impl PartialEq for Token {
    fn eq(&self, other: &Token) -> bool {
        same(self.as_bytes(), other.as_bytes())
    }
}
impl Eq for Token {}

/// HMAC-SHA256 (RFC 2104) over the parts, each preceded by its length in four bytes, big-endian.
pub fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut text = Vec::new();
    for part in parts {
        crate::seal::push_field(&mut text, part);
    }
    let tag = aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key), &text);
    tag.as_ref().try_into().expect("HMAC-SHA256 has 32 bytes")
}

/// Whether both are the same bytes, in a time that tells nothing but the lengths.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_from_its_43_characters() {
        let token = Token::random(&Chance::seeded(1));
        let text = token.to_string();
        assert_eq!(text.len(), 43);
        assert_eq!(text.parse(), Ok(token.clone()));
        assert_eq!(token.hash(), crate::sha256(&[token.as_bytes()]));
        assert_eq!(format!("{token:?}"), "Token");
        assert_ne!(token, Token::random(&Chance::seeded(2)));
    }

    #[test]
    fn no_other_text_reads_as_the_same_token() {
        let token = Token::random(&Chance::seeded(1));
        let text = token.to_string();
        for i in 0..text.len() {
            for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n".chars() {
                let bent = format!("{}{c}{}", &text[..i], &text[i + 1..]);
                if bent != text {
                    assert_ne!(bent.parse(), Ok(token.clone()), "{bent}");
                }
            }
        }
        for bad in [format!("{text}="), format!("{text}A"), text[1..].into(), format!(" {text}"), String::new(), "é".repeat(22)] {
            assert_eq!(bad.parse::<Token>(), Err(BadToken), "{bad}");
        }
    }

    #[test]
    fn a_mac_is_hmac_sha256_over_lengths_and_parts() {
        // From Python: hmac.new(bytes([3]*32), b"\0\0\0\2ab\0\0\0\1c", "sha256").
        assert_eq!(hex::encode(mac(&[3; 32], &[b"ab", b"c"])), "ac85aabce452784a27aac58e50cc7c5de1c33b148daa323ba0898315420077e5");
        assert_ne!(mac(&[3; 32], &[b"ab", b"c"]), mac(&[3; 32], &[b"a", b"bc"]));
        assert_ne!(mac(&[3; 32], &[b"ab", b"c"]), mac(&[3; 32], &[b"abc"]));
    }

    #[test]
    fn same_is_equality() {
        assert!(same(b"", b"") && same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd") && !same(b"abc", b"ab") && !same(b"", b"a"));
    }
}
