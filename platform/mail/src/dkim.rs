//! DKIM signatures (RFC 6376, RFC 8463): the relay's readers can tell that the letter left this site.
//!
//! A wart: the library puts the system's time into `t=`, not ours; a stopped clock does not reach it.

use kernel::{Fault, FaultKind};
use mail_auth::{
    common::{
        crypto::{DkimKey, Ed25519Key, RsaKey, Sha256},
        headers::HeaderWriter,
    },
    dkim::{DkimSigner, Done},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use std::{fmt, sync::Arc};

/// What is signed; RFC 8058 §4 wants both List-Unsubscribe fields among them. Fields a letter lacks are passed over.
const SIGNED: [&str; 11] = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "MIME-Version",
    "Content-Type",
];

/// A signing key with its domain and selector.
#[derive(Clone)]
pub struct Dkim(Arc<DkimSigner<DkimKey, Done>>);

impl Dkim {
    /// `pem` is an RSA key (2048 bits or more to be of use; PKCS #1 or #8) or an Ed25519 key (PKCS #8).
    pub fn new(domain: &str, selector: &str, pem: &str) -> Result<Dkim, Fault> {
        let tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if domain.is_empty() || selector.is_empty() || !domain.chars().chain(selector.chars()).all(tag) {
            return Err(Fault::other("DKIM: domain and selector must be plain host names"));
        }
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|e| Fault::from_error(FaultKind::Other, "DKIM: the key file has no private key in PEM", e))?;
        let signer = DkimSigner::from_key(key(der)?).domain(domain).selector(selector).headers(SIGNED);
        Ok(Dkim(Arc::new(signer)))
    }

    /// The `DKIM-Signature` field to put in front. A letter that cannot be signed leaves unsigned: late mail is worse.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<String> {
        match self.0.sign(message) {
            Ok(signature) => Some(signature.to_header()),
            Err(e) => {
                tracing::error!(error = %e, "a letter could not be signed with DKIM and leaves without");
                None
            }
        }
    }
}

fn key(der: PrivateKeyDer<'_>) -> Result<DkimKey, Fault> {
    if let PrivateKeyDer::Pkcs8(pkcs8) = &der
        && let Ok(key) = Ed25519Key::from_pkcs8_maybe_unchecked_der(pkcs8.secret_pkcs8_der())
    {
        return Ok(key.into());
    }
    let key = RsaKey::<Sha256>::from_key_der(der).map_err(|_| Fault::other("DKIM: the key is neither RSA nor Ed25519"))?;
    Ok(key.into())
}

impl fmt::Debug for Dkim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dkim({} {})", self.0.template.d, self.0.template.s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letter::tests::letter;
    use mail_auth::{
        AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt,
        common::{parse::TxtRecordParser, verify::DomainKey},
    };
    use std::{borrow::Borrow, hash::Hash, time::Instant};

    /// Test keys made with openssl, and their public halves from `openssl rsa -pubout` and `openssl pkey -pubout`.
    const RSA: &str = include_str!("../tests/dkim/rsa.pem");
    const RSA_PKCS1: &str = include_str!("../tests/dkim/rsa-pkcs1.pem");
    const RSA_PUBLIC: &str = "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAkBim5qjXD0kcaKKcTJYQaGl/LLWzsDHO29aKoNutnGO2pCYlqxIwE0bpuUwwRUcm5Uu+dE6jnd4DjIcDMYQucli7ee/ceciMCCqk9rgN2kWZh6ICQsjLq/zvvJv9w48Qo+lOrEP9q1olG2aBcnYrXMysLPuQZ9cvetuIlY9UtbBySiZkcoXJoF+dNiKAe4oM5G/nTFXEemOSd7+XF0e2FcL+UPJLUyA4awpyGbKYMJi3cj82lwm+dhWaF3eB2yHrP71sXZMbg5RHJuZeYcg0VWjNwQC2HQ5/QfaCfyvNiD+CHo4TuCgzOtjCe3tV11eSrEFO6XVS564N0DfUQgLaiQIDAQAB";
    const ED25519: &str = include_str!("../tests/dkim/ed25519.pem");
    const ED25519_PUBLIC: &str = "v=DKIM1; k=ed25519; p=GXU43nVYvLv0koz9V+XgXZosUMgvnHFnDgxblRVzrpo=";

    /// A name server that knows one record.
    struct Zone(&'static str, &'static str);
    impl ResolverCache<Box<str>, Txt> for Zone {
        fn get<Q: Hash + Eq + ?Sized>(&self, name: &Q) -> Option<Txt>
        where
            Box<str>: Borrow<Q>,
        {
            let ours: Box<str> = self.0.into();
            (Borrow::<Q>::borrow(&ours) == name).then(|| DomainKey::parse(self.1.as_bytes()).unwrap().into())
        }
        fn remove<Q: Hash + Eq + ?Sized>(&self, _: &Q) -> Option<Txt>
        where
            Box<str>: Borrow<Q>,
        {
            None
        }
        fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
    }

    async fn verdict(raw: &[u8], record: &'static str) -> Option<DkimResult> {
        let zone = Zone("s1._domainkey.example.com.", record);
        let message = AuthenticatedMessage::parse(raw).unwrap();
        let checker = MessageAuthenticator::new_cloudflare().unwrap();
        let verdicts = checker.verify_dkim(Parameters::new(&message).with_txt_cache(&zone)).await;
        verdicts.first().map(|v| v.result().clone())
    }

    #[tokio::test]
    async fn signatures_verify_and_a_changed_letter_does_not() {
        for (pem, record) in [(RSA, RSA_PUBLIC), (RSA_PKCS1, RSA_PUBLIC), (ED25519, ED25519_PUBLIC)] {
            let dkim = Dkim::new("example.com", "s1", pem).unwrap();
            let raw = letter().to_bytes(Some(&dkim));
            assert_eq!(verdict(&raw, record).await, Some(DkimResult::Pass));
            let text = String::from_utf8(raw).unwrap();
            for (was, is) in
                [("m.keller@", "m.kellner@"), ("Dear reader", "Dear leader"), ("One-Click", "Two-Click"), ("/block/0", "/block/1")]
            {
                let changed = text.replacen(was, is, 1);
                assert_ne!(changed, text);
                assert!(!matches!(verdict(changed.as_bytes(), record).await, Some(DkimResult::Pass)), "{was}");
            }
        }
    }

    #[tokio::test]
    async fn the_bytes_are_the_same_but_for_the_signature_in_front() {
        let dkim = Dkim::new("example.com", "s1", ED25519).unwrap();
        let signed = String::from_utf8(letter().to_bytes(Some(&dkim))).unwrap();
        let plain = String::from_utf8(letter().to_bytes(None)).unwrap();
        let signature = signed.strip_suffix(&plain).unwrap();
        assert!(signature.starts_with("DKIM-Signature: v=1; a=ed25519-sha256; s=s1; d=example.com;") && signature.ends_with("\r\n"));
        // The library folds where it likes; RFC 5322 §2.1.1 allows 998.
        assert!(signature.lines().all(|l| l.len() <= 998));
    }

    #[test]
    fn what_is_no_key_or_no_name_is_refused() {
        let certificate = include_str!("testing/tls/ca.pem");
        let elliptic = include_str!("testing/tls/localhost.key");
        for (domain, selector, pem) in [
            ("example.com", "s1", ""),
            ("example.com", "s1", certificate),
            ("example.com", "s1", elliptic),
            ("example.com;", "s1", ED25519),
            ("example.com", "s 1", ED25519),
            ("", "s1", ED25519),
        ] {
            assert!(Dkim::new(domain, selector, pem).is_err(), "{domain} {selector}");
        }
        assert_eq!(format!("{:?}", Dkim::new("example.com", "s1", RSA).unwrap()), "Dkim(example.com s1)");
    }
}
