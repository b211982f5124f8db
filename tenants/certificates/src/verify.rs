//! Whether a presented certificate holds: path, use, time, name constraints, revocation.
//!
//! What would surprise you: webpki takes an authority's name and key as given, so what else the topmost certificate says (until when, how
//! long a path) is looked at here; and it lets a certificate without a list of uses pass, which for signing in is not enough.

use crate::{
    authority::Authority,
    crl::List,
    facts::{self, Facts},
    limits::Limits,
    strength,
};
use kernel::{ClientCaId, Time};
use rustls_pki_types::{CertificateDer, UnixTime};
use std::{cmp::Reverse, time::Duration};
use webpki::{
    CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptions,
    RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath, anchor_from_trusted_cert,
};
use x509_parser::prelude::*;

/// Certificates of a chain: more than any smart card sends.
const MAX_CHAIN: usize = 10;

/// A certificate that holds now.
#[derive(Clone, Debug)]
pub struct Verified {
    pub facts: Facts,
    /// Under which of the tenant's authorities.
    pub authority: ClientCaId,
    /// SHA-256 of the SubjectPublicKeyInfo of whoever issued it.
    pub issuer_key_hash: [u8; 32],
    /// The tenant said that this authority's e-mail addresses name its members.
    pub maps_by_address: bool,
}

/// Why a certificate does not count; a sentence for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    #[error("What your browser sent cannot be read as a certificate.")]
    Unreadable,
    #[error("This certificate comes from an authority that is not accepted here.")]
    Foreign,
    #[error("This certificate is not valid yet. If that surprises you, look at the clock of your computer.")]
    NotYet,
    #[error("This certificate has expired. Ask whoever gave it to you for a new one.")]
    Expired,
    #[error(
        "The authority behind this certificate has expired, or is not valid yet. Ask your administrator to upload its new certificate."
    )]
    AuthorityOver,
    #[error("This certificate is not meant for signing in: it does not name “client authentication” among its uses.")]
    NotForSigningIn,
    #[error("This is the certificate of an authority and not of a person.")]
    IsAuthority,
    #[error("A certificate between yours and the authority may not issue certificates.")]
    BadIntermediate,
    #[error("The authority may not vouch for a name in this certificate, or for names of that kind.")]
    Constraints,
    #[error(
        "A certificate between yours and the authority may vouch for certain e-mail addresses alone, and such limits are followed in the authority's own certificate only. Ask your administrator to upload that certificate as an authority."
    )]
    AddressConstraints,
    #[error("There are more certificates between yours and the authority than the authority allows.")]
    PathTooLong,
    #[error("This certificate was revoked. Ask whoever gave it to you for a new one.")]
    Revoked,
    #[error("The authority that issued this certificate was revoked, or one above it. Ask whoever gave it to you for a new one.")]
    AuthorityRevoked,
    #[error(
        "Whether this certificate was revoked cannot be told: a list of revoked certificates is too old or was never fetched. Administrators of the organisation that asks see why in their settings."
    )]
    ListStale,
    #[error("Whether this certificate was revoked cannot be told: no list that we have is from whoever issued it.")]
    ListSilent,
    #[error("This certificate cannot be trusted: {0}.")]
    Weak(String),
    #[error("This certificate has a condition in it that we do not know, and that must not be ignored.")]
    UnknownCondition,
    #[error("This certificate is not well formed.")]
    Malformed,
}

/// Looks at a chain, leaf first, whose key the handshake has proven.
pub(crate) fn verify(presented: &[CertificateDer<'_>], authorities: &[Authority], now: Time) -> Result<Verified, BadCertificate> {
    let leaf = presented.first().ok_or(BadCertificate::Unreadable)?;
    if presented.len() > MAX_CHAIN {
        return Err(BadCertificate::PathTooLong);
    }
    let read = facts::read(leaf)?;
    let end = EndEntityCert::try_from(leaf).map_err(words)?;
    let mut why = BadCertificate::Foreign;
    for authority in authorities {
        match vouched(&end, &presented[1..], authority, now) {
            Ok(issuer_key_hash) => {
                meant_for_signing_in(&read)?;
                let (id, maps_by_address) = (authority.id, authority.maps_by_address);
                return Ok(Verified { facts: Facts::from(&read), authority: id, issuer_key_hash, maps_by_address });
            }
            Err(BadCertificate::Foreign) => {}
            Err(bad) => why = bad,
        }
    }
    Err(why)
}

/// The hash of the issuer's key, if this authority stands behind the certificate.
fn vouched(end: &EndEntityCert<'_>, sent: &[CertificateDer<'_>], by: &Authority, now: Time) -> Result<[u8; 32], BadCertificate> {
    let top = by.top().ok_or(BadCertificate::Foreign)?;
    let mut anchor = anchor_from_trusted_cert(top).map_err(words)?;
    let limits = Limits::taken_from(&mut anchor)?;
    let anchors = [anchor];
    let between: Vec<CertificateDer<'_>> = by.chain.iter().chain(sent).map(|der| CertificateDer::from(der.as_ref())).collect();
    let at = UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(now.0).unwrap_or(0)));
    let path = end.verify_for_usage(strength::SIGNATURES, &anchors, &between, at, KeyUsage::client_auth(), None, None);
    let path = path.map_err(|error| match words(error) {
        BadCertificate::Constraints if between.iter().any(|der| der != top && limits_addresses(der)) => BadCertificate::AddressConstraints,
        other => other,
    })?;
    let issuer = keys::sha256(&[path.issuer_spki().as_ref()]);
    limits.allow(&path.end_entity().der())?;
    path.intermediate_certificates().try_for_each(|between| limits.allow(&between.der()))?;
    top_allows(top, &path, now)?;
    may_issue(&path)?;
    if !by.lists.is_empty() {
        let lists = in_force(&by.lists, &path, now)?;
        let looked = |depth, unknown| {
            let options = Some(revocation(&lists, depth, unknown)?);
            let end = end.verify_for_usage(strength::SIGNATURES, &anchors, &between, at, KeyUsage::client_auth(), options, None);
            end.map(|_| ()).map_err(words)
        };
        looked(RevocationCheckDepth::EndEntity, UnknownStatusPolicy::Deny)?;
        looked(RevocationCheckDepth::Chain, UnknownStatusPolicy::Allow).map_err(|bad| match bad {
            BadCertificate::Revoked => BadCertificate::AuthorityRevoked,
            other => other,
        })?;
    }
    Ok(issuer)
}

/// The lists that count now. One that was never fetched may be anybody's; one that is too old stands in the way of those that it speaks of.
fn in_force<'a>(lists: &'a [Option<List>], path: &VerifiedPath<'_>, now: Time) -> Result<Vec<&'a CertRevocationList<'a>>, BadCertificate> {
    let mut ders = vec![path.end_entity().der()];
    ders.extend(path.intermediate_certificates().map(|between| between.der()));
    let issuers = ders.iter().map(|der| Ok(facts::read(der)?.issuer().as_raw().to_vec())).collect::<Result<Vec<_>, BadCertificate>>()?;
    let all = lists.iter().map(|list| list.as_ref().ok_or(BadCertificate::ListStale)).collect::<Result<Vec<_>, _>>()?;
    let (mut good, old): (Vec<&List>, Vec<&List>) = all.into_iter().partition(|list| now <= list.good_until);
    // Of several of one authority the first that speaks of a certificate is asked: the newest.
    good.sort_by_key(|list| Reverse(list.good_until));
    let replaced = |old: &List| good.iter().any(|list| list.read.issuer == old.read.issuer);
    if old.into_iter().any(|list| issuers.contains(&list.read.issuer) && !replaced(list)) {
        return Err(BadCertificate::ListStale);
    }
    Ok(good.into_iter().map(|list| &list.read.list).collect())
}

/// The certificate itself must be on nobody's list, and a list must speak of whoever issued it; those between may be on no list that we have.
fn revocation<'a>(
    lists: &'a [&'a CertRevocationList<'a>],
    depth: RevocationCheckDepth,
    unknown: UnknownStatusPolicy,
) -> Result<RevocationOptions<'a>, BadCertificate> {
    let options = RevocationOptionsBuilder::new(lists).map_err(|_| BadCertificate::ListStale)?;
    // How old a list may be is the tenant's grace.
    Ok(options.with_depth(depth).with_status_policy(unknown).with_expiration_policy(ExpirationPolicy::Ignore).build())
}

fn top_allows(top: &CertificateDer<'_>, path: &VerifiedPath<'_>, now: Time) -> Result<(), BadCertificate> {
    let top = facts::read(top)?;
    if now < facts::at(top.validity().not_before) || facts::at(top.validity().not_after) < now {
        return Err(BadCertificate::AuthorityOver);
    }
    let most = top.basic_constraints().ok().flatten().and_then(|basic| basic.value.path_len_constraint);
    let between = u32::try_from(path.intermediate_certificates().count()).unwrap_or(u32::MAX);
    if most.is_some_and(|most| between > most) { Err(BadCertificate::PathTooLong) } else { Ok(()) }
}

/// RFC 5280 §4.2.1.10: whether it constrains e-mail addresses, which webpki compares with nothing and so refuses.
fn limits_addresses(der: &CertificateDer<'_>) -> bool {
    let Ok(read) = facts::read(der) else { return false };
    let Ok(Some(limits)) = read.name_constraints() else { return false };
    let all = limits.value.permitted_subtrees.iter().chain(&limits.value.excluded_subtrees).flatten();
    all.into_iter().any(|one| matches!(one.base, GeneralName::RFC822Name(_)))
}

/// RFC 5280 §4.2.1.3: where key uses are named, signing certificates must be among them.
fn may_issue(path: &VerifiedPath<'_>) -> Result<(), BadCertificate> {
    for between in path.intermediate_certificates() {
        let der = between.der();
        let usage = facts::read(&der)?.key_usage().map_err(|_| BadCertificate::Malformed)?.map(|usage| usage.value.key_cert_sign());
        if usage == Some(false) {
            return Err(BadCertificate::BadIntermediate);
        }
    }
    Ok(())
}

fn meant_for_signing_in(leaf: &X509Certificate<'_>) -> Result<(), BadCertificate> {
    strength::of_key(leaf.public_key()).map_err(BadCertificate::Weak)?;
    let uses = leaf.extended_key_usage().map_err(|_| BadCertificate::Malformed)?;
    if !uses.is_some_and(|uses| uses.value.client_auth) {
        return Err(BadCertificate::NotForSigningIn);
    }
    let signs = leaf.key_usage().map_err(|_| BadCertificate::Malformed)?.is_none_or(|usage| usage.value.digital_signature());
    if signs { Ok(()) } else { Err(BadCertificate::NotForSigningIn) }
}

fn words(error: Error) -> BadCertificate {
    match error {
        Error::CertExpired { .. } => BadCertificate::Expired,
        Error::CertNotValidYet { .. } => BadCertificate::NotYet,
        Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => BadCertificate::Foreign,
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => BadCertificate::NotForSigningIn,
        Error::CaUsedAsEndEntity => BadCertificate::IsAuthority,
        Error::EndEntityUsedAsCa => BadCertificate::BadIntermediate,
        Error::NameConstraintViolation => BadCertificate::Constraints,
        Error::PathLenConstraintViolated | Error::MaximumPathDepthExceeded => BadCertificate::PathTooLong,
        Error::CertRevoked => BadCertificate::Revoked,
        Error::UnknownRevocationStatus | Error::IssuerNotCrlSigner | Error::InvalidCrlSignatureForPublicKey => BadCertificate::ListSilent,
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::UnsupportedCrlSignatureAlgorithmContext(_)
        | Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            BadCertificate::Weak("a key or signature in it is of a kind that can be forged".to_owned())
        }
        Error::UnsupportedCriticalExtension => BadCertificate::UnknownCondition,
        _ => BadCertificate::Malformed,
    }
}
