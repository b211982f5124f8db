//! Lists of revoked certificates (RFC 5280 §5): read, and found to be an authority's own.

use crate::{facts, strength};
use kernel::Time;
use rustls_pki_types::CertificateDer;
use std::time::Duration;
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

/// A list in use.
pub(crate) struct List {
    pub list: CertRevocationList<'static>,
    /// Its own end and the tenant's grace.
    pub good_until: Time,
}

/// A list that was found good.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub next_at: Time,
}

/// Reads a list that was taken before.
pub(crate) fn kept(der: &[u8], next_at: Time, grace: Duration) -> Option<List> {
    let list = CertRevocationList::from(OwnedCertRevocationList::from_der(der).ok()?);
    Some(List { list, good_until: next_at.plus(grace) })
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
