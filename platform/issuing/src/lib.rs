//! Certificates that we make ourselves: an authority's root, and the common part of what it signs (RFC 5280).
//!
//! What would surprise you: nothing is kept here. Where a root's key lies, and who may have something signed, is its owner's business: a tenant's
//! authority for its members, or the authority of a machine without a public name.

use kernel::{Chance, Time};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SerialNumber,
};
use time::OffsetDateTime;

const ROOT_DAYS: i64 = 3_650;
/// Clocks of the people's machines may be behind.
const BACKDATED_DAYS: i64 = 1;

/// A new authority, both in PEM.
pub struct Root {
    pub certificate: String,
    pub key: String,
}

/// An authority called `name` that signs people's or machines' certificates and no other authority's, for ten years from `now`.
pub fn root(name: &str, now: Time, chance: &Chance) -> Result<Root, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = lasting(now, ROOT_DAYS, chance);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(Root { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() })
}

/// A certificate for `usage` alone, for `days` from `now`; it still names nobody.
pub fn leaf(usage: ExtendedKeyUsagePurpose, now: Time, days: i64, chance: &Chance) -> CertificateParams {
    let mut params = lasting(now, days, chance);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    params
}

fn lasting(now: Time, days: i64, chance: &Chance) -> CertificateParams {
    let at = |time: Time| OffsetDateTime::from_unix_timestamp(time.0 / 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = at(now.plus_days(-BACKDATED_DAYS));
    params.not_after = at(now.plus_days(days));
    params.serial_number = Some(serial(chance));
    params
}

/// RFC 5280 §4.1.2.2: positive, at most 20 octets, not to be guessed.
fn serial(chance: &Chance) -> SerialNumber {
    let mut bytes = chance.bytes::<16>();
    bytes[0] = bytes[0] & 0x7f | 0x01;
    SerialNumber::from_slice(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::Issuer;
    use x509_parser::{parse_x509_certificate, pem::parse_x509_pem};

    #[test]
    fn a_root_signs_leaves_alone_and_a_leaf_is_for_one_use() {
        let (now, chance) = (Time(1_800_000_000_000), Chance::seeded(1));
        let made = root("Acme", now, &chance).unwrap();
        let (_, pem) = parse_x509_pem(made.certificate.as_bytes()).unwrap();
        let read = pem.parse_x509().unwrap();
        let basic = read.basic_constraints().unwrap().unwrap().value;
        assert!(basic.ca && basic.path_len_constraint == Some(0) && read.subject().to_string() == "CN=Acme");
        assert!(read.verify_signature(None).is_ok());

        let issuer = Issuer::from_ca_cert_pem(&made.certificate, KeyPair::from_pem(&made.key).unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let der = leaf(ExtendedKeyUsagePurpose::ClientAuth, now, 30, &chance).signed_by(&key, &issuer).unwrap();
        let (_, leaf) = parse_x509_certificate(der.der()).unwrap();
        let uses = leaf.extended_key_usage().unwrap().unwrap().value;
        assert!(uses.client_auth && !uses.server_auth && leaf.basic_constraints().unwrap().is_none());
        assert!(leaf.verify_signature(Some(read.public_key())).is_ok());
        let life = leaf.validity().not_after.timestamp() - leaf.validity().not_before.timestamp();
        assert_eq!(life, 31 * 86_400, "a day before now, thirty after");
        assert!(leaf.raw_serial().len() <= 20 && leaf.raw_serial()[0] & 0x80 == 0 && leaf.raw_serial() != read.raw_serial());
    }
}
