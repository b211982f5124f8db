//! Authorities outside of the house, and the certificates they give to people.

use crate::Browser;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};
use store::testing::START;
use time::OffsetDateTime;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// An authority whose certificates a tenant may accept.
pub struct Authority {
    /// What its keeper gives out.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Somebody's certificate; a handshake with it proves its key.
#[derive(Clone)]
pub struct Card(pub CertificateDer<'static>);

impl Authority {
    pub fn called(name: &str) -> Authority {
        Authority::good_for(10 * YEAR, name)
    }
    pub fn good_for(life: Duration, name: &str) -> Authority {
        let mut params = params(name, life);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a root").pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }
    /// As openssl shows it.
    pub fn fingerprint(&self) -> String {
        let mut openssl = Command::new("openssl");
        openssl.args(["x509", "-noout", "-sha256", "-fingerprint"]);
        let mut child = openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("openssl is installed");
        child.stdin.take().expect("its input").write_all(self.pem.as_bytes()).expect("it reads");
        let said = String::from_utf8(child.wait_with_output().expect("it ends").stdout).expect("a text");
        said.trim().split_once('=').expect("a fingerprint").1.to_owned()
    }
    /// Its list of revoked certificates (DER), with none on it, good for a month from the town's first moment.
    pub fn list(&self) -> Vec<u8> {
        let start = OffsetDateTime::from_unix_timestamp(START.0 / 1_000).expect("a time of this century");
        let params = CertificateRevocationListParams {
            this_update: start,
            next_update: start + YEAR / 12,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).expect("a list").der().to_vec()
    }
    /// For `name`, good for a year from the town's first moment, naming these e-mail addresses.
    pub fn card(&self, name: &str, addresses: &[&str]) -> Card {
        self.card_for(YEAR, name, addresses)
    }
    /// The same, good for `life`.
    pub fn card_for(&self, life: Duration, name: &str, addresses: &[&str]) -> Card {
        let mut params = params(name, life);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(SerialNumber::from(name.bytes().map(u64::from).sum::<u64>()));
        params.subject_alt_names = addresses.iter().map(|a| SanType::Rfc822Name((*a).try_into().expect("ASCII"))).collect();
        let key = KeyPair::generate().expect("a key");
        Card(params.signed_by(&key, &self.issuer).expect("a certificate").der().clone())
    }
}

fn params(name: &str, life: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let start = OffsetDateTime::from_unix_timestamp(START.0 / 1_000).expect("a time of this century");
    (params.not_before, params.not_after) = (start - Duration::from_secs(86_400), start + life);
    params
}

impl Browser {
    /// The same person's browser at a host that asks for a certificate, showing this one or none.
    pub fn showing(&self, host: &str, card: Option<&Card>) -> Browser {
        let chain = card.map(|card| card.0.clone()).into_iter().collect();
        self.at_host(host).over(edge::TlsConn::asked(host, chain))
    }
}
