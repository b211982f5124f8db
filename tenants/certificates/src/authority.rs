//! An authority as it is uploaded: one PEM file with the certificate, and perhaps those between.

use crate::{
    crl::List,
    facts::{self, colons},
    strength,
};
use kernel::{ClientCaId, Time};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use std::time::Duration;
use x509_parser::prelude::*;

/// A root and a few certificates under it are some KiB.
const MAX_PEM_BYTES: usize = 256 * 1024;
const MAX_CHAIN: usize = 5;

/// Why a file is not an authority; a sentence for whoever uploaded it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAuthority {
    #[error(
        "Paste the authority's certificate: a block that begins with -----BEGIN CERTIFICATE-----. A file in DER (.cer, .der) becomes one with “openssl x509 -inform der -in FILE”."
    )]
    Empty,
    #[error("This is more than {} KiB, so it is not a certificate.", MAX_PEM_BYTES / 1024)]
    TooLarge,
    #[error("There is a private key in this. We need the certificate alone and kept nothing; treat that key as known to others.")]
    PrivateKey,
    #[error("A block in this cannot be read as a certificate.")]
    Unreadable,
    #[error("There are more than {MAX_CHAIN} certificates in this. Give the authority and those between it and your people's.")]
    TooMany,
    #[error("“{0}” is not the certificate of an authority: it may not issue others.")]
    NotAnAuthority(String),
    #[error("“{0}” cannot be trusted: {1}.")]
    Weak(String, String),
    #[error("“{0}” has expired.")]
    Expired(String),
    #[error("“{0}” is not valid yet.")]
    NotYet(String),
    #[error("“{0}” does not fit the others: all certificates in one file must lead to one authority. Upload other authorities one by one.")]
    Stray(String),
    #[error("The signature of “{0}” is not right.")]
    BadSignature(String),
}

/// One that a tenant accepts.
pub(crate) struct Authority {
    pub id: ClientCaId,
    /// The topmost last.
    pub chain: Vec<CertificateDer<'static>>,
    pub maps_by_address: bool,
    /// How long a list counts beyond its own end.
    pub grace: Duration,
    /// `None`: one that was never fetched. Where there are none at all revocation is not asked about.
    pub lists: Vec<Option<List>>,
}

impl Authority {
    pub fn top(&self) -> Option<&CertificateDer<'static>> {
        self.chain.last()
    }
}

/// A file that was found good.
#[derive(Debug)]
pub(crate) struct Uploaded {
    /// The topmost last.
    pub chain: Vec<CertificateDer<'static>>,
    pub subject: String,
    /// SHA-256 of the topmost certificate.
    pub fingerprint: [u8; 32],
    /// When the first of them ends.
    pub not_after: Time,
}

impl Uploaded {
    pub fn parse(pem: &str, now: Time) -> Result<Uploaded, BadAuthority> {
        if pem.contains("PRIVATE KEY") {
            return Err(BadAuthority::PrivateKey);
        }
        if pem.len() > MAX_PEM_BYTES {
            return Err(BadAuthority::TooLarge);
        }
        let ders = of_pem(pem)?;
        let read: Vec<X509Certificate<'_>> =
            ders.iter().map(facts::read).collect::<Result<_, _>>().map_err(|_| BadAuthority::Unreadable)?;
        read.iter().try_for_each(|one| may_stand(one, now))?;
        let order = order(&read)?;
        let top = &read[*order.last().ok_or(BadAuthority::Empty)?];
        let not_after = read.iter().map(|one| facts::at(one.validity().not_after)).min().unwrap_or_default();
        Ok(Uploaded {
            subject: facts::shown(top.subject()),
            fingerprint: keys::sha256(&[top.as_raw()]),
            not_after,
            chain: order.iter().map(|at| ders[*at].clone()).collect(),
        })
    }
}

/// The certificates of a text, each once.
pub(crate) fn of_pem(pem: &str) -> Result<Vec<CertificateDer<'static>>, BadAuthority> {
    let mut ders: Vec<CertificateDer<'static>> = Vec::new();
    for der in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let der = der.map_err(|_| BadAuthority::Unreadable)?;
        if !ders.contains(&der) {
            ders.push(der);
        }
        if ders.len() > MAX_CHAIN {
            return Err(BadAuthority::TooMany);
        }
    }
    if ders.is_empty() { Err(BadAuthority::Empty) } else { Ok(ders) }
}

/// As a text again.
pub(crate) fn to_pem(chain: &[CertificateDer<'_>]) -> String {
    chain.iter().map(|der| pem_of(der)).collect()
}

fn pem_of(der: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// An authority of today, by its own words.
fn may_stand(one: &X509Certificate<'_>, now: Time) -> Result<(), BadAuthority> {
    let name = facts::shown(one.subject());
    let is_ca = one.basic_constraints().ok().flatten().is_some_and(|basic| basic.value.ca);
    let signs = one.key_usage().ok().is_some_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()));
    if one.version() != X509Version::V3 || !is_ca || !signs {
        return Err(BadAuthority::NotAnAuthority(name));
    }
    strength::of_key(one.public_key()).map_err(|why| BadAuthority::Weak(name.clone(), why))?;
    let oid = one.signature_algorithm.algorithm.as_bytes();
    if !strength::SIGNATURES.iter().any(|known| known.signature_alg_id().as_ref().get(2..2 + oid.len()) == Some(oid)) {
        return Err(BadAuthority::Weak(name, "it is signed by a method that can be forged, or that we do not know".to_owned()));
    }
    if facts::at(one.validity().not_after) < now {
        return Err(BadAuthority::Expired(name));
    }
    if now < facts::at(one.validity().not_before) {
        return Err(BadAuthority::NotYet(name));
    }
    Ok(())
}

/// Places in the file from the lowest to the topmost, each signed by the next.
fn order(read: &[X509Certificate<'_>]) -> Result<Vec<usize>, BadAuthority> {
    let own = |one: &X509Certificate<'_>| one.subject() == one.issuer();
    let issuer_of = |at: usize| (0..read.len()).find(|of| *of != at && read[*of].subject() == read[at].issuer());
    let tops: Vec<usize> = (0..read.len()).filter(|at| own(&read[*at]) || issuer_of(*at).is_none()).collect();
    let [top] = tops[..] else {
        let stray = tops.get(1).or(tops.first()).map_or_else(String::new, |at| facts::shown(read[*at].subject()));
        return Err(BadAuthority::Stray(stray));
    };
    if own(&read[top]) && !signs(&read[top], &read[top]) {
        return Err(BadAuthority::BadSignature(facts::shown(read[top].subject())));
    }
    let mut up = vec![top];
    while up.len() < read.len() {
        let lowest = *up.first().expect("the topmost is there");
        let below = (0..read.len()).find(|at| !up.contains(at) && read[*at].issuer() == read[lowest].subject());
        let Some(below) = below else {
            let stray = (0..read.len()).find(|at| !up.contains(at)).map_or_else(String::new, |at| facts::shown(read[at].subject()));
            return Err(BadAuthority::Stray(stray));
        };
        if !signs(&read[lowest], &read[below]) {
            return Err(BadAuthority::BadSignature(facts::shown(read[below].subject())));
        }
        up.insert(0, below);
    }
    Ok(up)
}

fn signs(issuer: &X509Certificate<'_>, one: &X509Certificate<'_>) -> bool {
    strength::signed(issuer.public_key(), &one.signature_algorithm, one.tbs_certificate.as_ref(), &one.signature_value)
}

/// As people compare it over the telephone.
pub(crate) fn fingerprint_words(fingerprint: &[u8]) -> String {
    colons(fingerprint)
}
