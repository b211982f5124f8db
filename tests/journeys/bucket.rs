//! Files in a bucket instead of a directory: the same journey against a real S3, and what people are told when it is away.

use countersign::{Config, config::S3Settings};
use poem::http::Method;
use serde_json::json;
use store::testing::{Moto, fresh_sqlite};
use tests::{Body, Town, on_both_with};

const MIB: usize = 1 << 20;

fn in_bucket(moto: &Moto) -> impl Fn(&mut Config) + use<> {
    // The binary does it first thing; in a test process somebody else may have.
    countersign::install_cryptography();
    let s3 = moto.config();
    move |config| {
        config.blobs.s3 = Some(S3Settings {
            endpoint: s3.endpoint.clone(),
            region: s3.region.clone(),
            bucket: s3.bucket.clone(),
            access_key: s3.access_key.clone().into(),
            secret_key: s3.secret_key.clone().into(),
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_through_a_bucket_and_leave_nothing_there() {
    let Some(moto) = Moto::start() else { return };
    let fact = async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let plain: Vec<u8> = (0..9 * MIB + 17).map(|n| (n % 251) as u8).collect();
        let mut files = Vec::new();
        for _ in 0..2 {
            let file = key.upload("/v1/attachments?name=report.bin", Body::Whole(plain.clone())).await.is(201).json();
            files.push((file["id"].as_str().unwrap().to_owned(), file["message"].as_str().unwrap().to_owned()));
        }
        assert_eq!(moto.objects(), 6, "three segments each");
        let (unsent, draft) = &files[1];
        key.delete(&format!("/v1/messages/{draft}/attachments/{unsent}")).await.is(204);
        town.run_jobs().await;
        assert_eq!(moto.objects(), 3);
        let (file, _) = &files[0];
        let long = "A text that is too long for its row. ".repeat(4_000);
        let message = json!({"to": ["bob@example.org"], "subject": "x", "body": long, "proof": "r0", "attachments": [file]});
        let sent = key.send_as(message).await;
        assert_eq!(moto.objects(), 4, "and the text");
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        assert_eq!(bob.open().await.step(), "message");
        assert!(bob.message().await.is(200).shows("too long for its row"));
        let path = bob.release(file).await;
        assert!(bob.browser.get(&path).await.is(200).bytes == plain);
        let (from, to) = (4 * MIB - 70_000, 8 * MIB + 3);
        let part = bob.browser.ask(Method::GET, &path, &[("range", &format!("bytes={from}-{}", to - 1))], Body::None).await.is(206);
        assert!(part.bytes == plain[from..to]);
        key.retract(&sent).await;
        town.clock.advance(std::time::Duration::from_secs(40 * 86_400));
        town.run_jobs().await;
        assert_eq!(moto.objects(), 0, "the content is over");
    };
    on_both_with(in_bucket(&moto), fact).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_away_loses_nothing_and_is_said() {
    let Some(mut moto) = Moto::start() else { return };
    let town = Town::on(fresh_sqlite().await, in_bucket(&moto), None).await;
    let key = town.member("ana@acme.example").await.key("ci").await;
    key.upload("/v1/attachments?name=first.bin", Body::Whole(vec![7; 100])).await.is(201);
    moto.kill();
    let away = key.upload("/v1/attachments?name=second.bin", Body::Whole(vec![7; 100])).await.is(503);
    assert_eq!(away.problem(), "unavailable");
    assert_eq!(key.get("/v1/account").await.json()["stored_bytes"], 100, "nothing of it was counted");
    key.send(&["bob@example.org"]).await;
    town.run_jobs().await;
    town.leave().await;
}
