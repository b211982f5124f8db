//! The plain listener beside a TLS one.

use crate::town::{Town, hear, say};
use tokio::net::TcpStream;

async fn ask(town: &Town, method: &str, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(town.plain).await.unwrap();
    say(&mut stream, &format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).await;
    hear(&mut stream).await.to_ascii_lowercase()
}

#[tokio::test]
async fn people_are_sent_on_to_https_on_names_that_are_ours() {
    let town = Town::new().await;
    for (host, to) in [
        ("site.test", "https://site.test:8443/a?b=c"),
        ("OTHER.test:80", "https://other.test:8443/a?b=c"),
        ("127.0.0.1", "https://127.0.0.1:8443/a?b=c"),
    ] {
        let heard = ask(&town, "GET", "/a?b=c", host).await;
        assert!(heard.starts_with("http/1.1 308") && heard.contains(&format!("location: {to}\r\n")), "{heard}");
        // RFC 6797 §7.2: not over plain HTTP.
        assert!(heard.contains("x-content-type-options: nosniff") && !heard.contains("strict-transport-security"), "{heard}");
    }
    for host in ["evil.test", "site.test.evil.test", ""] {
        let heard = ask(&town, "GET", "/", host).await;
        assert!(!heard.contains("location:"), "{host}: {heard}");
    }
}

#[tokio::test]
async fn what_came_unencrypted_is_refused_and_not_sent_on() {
    let town = Town::new().await;
    for (method, path) in [("POST", "/sign-in"), ("GET", "/v1/messages"), ("DELETE", "/v1/messages")] {
        let heard = ask(&town, method, path, "site.test").await;
        assert!(heard.starts_with("http/1.1 403") && heard.contains("https only"), "{heard}");
    }
}
