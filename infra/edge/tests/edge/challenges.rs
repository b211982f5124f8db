//! What a CA sees that checks a name, and that nobody else sees it.

use crate::town::{Town, hear, say};
use edge::{Challenge, ChallengeAnswer};
use std::time::Duration;
use tokio::{net::TcpStream, time::Instant};
use x509_parser::prelude::{FromDer, X509Certificate};

const DIGEST: [u8; 32] = [0xc5; 32];

fn tls(name: &str) -> Challenge {
    Challenge { name: name.into(), answer: ChallengeAnswer::TlsAlpn { digest: DIGEST } }
}
fn http(name: &str) -> Challenge {
    Challenge { name: name.into(), answer: ChallengeAnswer::Http { token: "tok_en-1".into(), text: "tok_en-1.thumb".into() } }
}

/// Answers looks with what is written down, until the test ends.
fn look_after(town: &Town, written: Vec<Challenge>) {
    let challenges = town.challenges.clone();
    tokio::spawn(async move {
        loop {
            challenges.wanted().await;
            let look = challenges.look();
            challenges.set(written.clone(), look);
        }
    });
}

async fn ask(town: &Town, method: &str, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(town.plain).await.unwrap();
    say(&mut stream, &format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).await;
    hear(&mut stream).await
}

#[tokio::test]
async fn a_ca_is_shown_the_challenge_s_certificate_and_nothing_else() {
    let town = Town::new().await;
    let cannot_be_made = tls("naïve.test");
    look_after(&town, vec![cannot_be_made, tls("new.test"), tls("site.test")]);
    for name in ["new.test", "SITE.test"] {
        let mut client = town.client(&["acme-tls/1"], rustls::ALL_VERSIONS);
        trust_anybody(&mut client);
        let tcp = TcpStream::connect(town.tls).await.unwrap();
        let mut stream = client.connect(name.to_owned().try_into().unwrap(), tcp).await.unwrap();
        let connection = stream.get_ref().1;
        assert_eq!(connection.alpn_protocol(), Some(b"acme-tls/1".as_slice()));
        let chain = connection.peer_certificates().unwrap().to_vec();
        let (_, certificate) = X509Certificate::from_der(&chain[0]).unwrap();
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        assert_eq!(format!("{:?}", names.value.general_names), format!("[DNSName({:?})]", name.to_ascii_lowercase()));
        let acme = certificate.extensions().iter().find(|e| e.oid.to_id_string() == "1.3.6.1.5.5.7.1.31").unwrap();
        assert!(acme.critical && acme.value == [&[4, 32][..], &DIGEST].concat(), "RFC 8737 §3");
        assert_eq!(chain.len(), 1);
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\nhost: site.test\r\n\r\n").await;
        assert_eq!(hear(&mut stream).await, "", "nothing follows the handshake");
    }
}

#[tokio::test]
async fn nobody_else_gets_that_certificate() {
    let town = Town::new().await;
    look_after(&town, vec![tls("new.test"), tls("site.test"), http("plain.test")]);
    for (name, alpn) in [("new.test", &["h2", "http/1.1"][..]), ("new.test", &[]), ("new.test", &["acme-tls/1", "h2"])] {
        let error = town.shake(name, alpn).await.unwrap_err().to_string();
        assert!(error.contains("UnrecognisedName"), "{name} {alpn:?}: {error}");
    }
    for name in ["other.test", "foreign.test", "plain.test"] {
        let error = town.shake(name, &["acme-tls/1"]).await.unwrap_err().to_string();
        assert!(error.contains("UnrecognisedName"), "{name} has no such challenge: {error}");
    }
    let stream = town.shake("site.test", &["h2", "acme-tls/1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()), "the site as ever");
}

#[tokio::test]
async fn a_ca_reads_its_token_at_the_name_it_checks_alone() {
    let town = Town::new().await;
    look_after(&town, vec![http("new.test"), tls("site.test")]);
    let path = "/.well-known/acme-challenge/tok_en-1";
    for host in ["new.test", "NEW.test:80"] {
        let heard = ask(&town, "GET", path, host).await;
        assert!(heard.starts_with("HTTP/1.1 200") && heard.ends_with("\r\n\r\ntok_en-1.thumb"), "{heard}");
        assert!(heard.contains("content-type: application/octet-stream"), "{heard}");
    }
    for (method, path, host) in [
        ("GET", path, "site.test"),
        ("GET", path, "foreign.test"),
        ("POST", path, "new.test"),
        ("GET", "/.well-known/acme-challenge/", "new.test"),
        ("GET", "/.well-known/acme-challenge/tok_en-2", "new.test"),
        ("GET", "/.well-known/acme-challenge/tok_en-1/x", "new.test"),
        ("GET", "/.well-known/acme-challenge/tok_en-1?x", "new.test"),
    ] {
        let heard = ask(&town, method, path, host).await;
        assert!(heard.starts_with("HTTP/1.1 404") && !heard.contains("thumb"), "{method} {path} {host}: {heard}");
    }
    let heard = ask(&town, "GET", "/", "new.test").await;
    assert!(heard.starts_with("HTTP/1.1 421"), "it is not ours yet: {heard}");
}

#[tokio::test]
async fn who_asks_while_nobody_looks_is_not_kept_waiting_for_long() {
    let town = Town::new().await;
    let began = Instant::now();
    let heard = ask(&town, "GET", "/.well-known/acme-challenge/x", "new.test").await;
    assert!(heard.starts_with("HTTP/1.1 404"), "{heard}");
    assert!(began.elapsed() >= Duration::from_secs(2) && began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
}

#[tokio::test]
async fn names_from_before_the_start_are_waited_for() {
    let town = Town::new().await;
    let filling = town.names.filling();
    let (names, certificate) = (town.names.clone(), town.ca.issue(&["old.test".into()]).unwrap());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        names.put(&certificate, false);
        drop(filling);
    });
    town.shake("old.test", &[]).await.unwrap();
    assert!(town.shake("foreign.test", &[]).await.is_err());
}

#[tokio::test]
async fn a_name_whose_certificate_has_just_come_is_looked_for() {
    let town = Town::new().await;
    drop(town.names.filling());
    let (names, certificate) = (town.names.clone(), town.ca.issue(&["new.test".into()]).unwrap());
    tokio::spawn(async move {
        loop {
            names.wanted().await;
            let look = names.look();
            names.put(&certificate, false);
            names.looked(look);
        }
    });
    town.shake("new.test", &[]).await.unwrap();
    let began = Instant::now();
    assert!(town.shake("foreign.test", &[]).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(2), "nobody waits longer than the look takes: {:?}", began.elapsed());
}

/// A CA does not expect a chain, and reads the critical extension, which webpki refuses. That the key is used is for pebble to see.
fn trust_anybody(client: &mut tokio_rustls::TlsConnector) {
    let mut config = (**client.config()).clone();
    config.dangerous().set_certificate_verifier(std::sync::Arc::new(Anybody));
    *client = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
}

#[derive(Debug)]
struct Anybody;

impl rustls::client::danger::ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
