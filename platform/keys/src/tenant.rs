//! Tenant keys: they seal small values, wrap message keys for their slots, and derive the tokens that mails carry.
//!
//! What would surprise you: pickup tokens, mailed links and mailed codes are derived, not stored, so that a reminder
//! carries the same link and the database holds nothing but its SHA-256.

use crate::{
    MessageKey, Token,
    seal::{self, Place},
};
use kernel::{Chance, Fault, MailedLinkId, MessageId, RecipientId, TenantId, VisitId};
use std::{fmt, sync::Arc};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Digits of a mailed code.
pub const CODE_DIGITS: usize = 6;

/// The key of one tenant. Clones share the bytes, which are wiped with the last one.
#[derive(Clone)]
pub struct TenantKey(Arc<Inner>);

struct Inner {
    tenant: TenantId,
    key: Zeroizing<[u8; 32]>,
}

/// Whose copy of a message key it is. Destroying the slot takes the message away from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// Whoever writes it, until it is sent.
    Draft,
    /// The sender, who may look at what they sent.
    Sender,
    /// One recipient without a message password.
    Recipient(RecipientId),
}

impl TenantKey {
    pub(crate) fn from_bytes(tenant: TenantId, key: Zeroizing<[u8; 32]>) -> TenantKey {
        TenantKey(Arc::new(Inner { tenant, key }))
    }
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0.key
    }
    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    /// Seals a small value (draft content, a hint) of one row; `purpose` is the column, `subject` the row. 29 bytes longer.
    pub fn seal(&self, purpose: &'static str, subject: Uuid, plain: &[u8], chance: &Chance) -> Vec<u8> {
        seal::seal(self.bytes(), &self.value_place(purpose, subject), plain, chance)
    }

    /// A fault of kind `Sealed` for any other purpose, tenant or row.
    pub fn open(&self, purpose: &'static str, subject: Uuid, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut plain = seal::open(self.bytes(), &self.value_place(purpose, subject), sealed, purpose)?;
        Ok(std::mem::take(&mut *plain))
    }

    pub fn new_message_key(&self, message: MessageId, chance: &Chance) -> MessageKey {
        MessageKey::from_bytes(self.tenant(), message, Zeroizing::new(chance.bytes()))
    }

    /// Wraps a message key for one slot (61 bytes). Panics if the key belongs to another tenant.
    pub fn wrap(&self, slot: Slot, key: &MessageKey, chance: &Chance) -> Vec<u8> {
        self.assert_ours(key);
        seal::seal(self.bytes(), &self.slot_place(key.message(), slot), key.bytes(), chance)
    }

    /// A fault of kind `Sealed` for any other tenant, message or slot.
    pub fn unwrap(&self, message: MessageId, slot: Slot, wrapped: &[u8]) -> Result<MessageKey, Fault> {
        let what = "a message key";
        let plain = seal::open(self.bytes(), &self.slot_place(message, slot), wrapped, what)?;
        MessageKey::from_plain(self.tenant(), message, &plain).ok_or_else(|| seal::damaged(what))
    }

    /// What a recipient's link carries; the same in every notice and reminder.
    pub fn pickup_token(&self, recipient: RecipientId) -> Token {
        self.token("pickup token", recipient.0)
    }

    /// What a mailed link carries that proves an address or resets a password.
    pub fn link_token(&self, link: MailedLinkId) -> Token {
        self.token("mailed link", link.0)
    }

    /// The `nth` code mailed within a visit: six decimal digits, each code as likely as any other.
    pub fn pickup_code(&self, visit: VisitId, nth: i64) -> String {
        const CODES: u64 = 10u64.pow(CODE_DIGITS as u32);
        let place = self.place("pickup code").with(visit.0.as_bytes());
        let key = seal::derive(self.bytes(), &[], place.as_bytes());
        // The few numbers above the last full round of codes are drawn again: they would favour low codes.
        let number = (0u64..)
            .map(|draw| crate::mac(&key, &[&nth.to_be_bytes(), &draw.to_be_bytes()]))
            .map(|mac| u64::from_be_bytes(*mac.first_chunk().expect("a MAC has 32 bytes")))
            .find(|number| *number < u64::MAX - u64::MAX % CODES)
            .expect("a draw fails once in 10^13");
        format!("{:0CODE_DIGITS$}", number % CODES)
    }

    /// What message passwords are mixed with: a stolen database alone cannot be searched for them.
    pub(crate) fn pepper(&self) -> Zeroizing<[u8; 32]> {
        seal::derive(self.bytes(), &[], self.place("message password pepper").as_bytes())
    }

    pub(crate) fn place(&self, purpose: &str) -> Place {
        Place::new(purpose).with(self.tenant().0.as_bytes())
    }

    pub(crate) fn assert_ours(&self, key: &MessageKey) {
        assert_eq!(key.tenant(), self.tenant(), "a message key is wrapped by its own tenant only");
    }

    fn value_place(&self, purpose: &str, subject: Uuid) -> Place {
        self.place("value").with(purpose.as_bytes()).with(subject.as_bytes())
    }

    fn slot_place(&self, message: MessageId, slot: Slot) -> Place {
        let (kind, id): (u8, &[u8]) = match &slot {
            Slot::Draft => (0, &[]),
            Slot::Sender => (1, &[]),
            Slot::Recipient(recipient) => (2, recipient.0.as_bytes()),
        };
        self.place("message slot").with(message.0.as_bytes()).with(&[kind]).with(id)
    }

    fn token(&self, purpose: &str, subject: Uuid) -> Token {
        let place = self.place(purpose).with(subject.as_bytes());
        Token::from_bytes(*seal::derive(self.bytes(), &[], place.as_bytes()))
    }
}

impl fmt::Debug for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantKey({})", self.tenant())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{FaultKind, Time};
    use std::collections::HashSet;

    /// Two tenants with the same key bytes: only the place tells them apart.
    fn tenants(chance: &Chance) -> (TenantKey, TenantKey) {
        let of = |_| TenantKey::from_bytes(TenantId::new(Time(1), chance), Zeroizing::new([5; 32]));
        (of(1), of(2))
    }

    #[test]
    fn a_value_moved_to_another_tenant_row_or_column_does_not_open() {
        let chance = Chance::seeded(1);
        let (a, b) = tenants(&chance);
        let (row, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = a.seal("hint", row, b"the dog", &chance);
        assert_eq!(a.open("hint", row, &sealed).unwrap(), b"the dog");
        for moved in [a.open("hint", other, &sealed), a.open("draft", row, &sealed), b.open("hint", row, &sealed)] {
            assert_eq!(moved.unwrap_err().kind(), FaultKind::Sealed);
        }
        let mut newer = sealed;
        newer[0] += 1;
        assert!(a.open("hint", row, &newer).is_err(), "another format version");
    }

    #[test]
    fn a_slot_moved_to_another_tenant_message_or_recipient_does_not_open() {
        let chance = Chance::seeded(1);
        let (a, b) = tenants(&chance);
        let (msg, other) = (MessageId::new(Time(1), &chance), MessageId::new(Time(1), &chance));
        let (bob, eve) = (RecipientId::new(Time(1), &chance), RecipientId::new(Time(1), &chance));
        let key = a.new_message_key(msg, &chance);
        let slots = [Slot::Draft, Slot::Sender, Slot::Recipient(bob), Slot::Recipient(eve)];
        for slot in slots {
            let wrapped = a.wrap(slot, &key, &chance);
            assert_eq!(wrapped.len(), 61);
            assert_eq!(a.unwrap(msg, slot, &wrapped).unwrap().bytes(), key.bytes());
            for wrong in slots.into_iter().filter(|s| *s != slot) {
                assert!(a.unwrap(msg, wrong, &wrapped).is_err(), "{slot:?} as {wrong:?}");
            }
            assert!(a.unwrap(other, slot, &wrapped).is_err());
            assert!(b.unwrap(msg, slot, &wrapped).is_err());
        }
    }

    #[test]
    #[should_panic(expected = "its own tenant only")]
    fn a_message_key_is_not_wrapped_by_another_tenant() {
        let chance = Chance::seeded(1);
        let (a, b) = tenants(&chance);
        let key = a.new_message_key(MessageId::new(Time(1), &chance), &chance);
        b.wrap(Slot::Sender, &key, &chance);
    }

    #[test]
    fn tokens_are_the_same_each_time_and_differ_by_subject_kind_and_tenant() {
        let chance = Chance::seeded(1);
        let (a, b) = tenants(&chance);
        let id = Uuid::from_u128(7);
        assert_eq!(a.pickup_token(RecipientId(id)), a.clone().pickup_token(RecipientId(id)));
        let all = [
            a.pickup_token(RecipientId(id)),
            a.pickup_token(RecipientId(Uuid::from_u128(8))),
            a.link_token(MailedLinkId(id)),
            b.pickup_token(RecipientId(id)),
            b.link_token(MailedLinkId(id)),
        ];
        assert_eq!(all.iter().map(Token::hash).collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn links_already_mailed_keep_working() {
        // From Python: HKDF-SHA256 without salt over the encoded place. If this changes, links in people's mailboxes die.
        let key = TenantKey::from_bytes(TenantId(Uuid::from_u128(1)), Zeroizing::new([5; 32]));
        assert_eq!(key.pickup_token(RecipientId(Uuid::from_u128(2))).to_string(), "FEMr_gxYwr0FhZreVDeCF7BtmZ8OhRtjdX4Lxx4_eis");
        assert_eq!(key.link_token(MailedLinkId(Uuid::from_u128(2))).to_string(), "uo-srhg9Z6P2alMkbL4JiLQ_A5gNbmM3BW8i44aX-w0");
        assert_eq!(key.pickup_code(VisitId(Uuid::from_u128(3)), 1), "387009");
    }

    #[test]
    fn codes_are_six_digits_and_evenly_spread() {
        let key = tenants(&Chance::seeded(1)).0;
        let visit = |n| VisitId(Uuid::from_u128(n));
        assert_eq!(key.pickup_code(visit(1), 1), key.pickup_code(visit(1), 1));
        assert_ne!(key.pickup_code(visit(1), 1), key.pickup_code(visit(1), 2));
        let mut first_digits = [0u32; 10];
        for n in 0..2_000 {
            let code = key.pickup_code(visit(n), 1);
            assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
            first_digits[usize::from(code.as_bytes()[0] - b'0')] += 1;
        }
        // 200 expected each, standard deviation 13.4.
        assert!(first_digits.iter().all(|n| (140..=260).contains(n)), "{first_digits:?}");
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", tenants(&Chance::seeded(1)).0);
        assert!(shown.starts_with("TenantKey(ten_") && shown.len() == "TenantKey(ten_)".len() + 26, "{shown}");
    }
}
