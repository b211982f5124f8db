//! A small authority of our own, for tenants that have none: it gives a member a certificate with its key, as one PKCS#12 file.
//!
//! What would surprise you: the file is made here and kept nowhere, so it is given once. The authority's key lies sealed under the tenant's
//! key; what it issued is revoked in the table of certificates, and needs no list.

use crate::{
    ClientCertificates, SetRefused,
    authorities::{self, Rules, must_be_stepped_up},
    authority::Uploaded,
    enrol::{Enrolled, MAX_CERTIFICATES, living},
    facts::{self, Facts},
};
use issuing::Root;
use kernel::{Chance, ClientCaId, Fault, MemberId, Time};
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use rustls_pki_types::CertificateDer;
use sea_orm::QueryFilter;
use store::{
    Caller, Look, Right, TenantRead,
    entity::{client_ca, client_certificate, member},
};

const LEAF_DAYS: i64 = 365;
const KEY: &str = "client ca key";
/// The file travels by download and lies in a folder for a while.
const MIN_PASSWORD_CHARS: usize = 12;
const MAX_PASSWORD_CHARS: usize = 256;
const ROUNDS: u32 = 50_000;

/// A certificate with its key.
pub struct Issued {
    /// PKCS#12 (RFC 7292).
    pub file: Vec<u8>,
    pub name: &'static str,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum IssueRefused {
    #[error(transparent)]
    Set(#[from] SetRefused),
    #[error("Your organisation has an authority of its own. Ask there for a certificate.")]
    HasAnother,
    #[error("Your organisation does not give out certificates yet. An owner or an administrator can begin it.")]
    NotBegun,
    /// Belongs to the field `file_password`.
    #[error("The password of the file must have {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters.")]
    Password,
    #[error("{limit} certificates are the most that one person can have. Revoke one first.")]
    TooMany { limit: u64 },
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ClientCertificates {
    /// Founds the tenant's own authority.
    pub async fn found_own(&self, caller: &Caller) -> Result<ClientCaId, IssueRefused> {
        caller.must(Right::SetCertificates).map_err(SetRefused::from)?;
        let db = &self.accounts.db;
        if !self.authorities(caller).await?.is_empty() {
            return Err(IssueRefused::HasAnother);
        }
        let root = root(db.clock().now(), db.chance())?;
        let uploaded =
            Uploaded::parse(&root.certificate, db.clock().now()).map_err(|bad| Fault::other(format!("our own authority: {bad}")))?;
        let act = db.act(caller, async |tx| {
            let id = ClientCaId::new(tx.now(), tx.chance());
            let sealed = tx.keys().seal(KEY, id.0, root.key.as_bytes(), tx.chance());
            self.put(tx, &uploaded, &Rules::default(), Some((id, sealed))).await
        });
        Ok(act.await?)
    }

    /// A certificate for the caller, who is stepped up; `password` protects the file.
    pub async fn issue(&self, caller: &Caller, password: &str) -> Result<Issued, IssueRefused> {
        if !(MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&password.chars().count()) {
            return Err(IssueRefused::Password);
        }
        let db = &self.accounts.db;
        let (own, member) = db.read(caller, async |read| ready(read).await).await?;
        let leaf = leaf(&own, &member, db.clock().now(), db.chance())?;
        let file = pkcs12(&leaf, &own, password)?;
        let (id, ca) = (MemberId(member.id), own.id);
        let row = Enrolled {
            member: id,
            ca: ca.0,
            issuer_key_hash: own.key_hash,
            serial: &leaf.facts.serial,
            key_hash: leaf.facts.key_hash,
            by_key: false,
            issued: true,
            subject: &leaf.facts.subject,
            not_after: leaf.facts.not_after,
        };
        let act = db.act(caller, async |tx| {
            must_be_stepped_up(tx).await?;
            if tx.find::<client_certificate::Entity>().filter(living(id)).count().await? >= MAX_CERTIFICATES {
                return Err(IssueRefused::TooMany { limit: MAX_CERTIFICATES });
            }
            if authorities::find(tx, ca).await?.is_none() {
                return Err(IssueRefused::NotBegun);
            }
            Ok(row.insert(tx).await?)
        });
        act.await?;
        Ok(Issued { file, name: "countersign.p12" })
    }
}

/// The tenant's own authority, opened.
struct Own {
    id: ClientCaId,
    root: CertificateDer<'static>,
    key_hash: [u8; 32],
    issuer: Issuer<'static, KeyPair>,
}

struct Leaf {
    der: CertificateDer<'static>,
    key: Vec<u8>,
    facts: Facts,
}

async fn ready(read: &TenantRead) -> Result<(Own, member::Model), IssueRefused> {
    must_be_stepped_up(read).await?;
    let member = accounts::member_of(read).await?.ok_or(SetRefused::StepUp)?;
    let rows = authorities::rows(read).await?;
    if rows.iter().any(|row| row.key_sealed.is_none()) {
        return Err(IssueRefused::HasAnother);
    }
    let row = rows.into_iter().next().ok_or(IssueRefused::NotBegun)?;
    Ok((open(read, &row)?, member))
}

fn open(look: &impl Look, row: &client_ca::Model) -> Result<Own, Fault> {
    let sealed = row.key_sealed.as_deref().ok_or_else(|| Fault::other("an authority without its key"))?;
    let pem = String::from_utf8(look.keys().open(KEY, row.id, sealed)?).map_err(|_| Fault::other("an authority's key is damaged"))?;
    let key = KeyPair::from_pem(&pem).map_err(trouble)?;
    let chain = crate::authority::of_pem(&row.chain).map_err(|bad| Fault::other(format!("our own authority: {bad}")))?;
    let root = chain.into_iter().next_back().ok_or_else(|| Fault::other("an authority without a certificate"))?;
    let key_hash = Facts::of(&root).map_err(|bad| Fault::other(format!("our own authority: {bad}")))?.key_hash;
    let issuer = Issuer::from_ca_cert_der(&root, key).map_err(trouble)?;
    Ok(Own { id: ClientCaId(row.id), root, key_hash, issuer })
}

/// With a name of its own, so that a browser with certificates of two tenants offers the right one.
fn root(now: Time, chance: &Chance) -> Result<Root, Fault> {
    let mark = facts::colons(&chance.bytes::<4>());
    issuing::root(&format!("Countersign client certificates {mark}"), now, chance).map_err(trouble)
}

fn leaf(own: &Own, member: &member::Model, now: Time, chance: &Chance) -> Result<Leaf, Fault> {
    let key = KeyPair::generate().map_err(trouble)?;
    let mut params = issuing::leaf(ExtendedKeyUsagePurpose::ClientAuth, now, LEAF_DAYS, chance);
    params.distinguished_name.push(DnType::CommonName, member.name.as_str());
    params.subject_alt_names = vec![SanType::Rfc822Name(member.email.as_str().try_into().map_err(trouble)?)];
    let certificate = params.signed_by(&key, &own.issuer).map_err(trouble)?;
    let der = certificate.der().clone();
    let facts = Facts::of(&der).map_err(|bad| Fault::other(format!("our own certificate: {bad}")))?;
    Ok(Leaf { der, key: key.serialize_der(), facts })
}

fn pkcs12(leaf: &Leaf, own: &Own, password: &str) -> Result<Vec<u8>, Fault> {
    let broken = |e: p12_keystore::error::Error| Fault::other(format!("a PKCS#12 file cannot be made: {e}"));
    let chain = [leaf.der.as_ref(), own.root.as_ref()].map(|der| Certificate::from_der(der).map_err(broken));
    let chain = chain.into_iter().collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKey::from_der(&leaf.key).map_err(broken)?;
    let mut store = KeyStore::new();
    let id = leaf.facts.key_hash[..20].to_vec();
    store.add_entry("Countersign", KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(id, key, chain)));
    store.writer(password).encryption_iterations(ROUNDS).mac_iterations(ROUNDS).write().map_err(broken)
}

fn trouble(error: rcgen::Error) -> Fault {
    Fault::other(format!("a certificate cannot be made: {error}"))
}
