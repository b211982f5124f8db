//! What a CA is answered while it checks that a name is ours (RFC 8555 §8.3 over plain HTTP, RFC 8737 in a handshake): a table in memory.
//!
//! What would surprise you: the CA may ask any of several processes, a moment after another one wrote the challenge down. So whoever asks
//! for one that is not in the table waits for a look at what is written down.

use crate::{Look, looks::Looks};
use kernel::Fault;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::{self, sign::any_supported_type},
    pki_types::PrivateKeyDer,
    server::NoServerSessionStorage,
    sign::{CertifiedKey, SingleCertAndKey},
};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// RFC 8737 §6.2: the protocol that a CA asks for alone.
pub const ACME_TLS: &[u8] = b"acme-tls/1";

/// One answer, to a CA that asks for `name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// In lower case.
    pub name: String,
    pub answer: ChallengeAnswer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChallengeAnswer {
    /// To `/.well-known/acme-challenge/token`.
    Http { token: String, text: String },
    /// In a certificate that says the SHA-256 of the key authorization (RFC 8737 §3).
    TlsAlpn { digest: [u8; 32] },
}

/// The table. Clones share it.
#[derive(Clone, Default)]
pub struct Challenges(Arc<Inner>);

#[derive(Default)]
struct Inner {
    table: RwLock<HashMap<String, Ready>>,
    looks: Looks,
}

#[derive(Clone)]
struct Ready {
    answer: ChallengeAnswer,
    config: Option<Arc<ServerConfig>>,
}

impl Challenges {
    /// Ends when somebody waits for a look.
    pub async fn wanted(&self) {
        self.0.looks.wanted().await;
    }
    /// To be called before what is written down is read.
    pub fn look(&self) -> Look {
        self.0.looks.begin()
    }
    /// The table is what that look found. A challenge whose certificate cannot be made is left out: it must not stand in the others' way.
    pub fn set(&self, found: Vec<Challenge>, look: Look) {
        let before = self.0.table.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut table = HashMap::new();
        for challenge in found {
            match before.get(&challenge.name).filter(|ready| ready.answer == challenge.answer) {
                Some(ready) => drop(table.insert(challenge.name, ready.clone())),
                None => match ready(&challenge) {
                    Ok(ready) => drop(table.insert(challenge.name, ready)),
                    Err(fault) => tracing::error!(%fault, "a challenge cannot be answered"),
                },
            }
        }
        *self.0.table.write().unwrap_or_else(PoisonError::into_inner) = table;
        self.0.looks.done(look);
    }

    /// The handshake that a CA gets which asks for `name`.
    pub(crate) async fn handshake(&self, name: &str) -> Option<Arc<ServerConfig>> {
        self.find(name, |ready| ready.config.clone()).await
    }
    /// What a CA reads at `token` of `host`.
    pub(crate) async fn text(&self, host: &str, token: &str) -> Option<String> {
        let of_token = |ready: &Ready| match &ready.answer {
            ChallengeAnswer::Http { token: ours, text } if ours == token => Some(text.clone()),
            _ => None,
        };
        self.find(host, of_token).await
    }

    async fn find<T>(&self, name: &str, of: impl Fn(&Ready) -> Option<T>) -> Option<T> {
        let here = || self.0.table.read().unwrap_or_else(PoisonError::into_inner).get(name).and_then(&of);
        if let Some(found) = here() {
            return Some(found);
        }
        self.0.looks.fresh().await;
        here()
    }
}

fn ready(challenge: &Challenge) -> Result<Ready, Fault> {
    let config = match &challenge.answer {
        ChallengeAnswer::Http { .. } => None,
        ChallengeAnswer::TlsAlpn { digest } => Some(Arc::new(handshake(&challenge.name, digest)?)),
    };
    Ok(Ready { answer: challenge.answer.clone(), config })
}

/// RFC 8737 §3: self-signed, for the one name, with the critical acmeIdentifier extension.
fn handshake(name: &str, digest: &[u8; 32]) -> Result<ServerConfig, Fault> {
    let trouble = |e: rcgen::Error| Fault::other(format!("no challenge certificate for {name}: {e}"));
    let key = KeyPair::generate().map_err(trouble)?;
    let mut params = CertificateParams::new([name.to_owned()]).map_err(trouble)?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key).map_err(trouble)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tls = |e: rustls::Error| Fault::other(format!("no challenge certificate for {name}: {e}"));
    let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    // Not `from_der`: it reads the certificate, and refuses it for its critical extension.
    let certified = CertifiedKey::new(vec![certificate.der().clone()], any_supported_type(&der).map_err(tls)?);
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(tls)?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![ACME_TLS.to_vec()];
    // Nothing follows the handshake, so there is nothing to resume.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}
