//! What a certificate says of itself.

use crate::verify::BadCertificate;
use kernel::Time;
use rustls_pki_types::CertificateDer;
use x509_parser::{extensions::GeneralName, prelude::*, time::ASN1Time};

/// A certificate larger than this is not one that a person carries.
const MAX_BYTES: usize = 32 * 1024;
/// Characters of a name that are shown.
const SHOWN: usize = 100;
const MAX_ADDRESSES: usize = 20;

/// Facts of one certificate. Nothing in it is proven by being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The common name, or all of the subject; for display alone.
    pub subject: String,
    pub issuer: String,
    /// As encoded.
    pub serial: Vec<u8>,
    pub not_before: Time,
    pub not_after: Time,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key_hash: [u8; 32],
    /// E-mail addresses of the subject alternative name (RFC 5280 §4.2.1.6).
    pub addresses: Vec<String>,
}

impl Facts {
    pub fn of(der: &CertificateDer<'_>) -> Result<Facts, BadCertificate> {
        Ok(Facts::from(&read(der)?))
    }
    /// "A1:0F:…", as other programs show it.
    pub fn serial_words(&self) -> String {
        colons(&self.serial)
    }
}

/// Whole, and nothing after it.
pub(crate) fn read<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, BadCertificate> {
    if der.len() > MAX_BYTES {
        return Err(BadCertificate::Unreadable);
    }
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(BadCertificate::Unreadable),
    }
}

impl From<&X509Certificate<'_>> for Facts {
    fn from(read: &X509Certificate<'_>) -> Facts {
        let names = read.subject_alternative_name().ok().flatten().map(|san| &san.value.general_names);
        let addresses = names.into_iter().flatten().filter_map(|name| match name {
            GeneralName::RFC822Name(address) => Some((*address).to_owned()),
            _ => None,
        });
        Facts {
            subject: shown(read.subject()),
            issuer: shown(read.issuer()),
            serial: read.raw_serial().to_vec(),
            not_before: at(read.validity().not_before),
            not_after: at(read.validity().not_after),
            key_hash: keys::sha256(&[read.public_key().raw]),
            addresses: addresses.take(MAX_ADDRESSES).collect(),
        }
    }
}

pub(crate) fn at(time: ASN1Time) -> Time {
    Time(time.timestamp().saturating_mul(1_000))
}

pub(crate) fn shown(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().next().and_then(|name| name.as_str().ok()).map(str::to_owned);
    kernel::shown(&common.unwrap_or_else(|| name.to_string()), SHOWN)
}

/// Bytes as fingerprints are written.
pub(crate) fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
