//! A certificate chain with its key, as read from PEM, and what it says about itself.

use kernel::Time;
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use std::net::IpAddr;
use x509_parser::{extensions::GeneralName, prelude::FromDer};

/// A chain and a key are a few KiB; more is another file.
pub const MAX_PEM_BYTES: usize = 256 * 1024;
/// Leaf, intermediates, perhaps a root.
const MAX_CHAIN: usize = 10;
const MAX_NAMES: usize = 1_000;

/// Ready to be shown.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(crate) key: CertifiedKey,
    /// The leaf's DNS names and addresses, in lower case; a name may begin with `*.`.
    pub names: Vec<String>,
    pub not_before: Time,
    pub not_after: Time,
}

/// Why a certificate cannot be used; a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    #[error("it is larger than {} KiB, so it is not a certificate", MAX_PEM_BYTES / 1024)]
    TooLarge,
    #[error("there is no certificate in it (a block that begins with -----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    #[error("the certificate in it cannot be read: {0}")]
    Unreadable(String),
    #[error(
        "there is no private key in it (a block that begins with -----BEGIN PRIVATE KEY-----), or it is protected with a password, which a server cannot type"
    )]
    NoKey,
    #[error("the private key belongs to another certificate, or is of a kind that cannot be used: {0}")]
    OtherKey(String),
    #[error("the certificate names no host; browsers read the subject alternative name alone")]
    NoNames,
}

impl Certificate {
    /// Reads a chain, leaf first, and the leaf's key.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Certificate, BadCertificate> {
        if chain.len() > MAX_PEM_BYTES || key.len() > MAX_PEM_BYTES {
            return Err(BadCertificate::TooLarge);
        }
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain).take(MAX_CHAIN).collect::<Result<_, _>>().map_err(unreadable)?;
        let leaf = chain.first().ok_or(BadCertificate::NoCertificate)?;
        let (names, not_before, not_after) = read(leaf)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| BadCertificate::NoKey)?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        let key = key.map_err(|e| BadCertificate::OtherKey(e.to_string()))?;
        Ok(Certificate { key, names, not_before, not_after })
    }
}

fn read(leaf: &CertificateDer<'_>) -> Result<(Vec<String>, Time, Time), BadCertificate> {
    let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(leaf).map_err(unreadable)?;
    let names: Vec<String> = match parsed.subject_alternative_name().map_err(unreadable)? {
        Some(san) => san.value.general_names.iter().filter_map(name).take(MAX_NAMES).collect(),
        None => Vec::new(),
    };
    if names.is_empty() {
        return Err(BadCertificate::NoNames);
    }
    let at = |t: x509_parser::time::ASN1Time| Time(t.timestamp().saturating_mul(1_000));
    Ok((names, at(parsed.validity().not_before), at(parsed.validity().not_after)))
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|b| IpAddr::from(b).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|b| IpAddr::from(b).to_string()),
        },
        _ => None,
    }
}

fn unreadable(error: impl ToString) -> BadCertificate {
    BadCertificate::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::self_signed;

    #[test]
    fn names_and_times_are_read() {
        let (chain, key) = self_signed(&["Mail.Example.test", "*.example.test", "192.0.2.1", "2001:db8::1"]);
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(certificate.names, ["mail.example.test", "*.example.test", "192.0.2.1", "2001:db8::1"]);
        assert!(certificate.not_before < certificate.not_after);
    }

    #[test]
    fn what_stands_around_the_blocks_does_no_harm() {
        let (chain, key) = self_signed(&["a.test"]);
        let both =
            format!("Bag Attributes\r\n  friendlyName: a\r\n{}\r\n# mine\r\n{}", key.replace('\n', "\r\n"), chain.replace('\n', "\r\n"));
        assert!(Certificate::from_pem(both.as_bytes(), both.as_bytes()).is_ok(), "one file for both, with Windows line ends");
    }

    #[test]
    fn what_cannot_be_used_is_a_sentence() {
        let (chain, key) = self_signed(&["a.test"]);
        let (other, _) = self_signed(&["a.test"]);
        let (nameless, its_key) = self_signed(&[]);
        let block = |kind: &str| format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
        let (locked, public, request, parameters) =
            (block("ENCRYPTED PRIVATE KEY"), block("PUBLIC KEY"), block("CERTIFICATE REQUEST"), block("DH PARAMETERS"));
        let wide: Vec<u8> = chain.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let binary = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
        let foreign_first = format!("{other}{chain}");
        let cases: [(&[u8], &[u8], &str); 17] = [
            (chain.as_bytes(), locked.as_bytes(), "protected with a password"),
            (chain.as_bytes(), public.as_bytes(), "no private key"),
            (chain.as_bytes(), block("PRIVATE KEY").leak().as_bytes(), "another certificate"),
            (request.as_bytes(), key.as_bytes(), "no certificate in it"),
            (parameters.as_bytes(), key.as_bytes(), "no certificate in it"),
            (&wide, key.as_bytes(), "no certificate in it"),
            (&binary, key.as_bytes(), "no certificate in it"),
            (&[0x30, 0x82, 0xff, 0xff], &[0xff; 4_096], "no certificate in it"),
            (foreign_first.as_bytes(), key.as_bytes(), "another certificate"),
            (b"", key.as_bytes(), "no certificate in it"),
            (key.as_bytes(), key.as_bytes(), "no certificate in it"),
            (b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", key.as_bytes(), "cannot be read"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key.as_bytes(), "cannot be read"),
            (chain.as_bytes(), chain.as_bytes(), "no private key"),
            (other.as_bytes(), key.as_bytes(), "another certificate"),
            (nameless.as_bytes(), its_key.as_bytes(), "names no host"),
            (&vec![b'a'; MAX_PEM_BYTES + 1], key.as_bytes(), "larger than"),
        ];
        for (chain, key, says) in cases {
            let error = Certificate::from_pem(chain, key).unwrap_err().to_string();
            assert!(error.contains(says), "{error} lacks {says}");
        }
    }
}
