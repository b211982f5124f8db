//! Ids: UUIDv7 (RFC 9562 §5.7) inside, `msg_` and 26 characters of Crockford's base32 outside.

use crate::{Chance, Time};
use std::{fmt, str::FromStr};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Text that is not an id of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an id of ours")]
pub struct BadId;

/// A new time-ordered id.
pub fn new_uuid(now: Time, chance: &Chance) -> Uuid {
    let millis = u64::try_from(now.0).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &chance.bytes()).into_uuid()
}

fn write_base32(id: Uuid, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let n = id.as_u128();
    let mut text = [0u8; 26];
    for (i, c) in text.iter_mut().enumerate() {
        *c = ALPHABET[((n >> (125 - 5 * i)) & 31) as usize];
    }
    f.write_str(std::str::from_utf8(&text).expect("the alphabet is ASCII"))
}

fn read_base32(text: &str) -> Result<Uuid, BadId> {
    let digits = text.as_bytes();
    if digits.len() != 26 || digits[0] > b'7' {
        return Err(BadId);
    }
    let mut n: u128 = 0;
    for d in digits {
        let v = ALPHABET.iter().position(|a| a == d).ok_or(BadId)?;
        n = (n << 5) | v as u128;
    }
    Ok(Uuid::from_u128(n))
}

macro_rules! ids { ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => { $(
    $(#[$doc])*
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct $name(pub Uuid);

    impl $name {
        pub const PREFIX: &'static str = $prefix;
        pub fn new(now: Time, chance: &Chance) -> Self { Self(new_uuid(now, chance)) }
    }
    impl fmt::Display for $name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(concat!($prefix, "_"))?; write_base32(self.0, f) }
    }
    impl fmt::Debug for $name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
    }
    impl FromStr for $name {
        type Err = BadId;
        fn from_str(text: &str) -> Result<Self, BadId> { read_base32(text.strip_prefix(concat!($prefix, "_")).ok_or(BadId)?).map(Self) }
    }
    impl From<$name> for Uuid { fn from(id: $name) -> Uuid { id.0 } }
    impl serde::Serialize for $name {
        fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.collect_str(self) }
    }
    impl<'de> serde::Deserialize<'de> for $name {
        fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
        }
    }
)* } }

ids! {
    /// One customer, walled off.
    TenantId "ten";
    /// A person who can sign in to one tenant.
    MemberId "mem";
    /// One signed-in browser.
    SessionId "ses";
    /// One browser that an account knows.
    DeviceId "dev";
    ApiKeyId "key";
    /// One handing over of a person from host to host.
    HandOffId "hof";
    /// A mailed link that proves an address or resets a password.
    MailedLinkId "lnk";
    /// A message; its draft has the same id.
    MessageId "msg";
    RecipientId "rcp";
    AttachmentId "att";
    /// One browser of a recipient's, from the gesture on.
    VisitId "vis";
    EvidenceId "evd";
    ReplyId "rpl";
    /// A host name that a tenant owns.
    DomainId "dom";
    JobId "job";
    /// An authority whose client certificates a tenant accepts.
    ClientCaId "cca";
    /// A client certificate that signs a member in.
    ClientCertificateId "ccr";
    /// What signs somebody in at one of our hosts who proved themselves at another.
    TicketId "tkt";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_sorts_by_time() {
        let chance = Chance::seeded(1);
        let a = MessageId::new(Time(1_000), &chance);
        let b = MessageId::new(Time(2_000), &chance);
        assert_eq!(a.to_string().parse(), Ok(a));
        assert!(a.to_string() < b.to_string() && a < b);
        assert_eq!(a.0.get_version_num(), 7);
    }

    #[test]
    fn other_kinds_other_lengths_and_other_letters_are_refused() {
        let id = MessageId::new(Time(1_000), &Chance::seeded(1)).to_string();
        assert_eq!(id.parse::<RecipientId>(), Err(BadId));
        assert_eq!(id[..id.len() - 1].parse::<MessageId>(), Err(BadId));
        assert_eq!(id.to_uppercase().parse::<MessageId>(), Err(BadId));
        assert_eq!("msg_8zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<MessageId>(), Err(BadId));
        assert_eq!("msg_uuuuuuuuuuuuuuuuuuuuuuuuuu".parse::<MessageId>(), Err(BadId));
    }

    #[test]
    fn serde_uses_the_outside_form() {
        let id = MessageId::new(Time(1_000), &Chance::seeded(1));
        assert_eq!(id.to_string(), format!("{id:?}"));
    }
}
