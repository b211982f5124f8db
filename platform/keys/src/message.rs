//! Message keys: one random key a message, wrapped once for every slot that may open it. Without a slot there is no message.

use crate::{
    PartKey, Token,
    seal::{self, Place},
};
use kernel::{AttachmentId, Chance, Fault, MessageId, TenantId, VisitId};
use zeroize::Zeroizing;

/// The key of one message's content. Wiped when dropped.
#[derive(Clone)]
pub struct MessageKey {
    tenant: TenantId,
    message: MessageId,
    key: Zeroizing<[u8; 32]>,
}

/// What of a message is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Body,
    Attachment(AttachmentId),
}

impl MessageKey {
    pub(crate) fn from_bytes(tenant: TenantId, message: MessageId, key: Zeroizing<[u8; 32]>) -> MessageKey {
        MessageKey { tenant, message, key }
    }
    /// What was unwrapped must be 32 bytes; its place said whose they are.
    pub(crate) fn from_plain(tenant: TenantId, message: MessageId, plain: &[u8]) -> Option<MessageKey> {
        Some(MessageKey { tenant, message, key: Zeroizing::new(plain.try_into().ok()?) })
    }
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }
    pub fn message(&self) -> MessageId {
        self.message
    }
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// The key of one part, derived. One part is one content: see [`PartKey`].
    pub fn part(&self, part: Part) -> PartKey {
        let (kind, id): (u8, &[u8]) = match &part {
            Part::Body => (0, &[]),
            Part::Attachment(id) => (1, id.0.as_bytes()),
        };
        let place = Place::new("part").with(self.tenant.0.as_bytes()).with(self.message.0.as_bytes()).with(&[kind]).with(id);
        PartKey::new(&self.key, place)
    }

    /// A commitment to some bytes that only whoever has this key can check; with the key it is gone.
    pub fn commitment(&self, bytes: &[u8]) -> [u8; 32] {
        let place = Place::new("commitment").with(self.tenant.0.as_bytes()).with(self.message.0.as_bytes());
        crate::mac(&seal::derive(self.key.as_slice(), &[], place.as_bytes()), &[bytes])
    }

    /// Wraps for one browser: only its cookie opens it again, so between two requests of a visit the server alone cannot.
    pub fn wrap_for_browser(&self, visit: VisitId, cookie: &Token, chance: &Chance) -> Vec<u8> {
        seal::seal(cookie.as_bytes(), &browser_place(self.tenant, self.message, visit), self.key.as_slice(), chance)
    }

    /// A fault of kind `Sealed` under another cookie, or for another tenant, message or visit.
    pub fn unwrap_for_browser(
        tenant: TenantId,
        message: MessageId,
        visit: VisitId,
        wrapped: &[u8],
        cookie: &Token,
    ) -> Result<MessageKey, Fault> {
        let what = "a message key for a browser";
        let plain = seal::open(cookie.as_bytes(), &browser_place(tenant, message, visit), wrapped, what)?;
        MessageKey::from_plain(tenant, message, &plain).ok_or_else(|| seal::damaged(what))
    }
}

fn browser_place(tenant: TenantId, message: MessageId, visit: VisitId) -> Place {
    Place::new("browser").with(tenant.0.as_bytes()).with(message.0.as_bytes()).with(visit.0.as_bytes())
}

impl std::fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MessageKey({})", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Time;

    fn key(tenant: TenantId, message: MessageId) -> MessageKey {
        MessageKey::from_bytes(tenant, message, Zeroizing::new([0xab; 32]))
    }

    #[test]
    fn a_part_moved_to_another_tenant_message_or_part_does_not_open() {
        let chance = Chance::seeded(1);
        let (ten, other_ten) = (TenantId::new(Time(1), &chance), TenantId::new(Time(1), &chance));
        let (msg, other_msg) = (MessageId::new(Time(1), &chance), MessageId::new(Time(1), &chance));
        let (att, other_att) = (AttachmentId::new(Time(1), &chance), AttachmentId::new(Time(1), &chance));
        let sealed = key(ten, msg).part(Part::Attachment(att)).seal(b"content");
        assert_eq!(key(ten, msg).part(Part::Attachment(att)).open(&sealed).unwrap(), b"content");
        // The same key bytes everywhere: only the place tells them apart.
        assert!(key(ten, msg).part(Part::Attachment(other_att)).open(&sealed).is_err());
        assert!(key(ten, msg).part(Part::Body).open(&sealed).is_err());
        assert!(key(ten, other_msg).part(Part::Attachment(att)).open(&sealed).is_err());
        assert!(key(other_ten, msg).part(Part::Attachment(att)).open(&sealed).is_err());
    }

    #[test]
    fn only_the_browser_with_the_cookie_opens_its_slot() {
        let chance = Chance::seeded(1);
        let (ten, msg, vis) = (TenantId::new(Time(1), &chance), MessageId::new(Time(1), &chance), VisitId::new(Time(1), &chance));
        let (cookie, other) = (Token::random(&chance), Token::random(&chance));
        let wrapped = key(ten, msg).wrap_for_browser(vis, &cookie, &chance);
        let opened = MessageKey::unwrap_for_browser(ten, msg, vis, &wrapped, &cookie).unwrap();
        assert_eq!((opened.bytes(), opened.message(), opened.tenant()), (&[0xab; 32], msg, ten));
        assert!(MessageKey::unwrap_for_browser(ten, msg, vis, &wrapped, &other).is_err());
        assert!(MessageKey::unwrap_for_browser(ten, msg, VisitId::new(Time(1), &chance), &wrapped, &cookie).is_err());
        assert!(MessageKey::unwrap_for_browser(ten, MessageId::new(Time(1), &chance), vis, &wrapped, &cookie).is_err());
        assert!(MessageKey::unwrap_for_browser(TenantId::new(Time(1), &chance), msg, vis, &wrapped, &cookie).is_err());
    }

    #[test]
    fn debug_shows_no_key() {
        let chance = Chance::seeded(1);
        let shown = format!("{:?}", key(TenantId::new(Time(1), &chance), MessageId::new(Time(1), &chance)));
        assert!(shown.starts_with("MessageKey(msg_") && !shown.contains("171") && !shown.contains("abab"), "{shown}");
    }
}
