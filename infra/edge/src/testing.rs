//! What this crate's own tests share.

use rcgen::{CertificateParams, DistinguishedName, KeyPair};

/// A chain of one and its key, as PEM.
pub fn self_signed(names: &[&str]) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(names.iter().map(|name| name.to_string()).collect::<Vec<_>>()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}
