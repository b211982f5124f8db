//! The way out: what was begun is finished, what is kept open is let go.

use crate::town::{Town, hear, hear_until, say};
use poem::http::Request;
use std::time::Duration;
use tokio::net::TcpStream;

async fn stopped(mut town: Town) {
    let server = std::mem::replace(&mut town.server, tokio::spawn(async { Ok(()) }));
    tokio::time::timeout(Duration::from_secs(8), server).await.expect("in time").unwrap().unwrap();
}

#[tokio::test]
async fn a_request_in_progress_finishes_while_the_door_is_closed() {
    let town = Town::with(|s| s.drain_notice = Duration::from_millis(300)).await;
    let mut stream = town.shake("site.test", &["http/1.1"]).await.unwrap();
    say(&mut stream, "POST /echo HTTP/1.1\r\nhost: site.test\r\ncontent-length: 8\r\n\r\nhalf").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    town.stop.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(town.shared.draining.begun());
    assert!(TcpStream::connect(town.tls).await.is_ok(), "a balancer has time to notice");
    tokio::time::sleep(Duration::from_millis(500)).await;
    for address in [town.tls, town.plain] {
        assert!(TcpStream::connect(address).await.is_err(), "the doors are closed");
    }
    say(&mut stream, "half").await;
    let heard = hear(&mut stream).await;
    assert!(heard.starts_with("HTTP/1.1 200") && heard.ends_with("halfhalf"), "{heard}");
    assert!(heard.to_ascii_lowercase().contains("connection: close"), "{heard}");
    stopped(town).await;
}

#[tokio::test]
async fn a_kept_connection_may_still_bring_a_request_that_was_under_way() {
    let town = Town::new().await;
    let mut stream = town.shake("site.test", &["http/1.1"]).await.unwrap();
    say(&mut stream, "GET / HTTP/1.1\r\nhost: site.test\r\n\r\n").await;
    hear_until(&mut stream, "certificates=0").await;
    town.stop.cancel();
    tokio::time::sleep(Duration::from_millis(500)).await;
    say(&mut stream, "GET / HTTP/1.1\r\nhost: site.test\r\n\r\n").await;
    let heard = hear(&mut stream).await.to_ascii_lowercase();
    assert!(heard.starts_with("http/1.1 200") && heard.contains("connection: close"), "{heard}");
    stopped(town).await;
}

#[tokio::test]
async fn a_new_connection_may_still_bring_its_first_request() {
    let town = Town::new().await;
    let mut stream = town.shake("site.test", &["http/1.1"]).await.unwrap();
    town.stop.cancel();
    tokio::time::sleep(Duration::from_millis(500)).await;
    say(&mut stream, "GET / HTTP/1.1\r\nhost: site.test\r\n\r\n").await;
    assert!(hear(&mut stream).await.starts_with("HTTP/1.1 200"));
    stopped(town).await;
}

#[tokio::test]
async fn http2_says_which_request_is_the_last() {
    let town = Town::new().await;
    let (sender, driver) = town.two("site.test").await;
    let mut sender = sender.ready().await.unwrap();
    let request = || Request::get("https://site.test/slow").body(()).unwrap();
    let (answer, _) = sender.send_request(request(), true).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    town.stop.cancel();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200, "what was begun is finished");
    drop(answer);
    let refused = match sender.ready().await {
        Err(error) => error,
        Ok(mut sender) => match sender.send_request(request(), true) {
            Err(error) => error,
            Ok((answer, _)) => answer.await.unwrap_err(),
        },
    };
    assert!(refused.is_go_away(), "a goodbye, not a break: {refused}");
    let _ = tokio::time::timeout(Duration::from_secs(5), driver).await.expect("the connection ends");
    stopped(town).await;
}

#[tokio::test]
async fn idle_connections_and_event_streams_do_not_hold_up_the_way_out() {
    let town = Town::new().await;
    let mut idle = town.shake("site.test", &["http/1.1"]).await.unwrap();
    say(&mut idle, "GET / HTTP/1.1\r\nhost: site.test\r\n\r\n").await;
    hear_until(&mut idle, "certificates=0").await;
    let _fresh = town.shake("site.test", &["h2"]).await.unwrap();
    let mut events = town.shake("site.test", &["http/1.1"]).await.unwrap();
    say(&mut events, "GET /events HTTP/1.1\r\nhost: site.test\r\n\r\n").await;
    hear_until(&mut events, "data: 1").await;
    town.stop.cancel();
    hear(&mut events).await;
    stopped(town).await;
}

#[tokio::test]
async fn who_does_not_finish_in_time_is_cut_off() {
    let town = Town::with(|s| s.drain = Duration::from_secs(1)).await;
    let mut stream = town.shake("site.test", &["http/1.1"]).await.unwrap();
    say(&mut stream, "GET /never HTTP/1.1\r\nhost: site.test\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    town.stop.cancel();
    stopped(town).await;
}
