//! Which keys and signatures count, for authorities, certificates and lists alike.

use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::aws_lc_rs as algorithms;
use x509_parser::{der_parser::asn1_rs::BitString, prelude::AlgorithmIdentifier, public_key::PublicKey, x509::SubjectPublicKeyInfo};

/// Bits of an RSA key.
const MIN_RSA: usize = 2_048;
const MAX_RSA: usize = 8_192;

/// SHA-2 over RSA of 2,048 bits and more, the NIST curves, and Ed25519; neither MD5 nor SHA-1.
pub const SIGNATURES: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ECDSA_P521_SHA256,
    algorithms::ECDSA_P521_SHA384,
    algorithms::ECDSA_P521_SHA512,
    algorithms::ED25519,
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
    algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// P-256, P-384, P-521 (RFC 5480 §2.1.1.1).
const CURVES: [&str; 3] = ["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];
/// RFC 8410 §3.
const ED25519: &str = "1.3.101.112";

/// What is wrong with a public key; a phrase for a sentence.
pub fn of_key(key: &SubjectPublicKeyInfo<'_>) -> Result<(), String> {
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => match rsa.key_size() {
            MIN_RSA..=MAX_RSA => Ok(()),
            bits => Err(format!("its RSA key has {bits} bits, and fewer than {MIN_RSA} or more than {MAX_RSA} are not taken")),
        },
        Ok(PublicKey::EC(_)) if curve(key).is_some_and(|curve| CURVES.contains(&curve.as_str())) => Ok(()),
        Ok(PublicKey::Unknown(_)) if key.algorithm.algorithm.to_id_string() == ED25519 => Ok(()),
        _ => Err("its key is of a kind that is not taken (RSA, P-256, P-384, P-521 and Ed25519 are)".to_owned()),
    }
}

fn curve(key: &SubjectPublicKeyInfo<'_>) -> Option<String> {
    Some(key.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string())
}

/// Whether `by` made this signature, by one of [`SIGNATURES`].
pub fn signed(by: &SubjectPublicKeyInfo<'_>, how: &AlgorithmIdentifier<'_>, what: &[u8], signature: &BitString<'_>) -> bool {
    let oid = how.algorithm.as_bytes();
    let known = SIGNATURES.iter().filter(|known| known.signature_alg_id().as_ref().get(2..2 + oid.len()) == Some(oid));
    let mut fitting = known.map(|known| known.verify_signature(&by.subject_public_key.data, what, &signature.data));
    fitting.any(|verified| verified.is_ok())
}
