//! HTTP/1.1 over TLS: deadlines and bounds.

use crate::town::{Town, hear, hear_until, say};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::client::TlsStream;

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

#[tokio::test]
async fn who_sends_a_whole_body_before_reading_still_sees_why_nobody_wanted_it() {
    const BYTES: usize = 12 << 20;
    let town = Town::new().await;
    let head = format!("POST / HTTP/1.1\r\nhost: site.test\r\ncontent-length: {BYTES}\r\n\r\n");
    async fn all_of_it(mut stream: impl AsyncRead + AsyncWrite + Unpin, head: &str) -> String {
        say(&mut stream, head).await;
        stream.write_all(&vec![b'x'; BYTES]).await.expect("it is taken, though nobody wants it");
        stream.flush().await.unwrap();
        hear(&mut stream).await
    }
    let heard = all_of_it(town.shake("site.test", &["http/1.1"]).await.unwrap(), &head).await;
    assert!(heard.starts_with("HTTP/1.1 200") && heard.contains("certificates=0"), "{heard}");
    let heard = all_of_it(TcpStream::connect(town.plain).await.unwrap(), &head).await;
    assert!(heard.starts_with("HTTP/1.1 403") && heard.contains("speaks https only"), "{heard}");
}

/// The paused clock runs ahead of the kernel, which would hold small pieces back until it has acknowledged others.
async fn undelayed(town: &Town) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(town.tls).await.unwrap();
    stream.set_nodelay(true).unwrap();
    town.shake_over(stream, "site.test", &["http/1.1"]).await.unwrap()
}

/// How a request fares whose body of a hundred bytes comes one by one, each after `pause`; and how long it took.
async fn dripped(town: &Town, path: &str, pause: Duration) -> (String, Duration) {
    let (mut reader, mut writer) = tokio::io::split(undelayed(town).await);
    say(&mut writer, &format!("POST {path} HTTP/1.1\r\nhost: site.test\r\ncontent-length: 100\r\n\r\n")).await;
    let began = Instant::now();
    let dripping = async {
        loop {
            tokio::time::sleep(pause).await;
            if writer.write_all(b"x").await.is_err() || writer.flush().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let heard = tokio::select! { heard = hear(&mut reader) => heard, () = dripping => unreachable!("it never ends") };
    (heard, began.elapsed())
}

#[tokio::test]
async fn a_body_below_the_least_pace_is_ended_with_an_answer_that_says_so_and_nobody_else_waits() {
    let town = Town::new().await;
    let mut other = town.shake("site.test", &["http/1.1"]).await.unwrap();
    say(&mut other, GET).await;
    hear_until(&mut other, "certificates=0").await;
    tokio::time::pause();
    for (path, pause, least, most) in [
        // Silence has half a minute, whatever came before.
        ("/echo", 40, 29, 36),
        // A drip that is never silent has a minute, and then its average counts.
        ("/count", 10, 60, 85),
        ("/echo", 25, 60, 110),
    ] {
        let (heard, took) = dripped(&town, path, Duration::from_secs(pause)).await;
        assert!(heard.starts_with("HTTP/1.1 408") && heard.contains("came too slowly"), "{path} {pause}: {heard}");
        assert!(took >= Duration::from_secs(least) && took <= Duration::from_secs(most), "{path} {pause}: {took:?}");
        let mut beside = town.shake("site.test", &["http/1.1"]).await.unwrap();
        let began = Instant::now();
        say(&mut beside, GET).await;
        hear_until(&mut beside, "certificates=0").await;
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
    // A body that is large and steady, and slower than anybody's line, arrives.
    let (mut reader, mut writer) = tokio::io::split(undelayed(&town).await);
    say(&mut writer, "POST /count HTTP/1.1\r\nhost: site.test\r\nconnection: close\r\ncontent-length: 204800\r\n\r\n").await;
    let sending = async {
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            writer.write_all(&[b'x'; 2_048]).await.unwrap();
            writer.flush().await.unwrap();
        }
        std::future::pending::<()>().await;
    };
    let heard = tokio::select! { heard = hear(&mut reader) => heard, () = sending => unreachable!("it never ends") };
    assert!(heard.starts_with("HTTP/1.1 200") && heard.ends_with("204800"), "{heard}");
}
