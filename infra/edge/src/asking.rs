//! Hosts that ask for a client certificate.
//!
//! What would surprise you: the handshake proves that the client has the certificate's key and nothing else. Whose it is and whether it holds
//! is for the site to find out, which can put an answer into words; so a foreign certificate, or none, is no reason to hang up.

use kernel::Fault;
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature},
    pki_types::{CertificateDer, UnixTime},
    server::{
        NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::TLS13,
};
use std::sync::Arc;
use x509_parser::{prelude::FromDer, x509::X509Name};

/// Which authorities browsers are told of, so that they offer the right certificate.
#[derive(Clone, Debug)]
pub struct Hints(Arc<[DistinguishedName]>);

impl Hints {
    /// Of distinguished names in DER, one after the other.
    pub fn parse(mut der: &[u8]) -> Result<Hints, Fault> {
        let mut names = Vec::new();
        while !der.is_empty() {
            let (rest, name) = X509Name::from_der(der).map_err(|_| Fault::other("the name of an authority cannot be read"))?;
            names.push(DistinguishedName::from(name.as_raw().to_vec()));
            der = rest;
        }
        Ok(Hints(names.into()))
    }
}

/// The same certificate, over TLS 1.3 alone and without resumption: a resumed handshake shows no certificate again.
pub fn config(shown: &ServerConfig, hints: &Hints) -> Option<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let any = Any { hints: hints.clone(), algorithms: provider.signature_verification_algorithms };
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]).ok()?;
    let mut config = builder.with_client_cert_verifier(Arc::new(any)).with_cert_resolver(shown.cert_resolver.clone());
    config.alpn_protocols = shown.alpn_protocols.clone();
    config.ignore_client_order = shown.ignore_client_order;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Some(config)
}

#[derive(Debug)]
struct Any {
    hints: Hints,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for Any {
    fn client_auth_mandatory(&self) -> bool {
        false
    }
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints.0
    }
    fn verify_client_cert(&self, _: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: UnixTime) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 alone is spoken here".to_owned()))
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
