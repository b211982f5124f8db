//! Handshakes: which name gets what, and what garbage gets.

use crate::town::{Town, hear, say};
use rustls::version::{TLS12, TLS13};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

const GET: &str = "GET / HTTP/1.1\r\nhost: site.test\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn handlers_know_what_the_handshake_learned() {
    let town = Town::new().await;
    for (version, says) in [(&TLS12, "TLSv1_2"), (&TLS13, "TLSv1_3")] {
        let client = town.client(&["http/1.1"], &[version]);
        let tcp = TcpStream::connect(town.tls).await.unwrap();
        let mut stream = client.connect("site.test".try_into().unwrap(), tcp).await.unwrap();
        say(&mut stream, GET).await;
        let heard = hear(&mut stream).await;
        assert!(heard.contains(&format!("\"https\" Some(\"site.test\") Some({says}) http2=false certificates=0")), "{heard}");
    }
}

#[tokio::test]
async fn an_unknown_name_gets_an_alert_and_no_certificate() {
    let town = Town::new().await;
    for name in ["foreign.test", "sub.site.test", "xn--ste-tma.test"] {
        let error = town.shake(name, &[]).await.unwrap_err();
        assert!(error.to_string().contains("UnrecognisedName"), "{name}: {error}");
    }
}

#[tokio::test]
async fn who_names_no_host_gets_the_sites_own_certificate() {
    let town = Town::new().await;
    let heard = town.ask("127.0.0.1", "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").await;
    assert!(heard.starts_with("HTTP/1.1 200") && heard.contains("\"https\" None"), "{heard}");
    let heard = town.ask("127.0.0.1", "GET / HTTP/1.1\r\nhost: other.test\r\nconnection: close\r\n\r\n").await;
    assert!(heard.starts_with("HTTP/1.1 421"), "{heard}");
}

#[tokio::test]
async fn a_request_for_another_host_is_misdirected() {
    let town = Town::new().await;
    for (host, status) in
        [("site.test", 200), ("SITE.test:8443", 200), ("other.test", 421), ("foreign.test", 421), ("site.test, other.test", 421)]
    {
        let heard = town.ask("site.test", &format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).await;
        assert!(heard.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {heard}");
    }
    let heard = town.ask("site.test", "GET https://other.test/ HTTP/1.1\r\nhost: other.test\r\nconnection: close\r\n\r\n").await;
    assert!(heard.starts_with("HTTP/1.1 421"), "{heard}");
    let heard = town.ask("site.test", "GET / HTTP/1.0\r\n\r\n").await;
    assert!(heard.starts_with("HTTP/1.0 421"), "{heard}");
}

#[tokio::test]
async fn names_come_and_go_while_the_site_runs() {
    let town = Town::new().await;
    assert!(town.shake("new.test", &[]).await.is_err());
    town.names.put(&town.ca.issue(&["new.test".into()]).unwrap(), false);
    let heard = town.ask("new.test", "GET / HTTP/1.1\r\nhost: new.test\r\nconnection: close\r\n\r\n").await;
    assert!(heard.starts_with("HTTP/1.1 200"), "{heard}");
    town.names.put(&town.ca.issue(&["*.wide.test".into()]).unwrap(), false);
    town.shake("a.wide.test", &[]).await.unwrap();
    assert!(town.shake("a.b.wide.test", &[]).await.is_err(), "a star stands for one label");
    assert!(town.shake("wide.test", &[]).await.is_err());
    town.names.remove("new.test");
    assert!(town.shake("new.test", &[]).await.is_err());
}

#[tokio::test]
async fn garbage_before_the_client_hello_disturbs_nobody() {
    let town = Town::new().await;
    let long_name = client_hello_naming(&"a".repeat(16 * 1024));
    let garbage: [&[u8]; 5] = [b"GET / HTTP/1.1\r\nhost: site.test\r\n\r\n", &[0; 4096], &[0xff; 100], b"\x16\x03\x01\xff\xff", &long_name];
    for bytes in garbage {
        let mut stream = TcpStream::connect(town.tls).await.unwrap();
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut heard = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut heard)).await.expect("hung up on");
        assert!(heard.is_empty() || heard[0] == 0x15, "an alert or nothing: {heard:?}");
    }
    assert!(town.ask("site.test", GET).await.starts_with("HTTP/1.1 200"));
}

/// A TLS 1.2 ClientHello (RFC 5246 §7.4.1.2) with nothing but a server name, in one record if it fits.
fn client_hello_naming(name: &str) -> Vec<u8> {
    let size = |n: usize| u16::try_from(n).unwrap().to_be_bytes();
    let mut sni = [&[0][..], &size(name.len()), name.as_bytes()].concat();
    sni = [&size(sni.len())[..], &sni].concat();
    let extension = [&[0, 0][..], &size(sni.len()), &sni].concat();
    let hello = [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0xc0, 0x2f], &[1, 0], &size(extension.len()), &extension].concat();
    let message = [&[1, 0][..], &size(hello.len()), &hello].concat();
    message.chunks(16_000).flat_map(|part| [&[0x16, 3, 1][..], &size(part.len()), part].concat()).collect()
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_hung_up_on() {
    let town = Town::new().await;
    let mut silent = TcpStream::connect(town.tls).await.unwrap();
    let mut dripping = TcpStream::connect(town.tls).await.unwrap();
    dripping.write_all(b"\x16\x03\x01\x02").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::pause();
    let began = Instant::now();
    hear(&mut silent).await;
    hear(&mut dripping).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(9) && took <= Duration::from_secs(12), "{took:?}");
}
