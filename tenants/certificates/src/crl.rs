//! Lists of revoked certificates (RFC 5280 §5): read, and found to be an authority's own.

use crate::{facts, strength};
use kernel::Time;
use moka::sync::Cache;
use rustls_pki_types::CertificateDer;
use sea_orm::prelude::Uuid;
use std::{sync::Arc, time::Duration};
use store::entity::client_ca_list::Model;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::{prelude::FromDer, revocation_list::CertificateRevocationList};

/// Bytes of a list: some hundred thousand certificates.
pub const MAX_LIST_BYTES: usize = 10 * 1024 * 1024;
/// Clocks may differ by this much.
const SKEW: Duration = Duration::from_secs(3_600);
const PEM: &[u8] = b"-----BEGIN";

/// Why a list is not taken; a sentence for the tenant's administrator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadList {
    #[error("It cannot be read as a list of revoked certificates in DER.")]
    Unreadable,
    #[error("It is in PEM; authorities publish DER (RFC 5280 §5), so give the address of that.")]
    IsPem,
    #[error("It is of a kind that we do not follow: indirect, partial by reason, or only the changes since another.")]
    Partial,
    #[error("It was issued by “{0}”, which is not one of the certificates of this authority.")]
    Foreign(String),
    #[error("Its signature is not right.")]
    BadSignature,
    #[error("It does not say when the next one comes.")]
    NoEnd,
    #[error("It was to be replaced at {0}, and is not.")]
    Over(String),
    #[error("It is dated {0}, which is in the future.")]
    Early(String),
    #[error("It is older than the one that we have.")]
    Older,
}

/// Bytes of lists, as they were fetched, that are kept read.
const KEPT_BYTES: u64 = 64 * 1024 * 1024;
const IDLE: Duration = Duration::from_secs(3_600);

/// Lists that were read before: the longest take a tenth of a second. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct Lists(Cache<Kept, Arc<Read>>);

/// One list as it was kept: each look writes its moment into the row, and with it perhaps another list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kept {
    tenant: Uuid,
    id: Uuid,
    looked_at: Option<i64>,
    bytes: usize,
}

pub(crate) struct Read {
    pub list: CertRevocationList<'static>,
    /// Whose certificates it speaks of, DER.
    pub issuer: Vec<u8>,
}

/// A list in use.
pub(crate) struct List {
    pub read: Arc<Read>,
    /// Its own end and the tenant's grace.
    pub good_until: Time,
}

/// A list that was found good.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub next_at: Time,
}

impl Default for Lists {
    fn default() -> Lists {
        let weigh = |kept: &Kept, _: &Arc<Read>| u32::try_from(kept.bytes).unwrap_or(u32::MAX);
        Lists(Cache::builder().max_capacity(KEPT_BYTES).weigher(weigh).time_to_idle(IDLE).build())
    }
}

impl Lists {
    /// What was fetched, if anything was.
    pub(crate) fn of(&self, row: &Model, grace: Duration) -> Option<List> {
        let (der, next_at) = row.der.as_deref().zip(row.next_at)?;
        let key = Kept { tenant: row.tenant_id, id: row.id, looked_at: row.looked_at, bytes: der.len() };
        let whole = self.0.get(&key).or_else(|| {
            let whole = read_whole(der)?;
            self.0.insert(key, whole.clone());
            Some(whole)
        });
        Some(List { read: whole?, good_until: Time(next_at).plus(grace) })
    }
}

pub(crate) fn read_whole(der: &[u8]) -> Option<Arc<Read>> {
    let issuer = read(der)?.issuer().as_raw().to_vec();
    Some(Arc::new(Read { list: CertRevocationList::from(OwnedCertRevocationList::from_der(der).ok()?), issuer }))
}

/// Whether `der` is to replace `before` for the authority of `chain`.
pub(crate) fn check(der: &[u8], before: Option<&[u8]>, chain: &[CertificateDer<'_>], now: Time) -> Result<Fetched, BadList> {
    if der.starts_with(PEM) {
        return Err(BadList::IsPem);
    }
    let list = read(der).ok_or(BadList::Unreadable)?;
    OwnedCertRevocationList::from_der(der).map_err(|error| match error {
        webpki::Error::UnsupportedIndirectCrl
        | webpki::Error::UnsupportedDeltaCrl
        | webpki::Error::UnsupportedRevocationReasonsPartitioning
        | webpki::Error::UnsupportedCriticalExtension => BadList::Partial,
        _ => BadList::Unreadable,
    })?;
    signed(&list, chain)?;
    let next = list.next_update().map(facts::at).ok_or(BadList::NoEnd)?;
    let made = facts::at(list.last_update());
    if made > now.plus(SKEW) {
        return Err(BadList::Early(made.rfc3339()));
    }
    if next <= now {
        return Err(BadList::Over(next.rfc3339()));
    }
    let newest = before.and_then(read).map(|before| facts::at(before.last_update()));
    if newest.is_some_and(|newest| made < newest) { Err(BadList::Older) } else { Ok(Fetched { next_at: next }) }
}

fn read(der: &[u8]) -> Option<CertificateRevocationList<'_>> {
    CertificateRevocationList::from_der(der).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, list)| list)
}

fn signed(list: &CertificateRevocationList<'_>, chain: &[CertificateDer<'_>]) -> Result<(), BadList> {
    let mut named = false;
    for der in chain {
        let Ok(issuer) = facts::read(der) else { continue };
        if issuer.subject() != list.issuer() {
            continue;
        }
        named = true;
        let may = issuer.key_usage().ok().is_some_and(|usage| usage.is_none_or(|usage| usage.value.crl_sign()));
        if may && strength::signed(issuer.public_key(), &list.signature_algorithm, list.tbs_cert_list.as_ref(), &list.signature_value) {
            return Ok(());
        }
    }
    Err(if named { BadList::BadSignature } else { BadList::Foreign(facts::shown(list.issuer())) })
}
