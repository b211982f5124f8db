//! HTTP/2: the same site, and the floods that it invites.

use crate::town::Town;
use poem::http::Request;
use std::time::Duration;
use tokio::time::Instant;

fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

#[tokio::test]
async fn the_site_speaks_http2_and_says_421_per_request() {
    let town = Town::new().await;
    let (sender, _driver) = town.two("site.test").await;
    let mut sender = sender.ready().await.unwrap();
    let (answer, _) = sender.send_request(get("https://site.test:8443/"), true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    let text = String::from_utf8(body.data().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(text.contains("host Some(\"site.test:8443\")") && text.contains("http2=true"), "{text}");
    let (answer, _) = sender.send_request(get("https://other.test/"), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 421);
}

#[tokio::test]
async fn at_most_a_hundred_requests_run_at_one_time() {
    let town = Town::new().await;
    let (sender, _driver) = town.two("site.test").await;
    let sender = sender.ready().await.unwrap();
    let mut first = sender.clone();
    let (answer, _) = first.send_request(get("https://site.test/"), true).unwrap();
    answer.await.unwrap();
    assert_eq!(first.current_max_send_streams(), 100, "the server's own word");
}

#[tokio::test]
async fn headers_that_are_too_many_are_refused() {
    let town = Town::new().await;
    let (sender, _driver) = town.two("site.test").await;
    let mut sender = sender.ready().await.unwrap();
    let mut request = get("https://site.test/");
    request.headers_mut().insert("x-large", "a".repeat(48 * 1024).parse().unwrap());
    let (answer, _) = sender.send_request(request, true).unwrap();
    match answer.await {
        Ok(answer) => assert_eq!(answer.status(), 431),
        Err(error) => assert!(error.is_reset() || error.is_go_away(), "{error}"),
    }
}

#[tokio::test]
async fn taking_back_request_after_request_ends_the_connection() {
    let town = Town::new().await;
    let (sender, driver) = town.two("site.test").await;
    let mut sent = 0;
    while !driver.is_finished() && sent < 5_000 {
        let Ok(mut ready) = sender.clone().ready().await else { break };
        let Ok((answer, mut stream)) = ready.send_request(get("https://site.test/never"), true) else { break };
        tokio::task::yield_now().await;
        stream.send_reset(h2::Reason::CANCEL);
        drop(answer);
        sent += 1;
    }
    let ended = tokio::time::timeout(Duration::from_secs(5), driver).await;
    assert!(ended.is_ok() && sent < 1_000, "after {sent} resets the connection still stands");
    let (again, _driver) = town.two("site.test").await;
    let (answer, _) = again.ready().await.unwrap().send_request(get("https://site.test/"), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200, "others are served");
}

#[tokio::test]
async fn an_idle_connection_is_told_to_go_after_a_minute() {
    let town = Town::new().await;
    let (sender, driver) = town.two("site.test").await;
    let mut sender = sender.ready().await.unwrap();
    let (answer, _) = sender.send_request(get("https://site.test/"), true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    while body.data().await.is_some() {}
    tokio::time::pause();
    let began = Instant::now();
    let ended = driver.await.unwrap();
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(55) && took <= Duration::from_secs(70), "{took:?} {ended:?}");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_ends_the_connection() {
    let town = Town::new().await;
    let (sender, driver) = town.two("site.test").await;
    let mut sender = sender.ready().await.unwrap();
    let (answer, _) = sender.send_request(get("https://site.test/endless"), true).unwrap();
    let held = answer.await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::time::pause();
    let began = Instant::now();
    let _ = driver.await.unwrap();
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(55) && took <= Duration::from_secs(130), "{took:?}");
    drop(held);
}

#[tokio::test]
async fn an_answer_that_is_read_slowly_comes_whole() {
    let town = Town::new().await;
    let (sender, _driver) = town.two_with("site.test", 16_384).await;
    let (answer, _) = sender.ready().await.unwrap().send_request(get("https://site.test/large"), true).unwrap();
    let (mut body, mut got, mut pieces) = (answer.await.unwrap().into_body(), 0, 0);
    tokio::time::pause();
    let began = Instant::now();
    while let Some(data) = body.data().await {
        (got, pieces) = (got + data.as_ref().unwrap().len(), pieces + 1);
        // The clock stands while bytes are on their way, so only these pauses count.
        if pieces <= 6 {
            tokio::time::resume();
            tokio::time::sleep(Duration::from_millis(20)).await;
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(20)).await;
        }
        body.flow_control().release_capacity(data.unwrap().len()).unwrap();
    }
    assert!(got == 1 << 20 && began.elapsed() > Duration::from_secs(110), "{got} bytes in {:?}", began.elapsed());
}

#[tokio::test]
async fn whoever_takes_none_of_many_large_answers_makes_room_for_others() {
    let town = Town::new().await;
    let mut held = Vec::new();
    let greedy = town.two_with("site.test", 0).await;
    let modest = town.two_with("site.test", 0).await;
    let mut ask = async |sender: &h2::client::SendRequest<bytes::Bytes>, times: usize| {
        for _ in 0..times {
            let Ok(mut sender) = sender.clone().ready().await else { return };
            let Ok((answer, _)) = sender.send_request(get("https://site.test/large"), true) else { return };
            held.push(answer.await.map(|answer| answer.into_body()));
        }
    };
    ask(&modest.0, 60).await;
    ask(&greedy.0, 99).await;
    assert!(!greedy.1.is_finished() && !modest.1.is_finished(), "there is room");
    let third = town.two_with("site.test", 0).await;
    ask(&third.0, 98).await;
    let ended = tokio::time::timeout(Duration::from_secs(5), greedy.1).await;
    assert!(ended.is_ok(), "it holds most, and is hung up on at once");
    assert!(!modest.1.is_finished() && !third.1.is_finished(), "nobody else is");
}

#[tokio::test]
async fn uploads_that_are_refused_unread_are_no_flood() {
    let town = Town::new().await;
    let (sender, driver) = town.two("site.test").await;
    for n in 0..8 {
        let request = Request::post("https://site.test/").body(()).unwrap();
        let (answer, mut body) = sender.clone().ready().await.unwrap().send_request(request, false).unwrap();
        body.reserve_capacity(4 << 20);
        let mut sent = 0;
        // As much as fits, until the answer says that nobody wants it.
        while let Ok(Some(Ok(room))) =
            tokio::time::timeout(Duration::from_millis(300), std::future::poll_fn(|cx| body.poll_capacity(cx))).await
        {
            let piece = bytes::Bytes::from(vec![7; room]);
            sent += room;
            if body.send_data(piece, false).is_err() {
                break;
            }
        }
        assert_eq!(answer.await.unwrap().status(), 200, "the {n}th, of which {sent} bytes were sent");
    }
    assert!(!driver.is_finished());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_refused_with_words() {
    let town = Town::new().await;
    let (sender, _driver) = town.two("site.test").await;
    let request = Request::post("https://site.test/count").body(()).unwrap();
    let (answer, mut body) = sender.ready().await.unwrap().send_request(request, false).unwrap();
    body.send_data(bytes::Bytes::from_static(&[7; 100]), false).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::time::pause();
    let began = Instant::now();
    let answer = answer.await.unwrap();
    let took = began.elapsed();
    assert_eq!(answer.status(), 408);
    assert!(took >= Duration::from_secs(28) && took <= Duration::from_secs(32), "{took:?}");
}
