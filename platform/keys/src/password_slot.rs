//! The slot of a recipient with a message password: only who knows the password opens it, the server alone never does.
//!
//! There is no verifier and no copy of the password. What would surprise you: the first 32 bytes are a commitment to the
//! key, compared before anything is opened. AES-GCM alone does not commit: one ciphertext can be made to open under two
//! keys, which lets an attacker test many passwords with one try (Len, Grubbs, Ristenpart 2021).

use crate::{
    MessageKey, StretchedPassword, TenantKey,
    seal::{self, FORMAT, Place},
};
use aws_lc_rs::aead::LessSafeKey;
use kernel::{Chance, MessageId, RecipientId};

/// The message password does not open this slot. A damaged slot reads as this, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The password is not right.")]
pub struct WrongPassword;

impl TenantKey {
    /// Wraps under the stretched password, mixed with the tenant's pepper (93 bytes). Panics if the key belongs to another tenant.
    pub fn wrap_with_password(&self, recipient: RecipientId, key: &MessageKey, password: &StretchedPassword, chance: &Chance) -> Vec<u8> {
        self.assert_ours(key);
        let place = password_place(self, key.message(), recipient);
        let (commitment, kek) = commitment_and_key(self, password, &place);
        let mut out = vec![FORMAT];
        out.extend_from_slice(&commitment);
        seal::seal_onto(&mut out, &kek, &place, key.bytes(), chance);
        out
    }

    /// Opens what [`wrap_with_password`](Self::wrap_with_password) made, for the same tenant, message and recipient.
    pub fn unwrap_with_password(
        &self,
        message: MessageId,
        recipient: RecipientId,
        wrapped: &[u8],
        password: &StretchedPassword,
    ) -> Result<MessageKey, WrongPassword> {
        let place = password_place(self, message, recipient);
        let (commitment, kek) = commitment_and_key(self, password, &place);
        let (stored, sealed) = wrapped.strip_prefix(&[FORMAT]).and_then(|w| w.split_first_chunk::<32>()).ok_or(WrongPassword)?;
        if !crate::same(stored, &commitment) {
            return Err(WrongPassword);
        }
        let plain = seal::open_rest(&kek, &place, sealed).ok_or(WrongPassword)?;
        MessageKey::from_plain(self.tenant(), message, &plain).ok_or(WrongPassword)
    }
}

/// One HKDF output, two halves: who finds two passwords with one commitment has found a collision of SHA-256.
fn commitment_and_key(tenant: &TenantKey, password: &StretchedPassword, place: &Place) -> ([u8; 32], LessSafeKey) {
    let both = seal::derive::<64>(password.as_bytes(), tenant.pepper().as_slice(), place.as_bytes());
    let (commitment, kek) = both.split_first_chunk::<32>().expect("64 bytes");
    (*commitment, seal::aead_key(kek.try_into().expect("64 - 32 = 32")))
}

fn password_place(tenant: &TenantKey, message: MessageId, recipient: RecipientId) -> Place {
    tenant.place("password slot").with(message.0.as_bytes()).with(recipient.0.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RootKeys;
    use kernel::{TenantId, Time};

    struct Town {
        chance: Chance,
        tenant: TenantKey,
        key: MessageKey,
        bob: RecipientId,
    }
    fn town() -> Town {
        let chance = Chance::seeded(1);
        let tenant = RootKeys::new(1, [1; 32]).new_tenant_key(TenantId::new(Time(1), &chance), &chance).0;
        let key = tenant.new_message_key(MessageId::new(Time(1), &chance), &chance);
        let bob = RecipientId::new(Time(1), &chance);
        Town { chance, tenant, key, bob }
    }
    fn stretched(byte: u8) -> StretchedPassword {
        StretchedPassword::from_bytes([byte; 32])
    }

    #[test]
    fn the_right_password_opens_and_a_wrong_one_does_not() {
        let t = town();
        let wrapped = t.tenant.wrap_with_password(t.bob, &t.key, &stretched(1), &t.chance);
        assert_eq!(wrapped.len(), 93);
        let open = |p| t.tenant.unwrap_with_password(t.key.message(), t.bob, &wrapped, &stretched(p)).map(|k| *k.bytes());
        assert_eq!(open(1), Ok(*t.key.bytes()));
        assert_eq!(open(2), Err(WrongPassword));
        assert_eq!(WrongPassword.to_string(), "The password is not right.");
    }

    #[test]
    fn a_password_slot_moved_to_another_tenant_message_or_recipient_does_not_open() {
        let t = town();
        let wrapped = t.tenant.wrap_with_password(t.bob, &t.key, &stretched(1), &t.chance);
        let fails = |tenant: &TenantKey, message, recipient| {
            assert_eq!(tenant.unwrap_with_password(message, recipient, &wrapped, &stretched(1)).map(|_| ()), Err(WrongPassword));
        };
        fails(&t.tenant, t.key.message(), RecipientId::new(Time(1), &t.chance));
        fails(&t.tenant, MessageId::new(Time(1), &t.chance), t.bob);
        let renamed = TenantKey::from_bytes(TenantId::new(Time(1), &t.chance), zeroize::Zeroizing::new(*t.tenant.bytes()));
        fails(&renamed, t.key.message(), t.bob);
        let other_pepper = TenantKey::from_bytes(t.tenant.tenant(), zeroize::Zeroizing::new([3; 32]));
        fails(&other_pepper, t.key.message(), t.bob);
    }

    #[test]
    fn damage_anywhere_reads_as_a_wrong_password() {
        let t = town();
        let wrapped = t.tenant.wrap_with_password(t.bob, &t.key, &stretched(1), &t.chance);
        let open = |w: &[u8]| t.tenant.unwrap_with_password(t.key.message(), t.bob, w, &stretched(1)).map(|_| ());
        for at in 0..wrapped.len() {
            let mut bent = wrapped.clone();
            bent[at] ^= 1;
            assert_eq!(open(&bent), Err(WrongPassword), "byte {at}");
            assert_eq!(open(&wrapped[..at]), Err(WrongPassword), "cut to {at}");
        }
        assert_eq!(open(&wrapped), Ok(()));
    }

    #[test]
    fn the_commitment_is_compared_even_when_the_ciphertext_would_open() {
        // A slot whose ciphertext is right but whose commitment is another password's must stay shut.
        let t = town();
        let right = t.tenant.wrap_with_password(t.bob, &t.key, &stretched(1), &t.chance);
        let other = t.tenant.wrap_with_password(t.bob, &t.key, &stretched(2), &t.chance);
        let spliced = [&[FORMAT][..], &other[1..33], &right[33..]].concat();
        for p in [1, 2] {
            assert!(t.tenant.unwrap_with_password(t.key.message(), t.bob, &spliced, &stretched(p)).is_err());
        }
    }
}
