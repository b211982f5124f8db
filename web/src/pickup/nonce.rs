//! One nonce a rendered page, bound to the browser's cookie and to the link: a button can only be pressed where it was shown.

use crate::Web;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::Time;
use keys::Token;
use std::time::Duration;

/// A page may lie open this long before its buttons stop working.
const LIFE: Duration = Duration::from_secs(86_400);
const MADE_AT: usize = 8;
const RANDOM: usize = 16;
const MAC: usize = 32;

pub fn make(web: &Web, cookie: &Token, link: &Token) -> String {
    let now = web.post.db.clock().now();
    seal(&key(web), now, web.post.db.chance().bytes(), cookie, link)
}

pub fn genuine(web: &Web, cookie: &Token, link: &Token, given: &str) -> bool {
    opens(&key(web), web.post.db.clock().now(), cookie, link, given)
}

fn key(web: &Web) -> [u8; 32] {
    web.post.db.roots().derive("pickup-page")
}

fn seal(key: &[u8; 32], now: Time, random: [u8; RANDOM], cookie: &Token, link: &Token) -> String {
    let mut bytes = now.0.to_be_bytes().to_vec();
    bytes.extend(random);
    let mac = keys::mac(key, &[&bytes, &cookie.hash(), &link.hash()]);
    bytes.extend(mac);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn opens(key: &[u8; 32], now: Time, cookie: &Token, link: &Token, given: &str) -> bool {
    let bytes = match URL_SAFE_NO_PAD.decode(given) {
        Ok(bytes) if bytes.len() == MADE_AT + RANDOM + MAC => bytes,
        _ => return false,
    };
    let (head, mac) = bytes.split_at(MADE_AT + RANDOM);
    let made = Time(i64::from_be_bytes(head[..MADE_AT].try_into().expect("the head has more than eight bytes")));
    keys::same(&keys::mac(key, &[head, &cookie.hash(), &link.hash()]), mac) && now.since(made) <= LIFE
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Chance;

    #[test]
    fn a_nonce_opens_in_its_own_browser_for_its_own_link_and_day() {
        let chance = Chance::seeded(1);
        let (cookie, link, other) = (Token::random(&chance), Token::random(&chance), Token::random(&chance));
        let (key, now) = ([7; 32], Time(1_000_000));
        let nonce = seal(&key, now, chance.bytes(), &cookie, &link);
        assert!(opens(&key, now, &cookie, &link, &nonce));
        assert!(opens(&key, now.plus(LIFE), &cookie, &link, &nonce));
        assert!(!opens(&key, now.plus(LIFE + Duration::from_millis(1)), &cookie, &link, &nonce));
        assert!(!opens(&key, now, &other, &link, &nonce));
        assert!(!opens(&key, now, &cookie, &other, &nonce));
        assert!(!opens(&[8; 32], now, &cookie, &link, &nonce));
        assert_ne!(nonce, seal(&key, now, chance.bytes(), &cookie, &link));
        for i in 0..nonce.len() {
            let mut bytes = nonce.clone().into_bytes();
            bytes[i] = if bytes[i] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(changed == nonce || !opens(&key, now, &cookie, &link, &changed));
        }
        assert!(!opens(&key, now, &cookie, &link, ""));
    }
}
