//! Floods in raw HTTP/2 frames (RFC 9113): the connection that sends them ends, and everybody else is served meanwhile.

use crate::{frames::*, town::Town};
use poem::http::Request;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::client::TlsStream;

/// Begins by the book, with one long request as cover if the flood needs one.
async fn begun(town: &Town, cover: bool) -> TlsStream<TcpStream> {
    let mut stream = town.shake("site.test", &["h2"]).await.unwrap();
    let mut first = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    if cover {
        // Not ended, so that DATA frames may follow.
        first.extend(frame(HEADERS, END_HEADERS, 1, &head("/never")));
    }
    stream.write_all(&first).await.unwrap();
    stream
}

/// Bytes until the server had enough; fails when it never has.
async fn flood(town: &Town, cover: bool, mut more: impl FnMut(u32) -> Vec<u8>) -> usize {
    let (mut reader, mut writer) = tokio::io::split(begun(town, cover).await);
    // The server's words are read, so that it is never the one who waits.
    let reading = tokio::spawn(async move {
        let mut some = [0; 16_384];
        while reader.read(&mut some).await.is_ok_and(|n| n > 0) {}
    });
    let sending = async {
        let (mut sent, mut n) = (0, 0);
        while !reading.is_finished() {
            let mut piece = Vec::new();
            while piece.len() < 16_384 {
                piece.extend(more(n));
                n += 1;
            }
            sent += piece.len();
            if writer.write_all(&piece).await.is_err() || writer.flush().await.is_err() {
                break;
            }
        }
        sent
    };
    timeout(Duration::from_secs(20), sending).await.expect("the flood is still let in")
}

/// Somebody else, over and over while `attack` lasts; the longest that they waited.
async fn meanwhile<T>(town: &Town, attack: impl std::future::Future<Output = T>) -> (T, Duration) {
    let (sender, _driver) = town.two("site.test").await;
    let mut longest = Duration::ZERO;
    let asking = async {
        loop {
            let began = Instant::now();
            let request = Request::get("https://site.test/").body(()).unwrap();
            let (answer, _) = sender.clone().ready().await.unwrap().send_request(request, true).unwrap();
            assert_eq!(answer.await.unwrap().status(), 200);
            longest = longest.max(began.elapsed());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let attacked = tokio::select! { attacked = attack => attacked, () = asking => unreachable!("it never ends") };
    (attacked, longest)
}

type Flood = (&'static str, bool, fn(u32) -> Vec<u8>);

#[tokio::test]
async fn frames_that_belong_to_no_request_end_the_connection_and_disturb_nobody() {
    let town = Town::new().await;
    let floods: [Flood; 8] = [
        ("PING", false, |_| frame(PING, 0, 0, &[7; 8])),
        ("PING under cover of a request", true, |_| frame(PING, 0, 0, &[7; 8])),
        ("SETTINGS", true, |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])),
        ("WINDOW_UPDATE", true, |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("PRIORITY", true, |n| frame(PRIORITY, 0, 3 + 2 * (n % 1_000), &[0, 0, 0, 0, 1])),
        ("empty DATA", true, |_| frame(DATA, 0, 1, &[])),
        ("an unknown kind", true, |_| frame(0xfa, 0, 0, &[1; 64])),
        ("requests taken back", true, |n| {
            [frame(HEADERS, END_HEADERS | 1, 3 + 2 * n, &head("/never")), frame(RST_STREAM, 0, 3 + 2 * n, &CANCEL)].concat()
        }),
    ];
    for (what, cover, more) in floods {
        let (sent, longest) = meanwhile(&town, flood(&town, cover, more)).await;
        println!("{what}: hung up on after {} KiB; others waited {longest:?} at most", sent / 1_024);
        // What the sockets hold on the way is sent as well.
        assert!(sent < 16 << 20, "{what}: {sent} bytes were let in");
        assert!(longest < Duration::from_secs(2), "{what}: others waited {longest:?}");
    }
}

#[tokio::test]
async fn a_head_without_an_end_is_cut_off() {
    let town = Town::new().await;
    for (what, piece) in [
        ("empty", vec![]),
        ("small", vec![0x40, 1, b'a', 1, b'b']),
        ("large", [&[0x40, 1, b'a', 127, 0x81, 0x7d][..], &[b'b'; 16_000]].concat()),
    ] {
        let mut begun = false;
        let attack = flood(&town, false, |_| {
            let first = !std::mem::replace(&mut begun, true);
            if first { frame(HEADERS, 0, 1, &head("/")) } else { frame(CONTINUATION, 0, 1, &piece) }
        });
        let (sent, longest) = meanwhile(&town, attack).await;
        println!("{what} CONTINUATION: hung up on after {} KiB; others waited {longest:?} at most", sent / 1_024);
        assert!(sent < 8 << 20 && longest < Duration::from_secs(2), "{what}: {sent} bytes, others waited {longest:?}");
    }
}

#[tokio::test]
async fn a_head_that_drips_over_http2_is_hung_up_on() {
    let town = Town::new().await;
    let mut stream = begun(&town, false).await;
    stream.write_all(&frame(HEADERS, 0, 1, &head("/"))).await.unwrap();
    stream.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::time::pause();
    let began = Instant::now();
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(13) && took <= Duration::from_secs(17), "{took:?}");
}

/// What is honest and large is not mistaken for a flood.
#[tokio::test]
async fn an_upload_and_a_download_of_many_small_frames_are_no_flood() {
    let town = Town::new().await;
    let (sender, _driver) = town.two("site.test").await;
    let request = Request::post("https://site.test/count").body(()).unwrap();
    let (answer, mut body) = sender.clone().ready().await.unwrap().send_request(request, false).unwrap();
    let piece = bytes::Bytes::from_static(&[7; 512]);
    let total = 32 << 20;
    for n in 1..=total / piece.len() {
        body.reserve_capacity(piece.len());
        while body.capacity() < piece.len() {
            std::future::poll_fn(|cx| body.poll_capacity(cx)).await.unwrap().unwrap();
        }
        body.send_data(piece.clone(), n == total / piece.len()).unwrap();
    }
    let mut text = answer.await.unwrap().into_body();
    assert_eq!(text.data().await.unwrap().unwrap(), total.to_string());
    let request = Request::get("https://site.test/endless").body(()).unwrap();
    let (answer, _) = sender.ready().await.unwrap().send_request(request, true).unwrap();
    let (mut body, mut got) = (answer.await.unwrap().into_body(), 0);
    while got < total {
        let data = body.data().await.unwrap().unwrap();
        got += data.len();
        for _ in 0..data.len() / 4_096 {
            body.flow_control().release_capacity(4_096).unwrap();
        }
        body.flow_control().release_capacity(data.len() % 4_096).unwrap();
    }
}
