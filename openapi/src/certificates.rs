//! `/v1/authorities` and `/v1/certificates`: whose client certificates count, and those of the key's member.
//!
//! What would surprise you: nothing here lets anybody in. Accepting an authority, changing its rules and removing it take a fresh factor, and
//! so does getting a certificate; a key has none to give. Whoever may accept an authority may sign in as any member.

use crate::{
    Api,
    answer::{Answer, NoContent},
    ids::Id,
    problem::Problem,
    words::At,
};
use client_certificates::{AuthorityView, CertificateView, ListView};
use kernel::{ClientCaId, ClientCertificateId};
use poem_openapi::Object;
use serde::Serialize;
use store::Caller;

/// An authority whose client certificates the tenant accepts.
#[derive(Object, Serialize)]
pub(crate) struct Authority {
    id: Id<ClientCaId>,
    subject: String,
    /// SHA-256 of its certificate, `A1:0F:…`.
    fingerprint: String,
    /// When the first certificate of its chain ends.
    not_after: At,
    /// Made here, for members alone.
    made_here: bool,
    /// An e-mail address in its certificates says whose they are: the member who signs in, the recipient of a message.
    maps_by_address: bool,
    /// Its lists of revoked certificates, and those of authorities between; none: revocation is not asked about.
    lists: Vec<RevocationList>,
    /// Hours that a list counts beyond its own end.
    crl_grace_hours: i64,
}

/// A list of revoked certificates (RFC 5280 §5).
#[derive(Object, Serialize)]
pub(crate) struct RevocationList {
    /// Where it is fetched.
    url: String,
    /// Until when the one that we have counts, grace included. Without one nobody gets in by the authority.
    good_until: Option<At>,
    /// What went wrong with the last look for it.
    said: Option<String>,
}

/// Oldest first.
#[derive(Object, Serialize)]
pub(crate) struct AuthorityList {
    authorities: Vec<Authority>,
}

/// A client certificate of the key's member.
#[derive(Object, Serialize)]
pub(crate) struct Certificate {
    id: Id<ClientCertificateId>,
    /// The common name, to be shown.
    subject: String,
    /// `A1:0F:…`.
    serial: String,
    /// Any sound certificate of the same key counts.
    by_key: bool,
    made_here: bool,
    not_after: At,
    added_at: At,
    last_used_at: Option<At>,
    revoked_at: Option<At>,
}

/// Newest first, revoked ones last.
#[derive(Object, Serialize)]
pub(crate) struct CertificateList {
    certificates: Vec<Certificate>,
}

pub(crate) async fn authorities(api: &Api, caller: &Caller) -> Result<Answer<AuthorityList>, Problem> {
    let views = api.certificates.authorities(caller).await?;
    Ok(Answer(AuthorityList { authorities: views.into_iter().map(authority).collect() }))
}

pub(crate) async fn certificates(api: &Api, caller: &Caller) -> Result<Answer<CertificateList>, Problem> {
    let views = api.certificates.certificates(caller).await?;
    Ok(Answer(CertificateList { certificates: views.into_iter().map(certificate).collect() }))
}

pub(crate) async fn revoke(api: &Api, caller: &Caller, id: ClientCertificateId) -> Result<NoContent, Problem> {
    if api.certificates.revoke(caller, id).await? { Ok(NoContent::Done) } else { Err(Problem::not_found()) }
}

fn authority(view: AuthorityView) -> Authority {
    Authority {
        id: Id(view.id),
        subject: view.subject,
        fingerprint: view.fingerprint,
        not_after: At(view.not_after),
        made_here: view.own,
        maps_by_address: view.rules.maps_by_address,
        lists: view.lists.into_iter().map(list).collect(),
        crl_grace_hours: view.rules.crl_grace_hours,
    }
}

fn list(view: ListView) -> RevocationList {
    RevocationList { url: view.url, good_until: view.good_until.map(At), said: (!view.said.is_empty()).then_some(view.said) }
}

fn certificate(view: CertificateView) -> Certificate {
    Certificate {
        id: Id(view.id),
        subject: view.subject,
        serial: view.serial,
        by_key: view.by_key,
        made_here: view.issued,
        not_after: At(view.not_after),
        added_at: At(view.added_at),
        last_used_at: view.last_used_at.map(At),
        revoked_at: view.revoked_at.map(At),
    }
}
