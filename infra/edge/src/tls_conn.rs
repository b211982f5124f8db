//! What the handshake learned about a connection, for handlers: `Data<&Arc<TlsConn>>`.

use rustls::{ProtocolVersion, SupportedCipherSuite, pki_types::CertificateDer};

/// Facts of one TLS connection. They come from the handshake alone, never from a header.
#[derive(Clone, Debug)]
pub struct TlsConn {
    /// The name that the client asked for, in lower case; `None`: it named none and got the site's own certificate.
    pub name: Option<String>,
    /// Names and addresses of the certificate that was shown.
    pub(crate) shown: Vec<String>,
    pub version: Option<ProtocolVersion>,
    pub cipher: Option<SupportedCipherSuite>,
    /// HTTP/2 was agreed (ALPN `h2`); otherwise it is HTTP/1.1.
    pub http2: bool,
    /// The client was asked for a certificate.
    pub asks: bool,
    /// What the client showed of itself, leaf first; empty where it was not asked. The handshake proved possession of the leaf's key.
    pub client_certificates: Vec<CertificateDer<'static>>,
}

#[cfg(feature = "test-support")]
impl TlsConn {
    /// As a handshake with `name`, which asks for certificates, leaves it.
    pub fn asked(name: &str, client_certificates: Vec<CertificateDer<'static>>) -> TlsConn {
        let (name, version) = (name.to_owned(), Some(ProtocolVersion::TLSv1_3));
        TlsConn { shown: vec![name.clone()], name: Some(name), version, cipher: None, http2: true, asks: true, client_certificates }
    }
}
