//! Hosts that ask for a client certificate.

use super::town::{Town, hear, say};
use edge::Hints;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, SignatureScheme,
    client::ResolvesClientCert,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    sign::CertifiedKey,
};
use std::sync::{Arc, Mutex};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use x509_parser::prelude::FromDer;

const HOST: &str = "cert-acme.site.test";
const ASK: &str = "GET / HTTP/1.1\r\nHost: cert-acme.site.test\r\nConnection: close\r\n\r\n";

/// Remembers whom the server spoke of, and shows what it was given.
#[derive(Debug)]
struct Shows {
    key: Option<Arc<CertifiedKey>>,
    hints: Mutex<Vec<Vec<u8>>>,
}

impl ResolvesClientCert for Shows {
    fn resolve(&self, hints: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        *self.hints.lock().unwrap() = hints.iter().map(|hint| hint.to_vec()).collect();
        self.key.clone()
    }
    fn has_certs(&self) -> bool {
        true
    }
}

fn person(name: &str, other_key: bool) -> (Arc<CertifiedKey>, Vec<u8>) {
    let (key, stranger) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.self_signed(&key).unwrap();
    let der: CertificateDer<'static> = certificate.der().clone();
    let signs = if other_key { stranger } else { key };
    let signing = aws_lc_rs::sign::any_supported_type(&PrivateKeyDer::try_from(signs.serialize_der()).unwrap()).unwrap();
    let subject = x509_parser::certificate::X509Certificate::from_der(&der).unwrap().1.subject().as_raw().to_vec();
    (Arc::new(CertifiedKey::new(vec![der], signing)), subject)
}

async fn town() -> Town {
    let town = Town::new().await;
    town.names.put(&town.ca.issue(&[HOST.into()]).unwrap(), false);
    let (_, subject) = person("Acme CA", false);
    town.names.ask(HOST, Some(Hints::parse(&[subject.clone(), subject].concat()).unwrap()));
    town
}

fn connector(town: &Town, shows: Arc<Shows>, versions: &[&'static rustls::SupportedProtocolVersion]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(town.ca.root_file()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_root_certificates(roots).with_client_cert_resolver(shows);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

fn shows(key: Option<Arc<CertifiedKey>>) -> Arc<Shows> {
    Arc::new(Shows { key, hints: Mutex::default() })
}

async fn connect(town: &Town, by: &TlsConnector, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
    by.connect(ServerName::try_from(name.to_owned()).unwrap(), TcpStream::connect(town.tls).await?).await
}

async fn ask(town: &Town, by: &TlsConnector) -> (HandshakeKind, String) {
    let mut stream = connect(town, by, HOST).await.unwrap();
    say(&mut stream, ASK).await;
    let heard = hear(&mut stream).await;
    (stream.get_ref().1.handshake_kind().unwrap(), heard)
}

#[tokio::test]
async fn what_is_shown_reaches_the_site_and_nothing_shown_is_no_reason_to_hang_up() {
    let town = town().await;
    let (key, _) = person("ana", false);
    for (shown, said) in [(shows(Some(key)), "certificates=1"), (shows(None), "certificates=0")] {
        let (_, heard) = ask(&town, &connector(&town, shown.clone(), rustls::ALL_VERSIONS)).await;
        assert!(heard.contains(said) && heard.contains("TLSv1_3"), "{heard}");
        assert_eq!(shown.hints.lock().unwrap().len(), 2, "the browser is told which authorities count");
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_is_no_certificate() {
    let town = town().await;
    let (key, _) = person("ana", true);
    let by = connector(&town, shows(Some(key)), rustls::ALL_VERSIONS);
    let mut stream = connect(&town, &by, HOST).await.unwrap();
    say(&mut stream, ASK).await;
    assert_eq!(hear(&mut stream).await, "", "the server hangs up at the client's signature");
}

#[tokio::test]
async fn no_handshake_is_resumed_where_a_certificate_is_asked_for() {
    let town = town().await;
    let (key, _) = person("ana", false);
    let by = connector(&town, shows(Some(key)), rustls::ALL_VERSIONS);
    for _ in 0..3 {
        assert_eq!(ask(&town, &by).await.0, HandshakeKind::Full);
    }
    // The same client resumes where none is asked for.
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&town, &by, "site.test").await.unwrap();
        say(&mut stream, "GET / HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n").await;
        assert!(hear(&mut stream).await.contains("certificates=0"));
        kinds.push(stream.get_ref().1.handshake_kind().unwrap());
    }
    assert!(kinds.contains(&HandshakeKind::Resumed), "{kinds:?}");
}

#[tokio::test]
async fn a_ticket_of_another_name_resumes_nothing_there() {
    let town = town().await;
    let (key, _) = person("ana", false);
    // Before the host asks, its tickets are as good as any.
    town.names.ask(HOST, None);
    let by = connector(&town, shows(Some(key)), rustls::ALL_VERSIONS);
    assert!(ask(&town, &by).await.1.contains("certificates=0"));
    assert_eq!(ask(&town, &by).await.0, HandshakeKind::Resumed);
    town.names.ask(HOST, Some(Hints::parse(&[]).unwrap()));
    let (kind, heard) = ask(&town, &by).await;
    assert_eq!(kind, HandshakeKind::Full);
    assert!(heard.contains("certificates=1"), "{heard}");
}

#[tokio::test]
async fn tls_1_2_is_not_spoken_there() {
    let town = town().await;
    let by = connector(&town, shows(None), &[&rustls::version::TLS12]);
    assert!(connect(&town, &by, HOST).await.is_err());
    assert!(connect(&town, &by, "site.test").await.is_ok());
}

#[tokio::test]
async fn no_other_host_is_asked_over_its_connection_and_it_over_no_others() {
    let town = town().await;
    for (name, host) in [("site.test", HOST), (HOST, "site.test"), (HOST, "cert-bolt.site.test")] {
        let by = connector(&town, shows(None), rustls::ALL_VERSIONS);
        let mut stream = connect(&town, &by, name).await.unwrap();
        say(&mut stream, &format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        assert!(hear(&mut stream).await.starts_with("HTTP/1.1 421"), "{name} {host}");
    }
}

#[test]
fn names_that_cannot_be_read_are_a_fault() {
    assert!(Hints::parse(b"\x30\x05abc").is_err());
    assert!(Hints::parse(b"garbage").is_err());
}
