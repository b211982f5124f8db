//! A download that breaks, the last time because the server is killed, goes on where it stopped; and evidence says once what was released.

use futures_util::{StreamExt, stream};
use poem::http::Method;
use serde_json::json;
use std::sync::LazyLock;
use store::testing::fresh_sqlite;
use tests::{ApiKey, Body, Door, Recipient, Server, Site};

const MIB: usize = 1 << 20;
const CHUNK: usize = 64 << 10;
/// Size of the file, unless `COUNTERSIGN_DOWNLOAD_MIB` says otherwise.
const SIZE: usize = 48;
/// The server may never hold the file: what it needs besides is the same for every size.
const MOST_MEMORY: u64 = 256 << 20;

#[allow(clippy::disallowed_methods)] // a longer run is asked for by hand
fn size() -> usize {
    std::env::var("COUNTERSIGN_DOWNLOAD_MIB").ok().and_then(|mib| mib.parse().ok()).unwrap_or(SIZE) * MIB
}

/// One MiB of the file: noise, with its number in every chunk, so that no two are alike. Noise of its own for each would take minutes.
fn block(n: usize) -> Vec<u8> {
    static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut bytes = vec![0; MIB];
        kernel::Chance::seeded(1).fill(&mut bytes);
        bytes
    });
    let mut bytes = NOISE.clone();
    for chunk in bytes.chunks_mut(CHUNK) {
        chunk[..8].copy_from_slice(&n.to_be_bytes());
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_download_that_breaks_goes_on_where_it_stopped() {
    let site = Site::set_up(crate::PROGRAM, fresh_sqlite().await).await;
    let mut server = site.serve().await;
    let key = site.member(&server, "ana@acme.example").await.key("ci").await;
    let file = upload(&key).await;
    let sent = key.send_as(json!({"to": ["bob@example.org"], "subject": "Large", "body": "", "proof": "r0", "attachments": [file]})).await;
    let bob = Recipient::new(server.browser(), &site.letter_with("bob@example.org", "/p/").await.link("/p/"));
    assert_eq!(bob.open().await.step(), "message");
    let path = bob.release(&file).await;

    let cookie = bob.browser.cookie_line();
    let mut got = Got::default();
    while got.bytes < size() {
        let until = (got.bytes + size() / 3 + 12_345).min(size());
        got.go_on(&server, &path, &[("cookie", &cookie)], until).await;
        if until < size() {
            server.kill();
            server = site.serve().await;
        }
    }
    let key = ApiKey { door: server.door.clone(), ..key };
    let mut own = Got::default();
    let authorization = format!("Bearer {}", key.secret);
    for until in [size() / 2, size()] {
        own.go_on(&server, &format!("/v1/attachments/{file}"), &[("authorization", &authorization)], until).await;
    }
    let memory = server.peak_memory();
    println!("{} MiB in {} and {} requests; the server took {} MiB at most", size() / MIB, got.requests, own.requests, memory >> 20);
    assert!(memory < MOST_MEMORY, "{memory}");
    let handed_over: Vec<_> =
        key.evidence(&sent).await.as_array().unwrap().iter().filter(|f| f["kind"] == "file_handed_over").cloned().collect();
    assert_eq!(handed_over.len(), 1, "it was released once, however often it was fetched");
    assert_eq!(handed_over[0]["grounds"]["file_bytes"], size());
    assert!(handed_over[0]["does_not_claim"].as_str().unwrap().contains("all of it arrived"));
}

async fn upload(key: &ApiKey) -> String {
    let begun = key.upload(&format!("/v1/attachments?name=large.bin&size={}", size()), Body::Whole(Vec::new())).await.is(201);
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    let Door::Wire { base, client } = &key.door else { panic!("a real server") };
    let bytes = stream::iter(0..size() / MIB).map(|n| Ok::<_, std::io::Error>(block(n)));
    let put = client.request(Method::PUT, format!("{base}/v1/attachments/{id}?offset=0")).bearer_auth(&key.secret);
    let answer = put.body(reqwest::Body::wrap_stream(bytes)).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    id
}

/// What has come so far, compared as it comes.
#[derive(Default)]
struct Got {
    bytes: usize,
    requests: usize,
    etag: Option<String>,
    /// The block that the next byte is in.
    block: Option<(usize, Vec<u8>)>,
}

impl Got {
    /// Asks for the rest, and hangs up after `until`.
    async fn go_on(&mut self, server: &Server, path: &str, headers: &[(&str, &str)], until: usize) {
        let Door::Wire { base, client } = &server.door else { panic!("a real server") };
        let mut ask = client.get(format!("{base}{path}"));
        for (name, value) in headers {
            ask = ask.header(*name, *value);
        }
        if let Some(etag) = &self.etag {
            ask = ask.header("range", format!("bytes={}-", self.bytes)).header("if-range", etag);
        }
        let answer = ask.send().await.unwrap();
        assert_eq!(answer.status(), if self.etag.is_some() { 206 } else { 200 });
        self.etag = Some(answer.headers()["etag"].to_str().unwrap().to_owned());
        self.requests += 1;
        let mut stream = answer.bytes_stream();
        while self.bytes < until {
            let piece = stream.next().await.expect("more is to come").unwrap();
            self.take(&piece[..piece.len().min(until - self.bytes)]);
        }
    }
    fn take(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let (n, at) = (self.bytes / MIB, self.bytes % MIB);
            if self.block.as_ref().is_none_or(|(of, _)| *of != n) {
                self.block = Some((n, block(n)));
            }
            let (now, rest) = piece.split_at(piece.len().min(MIB - at));
            assert!(self.block.as_ref().is_some_and(|(_, block)| block[at..at + now.len()] == *now), "another byte at {}", self.bytes);
            self.bytes += now.len();
            piece = rest;
        }
    }
}
