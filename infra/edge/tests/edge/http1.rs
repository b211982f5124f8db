//! HTTP/1.1 over TLS: deadlines and bounds.

use crate::town::{Town, hear, hear_until, say};
use std::time::Duration;
use tokio::time::Instant;

const GET: &str = "GET / HTTP/1.1\r\nhost: site.test\r\n\r\n";

#[tokio::test]
async fn a_head_that_never_ends_is_hung_up_on_after_fifteen_seconds() {
    let town = Town::new().await;
    let mut silent = town.shake("site.test", &["http/1.1"]).await.unwrap();
    let mut dripping = town.shake("site.test", &["http/1.1"]).await.unwrap();
    let mut later = town.shake("site.test", &["http/1.1"]).await.unwrap();
    say(&mut later, GET).await;
    hear_until(&mut later, "certificates=0").await;
    say(&mut dripping, "GET / HTTP/1.1\r\n").await;
    say(&mut later, "GET / HT").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::pause();
    for stream in [&mut silent, &mut dripping, &mut later] {
        let began = Instant::now();
        assert!(!hear(stream).await.contains("200"));
        assert!(began.elapsed() <= Duration::from_secs(16), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_kept_connection_may_idle_for_a_minute() {
    let town = Town::new().await;
    let mut stream = town.shake("site.test", &["http/1.1"]).await.unwrap();
    say(&mut stream, GET).await;
    hear_until(&mut stream, "certificates=0").await;
    tokio::time::pause();
    let began = Instant::now();
    assert_eq!(hear(&mut stream).await, "");
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(59) && took <= Duration::from_secs(66), "{took:?}");
}

#[tokio::test]
async fn a_request_in_progress_has_no_such_deadline() {
    let town = Town::new().await;
    let mut stream = town.shake("site.test", &["http/1.1"]).await.unwrap();
    say(&mut stream, "GET /events HTTP/1.1\r\nhost: site.test\r\n\r\n").await;
    hear_until(&mut stream, "data: 1").await;
    tokio::time::pause();
    let more = tokio::time::timeout(Duration::from_secs(3_600), hear(&mut stream)).await;
    assert!(more.is_err(), "it ended with {more:?}");
}

#[tokio::test]
async fn heads_and_bodies_are_bounded() {
    let town = Town::new().await;
    let heard = town.ask("site.test", &format!("GET / HTTP/1.1\r\nhost: site.test\r\nx: {}\r\n\r\n", "a".repeat(64 * 1024))).await;
    assert!(heard.starts_with("HTTP/1.1 431"), "{heard}");
    let many: String = (0..200).map(|i| format!("x-{i}: 1\r\n")).collect();
    let heard = town.ask("site.test", &format!("GET / HTTP/1.1\r\nhost: site.test\r\n{many}\r\n")).await;
    assert!(heard.starts_with("HTTP/1.1 431"), "{heard}");
    let post = |size: usize| {
        format!("POST /echo HTTP/1.1\r\nhost: site.test\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n{}", "b".repeat(size))
    };
    assert!(town.ask("site.test", &post(1 << 20)).await.starts_with("HTTP/1.1 200"));
    let heard = town.ask("site.test", &post((1 << 20) + 1)).await;
    assert!(heard.starts_with("HTTP/1.1 413") && heard.contains("too large"), "{heard}");
}
