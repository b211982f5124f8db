//! Balancers and proxies: believed when the operator named them, garbage or a lie from anybody else.

use crate::town::{Town, hear, say};
use edge::ForwardedBy;
use std::net::Ipv4Addr;
use tokio::{io::AsyncWriteExt, net::TcpStream};

const GET: &str = "GET / HTTP/1.1\r\nhost: site.test\r\nconnection: close\r\n\r\n";

fn from(client: [u8; 4]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    header.extend(client);
    header.extend(Ipv4Addr::LOCALHOST.octets());
    header.extend([0x30, 0x39, 0x01, 0xbb]);
    header
}

async fn through(town: &Town, header: &[u8], request: &str) -> std::io::Result<String> {
    let mut tcp = TcpStream::connect(town.tls).await?;
    tcp.write_all(header).await?;
    let mut stream = town.shake_over(tcp, "site.test", &["http/1.1"]).await?;
    say(&mut stream, request).await;
    Ok(hear(&mut stream).await)
}

#[tokio::test]
async fn a_named_balancer_says_whose_connection_it_is() {
    let town = Town::with(|s| s.proxy_protocol = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let heard = through(&town, &from([203, 0, 113, 9]), GET).await.unwrap();
    assert!(heard.contains("from socket://203.0.113.9:12345"), "{heard}");
    assert!(through(&town, b"", GET).await.is_err(), "from a balancer the header is required");
    let heard = through(&town, b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", GET).await.unwrap();
    assert!(heard.contains("from socket://127.0.0.1:"), "a health check speaks for the balancer: {heard}");
}

#[tokio::test]
async fn a_stranger_cannot_pass_for_a_balancer() {
    let town = Town::new().await;
    assert!(through(&town, &from([203, 0, 113, 9]), GET).await.is_err());
    let heard = through(&town, b"", "GET / HTTP/1.1\r\nhost: site.test\r\nx-forwarded-for: 203.0.113.9\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    assert!(heard.contains("from socket://127.0.0.1:"), "{heard}");
}

#[tokio::test]
async fn one_client_behind_a_balancer_has_its_share_and_no_more() {
    let town = Town::with(|s| s.proxy_protocol = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut tcp = TcpStream::connect(town.tls).await.unwrap();
        tcp.write_all(&from([203, 0, 113, 9])).await.unwrap();
        held.push(town.shake_over(tcp, "site.test", &["http/1.1"]).await.unwrap());
    }
    assert!(through(&town, &from([203, 0, 113, 9]), GET).await.is_err(), "the fifth");
    assert!(through(&town, &from([203, 0, 113, 10]), GET).await.is_ok(), "somebody else");
    drop(held);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(through(&town, &from([203, 0, 113, 9]), GET).await.is_ok());
}

#[tokio::test]
async fn only_the_header_that_the_proxies_write_is_read() {
    let both =
        "GET / HTTP/1.1\r\nhost: site.test\r\nx-forwarded-for: 198.51.100.1\r\nforwarded: for=203.0.113.9\r\nconnection: close\r\n\r\n";
    for (by, client) in [(ForwardedBy::XForwardedFor, "198.51.100.1"), (ForwardedBy::Forwarded, "203.0.113.9")] {
        let town = Town::with(|s| {
            s.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
            s.forwarded_by = by;
        })
        .await;
        let heard = through(&town, b"", both).await.unwrap();
        assert!(heard.contains(&format!("from socket://{client}:0")), "{heard}");
    }
}
