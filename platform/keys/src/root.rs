//! Root keys: the only keys outside the database. They wrap tenant keys and derive the server's own MAC keys.
//!
//! What would surprise you: two may be live. The one with the higher version seals, both open, so that a root key can be
//! replaced while the tenant keys are wrapped anew one by one.

use crate::{
    TenantKey,
    seal::{self, Place},
};
use kernel::{Chance, Fault, FaultKind, TenantId};
use std::{fmt, sync::Arc};
use zeroize::Zeroizing;

/// Up to two live root keys, the newest first. Clones share the bytes, which are wiped with the last one.
#[derive(Clone)]
pub struct RootKeys(Arc<Vec<Root>>);

#[derive(Clone)]
struct Root {
    version: i64,
    key: Zeroizing<[u8; 32]>,
}

/// A tenant key as the database keeps it: the root key's version beside the sealed bytes (61 of them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedTenantKey {
    pub version: i64,
    pub bytes: Vec<u8>,
}

/// Something of the server's own (an account at a CA, a certificate's key) as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedByRoot {
    pub version: i64,
    pub bytes: Vec<u8>,
}

impl RootKeys {
    pub fn new(version: i64, key: [u8; 32]) -> RootKeys {
        RootKeys(Arc::new(vec![Root { version, key: Zeroizing::new(key) }]))
    }

    /// Adds the other live key. The higher version seals; a version that is there already stays as it is.
    pub fn with_previous(self, version: i64, key: [u8; 32]) -> RootKeys {
        if self.0.iter().any(|root| root.version == version) {
            return self;
        }
        let mut live: Vec<Root> = self.0.iter().take(1).cloned().collect();
        live.push(Root { version, key: Zeroizing::new(key) });
        live.sort_by_key(|root| std::cmp::Reverse(root.version));
        RootKeys(Arc::new(live))
    }

    /// The version that seals; a tenant key wrapped under another should be wrapped anew.
    pub fn version(&self) -> i64 {
        self.newest().version
    }

    /// A random tenant key, and the same wrapped for the database.
    pub fn new_tenant_key(&self, tenant: TenantId, chance: &Chance) -> (TenantKey, WrappedTenantKey) {
        let key = TenantKey::from_bytes(tenant, Zeroizing::new(chance.bytes()));
        let wrapped = self.wrap_tenant_key(&key, chance);
        (key, wrapped)
    }

    /// Wraps under the newest root key: after a new root key, once for every tenant.
    pub fn wrap_tenant_key(&self, key: &TenantKey, chance: &Chance) -> WrappedTenantKey {
        let root = self.newest();
        let place = tenant_key_place(key.tenant(), root.version);
        WrappedTenantKey { version: root.version, bytes: seal::seal(root.key.as_slice(), &place, key.bytes(), chance) }
    }

    /// A fault of kind `Sealed` if the root key of that version is not live, or the row is another tenant's or damaged.
    pub fn open_tenant_key(&self, tenant: TenantId, wrapped: &WrappedTenantKey) -> Result<TenantKey, Fault> {
        let root = self.0.iter().find(|root| root.version == wrapped.version).ok_or_else(|| {
            let what = format!("the key of {tenant} is wrapped under root key {}, which is not in the root key file", wrapped.version);
            Fault::new(FaultKind::Sealed, what)
        })?;
        let what = "a tenant key";
        let plain = seal::open(root.key.as_slice(), &tenant_key_place(tenant, root.version), &wrapped.bytes, what)?;
        let bytes = plain.as_slice().try_into().map_err(|_| seal::damaged(what))?;
        Ok(TenantKey::from_bytes(tenant, Zeroizing::new(bytes)))
    }

    /// Seals what belongs to no tenant; it opens for the same `purpose` and `of` alone.
    pub fn seal(&self, purpose: &str, of: &str, plain: &[u8], chance: &Chance) -> SealedByRoot {
        let root = self.newest();
        SealedByRoot { version: root.version, bytes: seal::seal(root.key.as_slice(), &own_place(purpose, of, root.version), plain, chance) }
    }

    /// A fault of kind `Sealed` if the root key of that version is not live, or it was sealed for something else, or is damaged.
    pub fn open(&self, purpose: &str, of: &str, sealed: &SealedByRoot) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let root = self.0.iter().find(|root| root.version == sealed.version).ok_or_else(|| {
            let what = format!("the {purpose} of {of} is sealed under root key {}, which is not in the root key file", sealed.version);
            Fault::new(FaultKind::Sealed, what)
        })?;
        let place = own_place(purpose, of, root.version);
        seal::open(root.key.as_slice(), &place, &sealed.bytes, &format!("the {purpose} of {of}"))
    }

    /// A MAC key of the server's own (form nonces, CSRF, hashes of names in brakes), from the newest root key.
    ///
    /// It changes with the root key: only for what may be forgotten then.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let place = Place::new("server-wide key").with(purpose.as_bytes());
        *seal::derive(self.newest().key.as_slice(), &[], place.as_bytes())
    }

    fn newest(&self) -> &Root {
        self.0.first().expect("never empty: made with one key and only added to")
    }

    /// For the file: version and key, newest first.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (i64, &[u8; 32])> {
        self.0.iter().map(|root| (root.version, &*root.key))
    }
}

fn tenant_key_place(tenant: TenantId, version: i64) -> Place {
    Place::new("tenant key").with(tenant.0.as_bytes()).with(&version.to_be_bytes())
}

fn own_place(purpose: &str, of: &str, version: i64) -> Place {
    Place::new("server's own").with(purpose.as_bytes()).with(of.as_bytes()).with(&version.to_be_bytes())
}

impl fmt::Debug for RootKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<i64> = self.0.iter().map(|root| root.version).collect();
        write!(f, "RootKeys(versions {versions:?})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Time;

    fn tenant(seed: u64) -> TenantId {
        TenantId::new(Time(1_000), &Chance::seeded(seed))
    }

    #[test]
    fn a_tenant_key_opens_for_its_own_tenant_only() {
        let (roots, chance) = (RootKeys::new(1, [1; 32]), Chance::seeded(5));
        let (key, wrapped) = roots.new_tenant_key(tenant(1), &chance);
        assert_eq!(wrapped.bytes.len(), 61);
        assert_eq!(roots.open_tenant_key(tenant(1), &wrapped).unwrap().bytes(), key.bytes());
        assert_eq!(roots.open_tenant_key(tenant(2), &wrapped).unwrap_err().kind(), FaultKind::Sealed);
        assert!(RootKeys::new(1, [2; 32]).open_tenant_key(tenant(1), &wrapped).is_err());
    }

    #[test]
    fn a_tenant_key_under_another_version_does_not_open() {
        // The same key bytes under two versions: only the version in the place tells them apart.
        let roots = RootKeys::new(1, [1; 32]).with_previous(2, [1; 32]);
        let (_, wrapped) = roots.new_tenant_key(tenant(1), &Chance::seeded(5));
        assert_eq!(wrapped.version, 2);
        let moved = WrappedTenantKey { version: 1, ..wrapped.clone() };
        assert!(roots.open_tenant_key(tenant(1), &moved).is_err());
        let unknown = WrappedTenantKey { version: 3, ..wrapped };
        let fault = roots.open_tenant_key(tenant(1), &unknown).unwrap_err();
        assert!(fault.to_string().contains("root key 3, which is not in the root key file"), "{fault}");
    }

    #[test]
    fn the_newest_root_seals_and_the_previous_still_opens() {
        let chance = Chance::seeded(5);
        let old = RootKeys::new(1, [1; 32]);
        let (key, wrapped) = old.new_tenant_key(tenant(1), &chance);
        for both in [RootKeys::new(2, [2; 32]).with_previous(1, [1; 32]), old.clone().with_previous(2, [2; 32])] {
            assert_eq!(both.version(), 2);
            let opened = both.open_tenant_key(tenant(1), &wrapped).unwrap();
            assert_eq!(opened.bytes(), key.bytes());
            let anew = both.wrap_tenant_key(&opened, &chance);
            assert_eq!(anew.version, 2);
            assert_eq!(RootKeys::new(2, [2; 32]).open_tenant_key(tenant(1), &anew).unwrap().bytes(), key.bytes());
            assert_eq!(both.derive("csrf"), RootKeys::new(2, [2; 32]).derive("csrf"));
        }
    }

    #[test]
    fn server_wide_keys_differ_by_purpose_and_root() {
        let roots = RootKeys::new(1, [1; 32]);
        assert_eq!(roots.derive("csrf"), roots.derive("csrf"));
        assert_ne!(roots.derive("csrf"), roots.derive("pickup form"));
        assert_ne!(roots.derive("csrf"), RootKeys::new(1, [2; 32]).derive("csrf"));
    }

    #[test]
    fn what_is_the_servers_own_opens_in_its_own_place_alone() {
        let (old, chance) = (RootKeys::new(1, [1; 32]), Chance::seeded(5));
        let sealed = old.seal("certificate key", "a.example", b"secret", &chance);
        assert!(!sealed.bytes.windows(6).any(|w| w == b"secret"));
        let both = RootKeys::new(2, [2; 32]).with_previous(1, [1; 32]);
        assert_eq!(both.open("certificate key", "a.example", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(both.seal("certificate key", "a.example", b"secret", &chance).version, 2);
        for (purpose, of) in [("certificate key", "b.example"), ("acme account", "a.example"), ("certificate keya", ".example")] {
            assert_eq!(old.open(purpose, of, &sealed).unwrap_err().kind(), FaultKind::Sealed, "{purpose} {of}");
        }
        let fault = RootKeys::new(2, [2; 32]).open("certificate key", "a.example", &sealed).unwrap_err().to_string();
        assert!(fault.contains("root key 1, which is not in the root key file"), "{fault}");
        let claimed = SealedByRoot { version: 2, ..sealed };
        assert!(RootKeys::new(1, [1; 32]).with_previous(2, [1; 32]).open("certificate key", "a.example", &claimed).is_err());
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", RootKeys::new(7, [0xab; 32])), "RootKeys(versions [7])");
    }
}
