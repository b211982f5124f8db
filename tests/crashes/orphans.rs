//! What a process leaves in the blob store that is killed between storing a segment and its act: it is swept, and nothing else is.

use countersign::Orphans;
use kernel::Fault;
use std::time::{Duration, UNIX_EPOCH};
use store::{Blobs, entity::attachment};
use tests::{ApiKey, Body, Town, on_both};

const MIB: usize = 1024 * 1024;

/// As if all files had been written two days ago: a file's age is this machine's to say, and not the town's clock's.
fn two_days_on(town: &Town) {
    let then = UNIX_EPOCH + Duration::from_millis(town.clock.now().plus_days(-2).0.unsigned_abs());
    let mut dirs = vec![town.database().dir.path().join("data/blobs")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => dirs.push(path),
                false => std::fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap(),
            }
        }
    }
}

/// As a body that was stored for a message that never came.
async fn leave_a_body(town: &Town) -> String {
    let name = Blobs::new_name(town.app.db.chance());
    town.app.db.blobs().put(&name, 0, b"sealed".to_vec().into()).await.unwrap();
    name
}

/// Looks through all of it; how many were deleted.
async fn sweep(town: &Town) -> u64 {
    town.app.sweep_blobs(&mut Orphans::default()).await.unwrap()
}

async fn blobs_of_files(town: &Town) -> Vec<attachment::Model> {
    let tenant = town.app.db.front_desk().tenants(None, 1).await.unwrap()[0].id;
    let system = town.app.db.front_desk().system(tenant);
    town.app.db.read(&system, async |read| Ok::<_, Fault>(read.find::<attachment::Entity>().all().await?)).await.unwrap()
}

/// A file of which the first segment is here, and where it goes on.
async fn begun(key: &ApiKey, plain: &[u8]) -> String {
    let begun = key.upload(&format!("/v1/attachments?name=slow.bin&size={}", plain.len()), Body::Whole(Vec::new())).await.is(201).json();
    let file = begun["id"].as_str().unwrap().to_owned();
    key.go_on(&format!("/v1/attachments/{file}?offset=0"), Body::Breaks(plain[..5 * MIB].to_vec())).await.is(400);
    file
}

#[tokio::test]
async fn what_a_killed_act_left_is_swept_and_nothing_that_a_row_names_is() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let plain: Vec<u8> = (0..9 * MIB).map(|n| (n % 251) as u8).collect();
        let file = key.upload("/v1/attachments?name=report.bin", Body::Whole(plain.clone())).await.is(201).json();
        let file = file["id"].as_str().unwrap().to_owned();
        let long = "A text that is too long for its row. ".repeat(4_000);
        let message = serde_json::json!({"to": ["bob@example.org"], "subject": "x", "body": long, "proof": "r0", "attachments": [file]});
        let sent = key.send_as(message).await;
        town.run_jobs().await;
        let slow = begun(&key, &plain).await;
        let kept = town.blob_files();

        let body = leave_a_body(&town).await;
        let blob = blobs_of_files(&town).await.into_iter().find(|row| row.sha256.is_some()).unwrap().blob;
        town.app.db.blobs().put(&blob, 1 << 48 | 77, b"a try that lost".to_vec().into()).await.unwrap();
        let unfinished = town.database().dir.path().join("data/blobs").join(&body).join(".0.4711.0");
        std::fs::write(&unfinished, b"half").unwrap();
        assert_eq!((sweep(&town).await, town.blob_files()), (0, kept + 3), "they are young: somebody may be at it");
        two_days_on(&town);
        assert_eq!((sweep(&town).await, town.blob_files()), (3, kept));
        assert_eq!(sweep(&town).await, 0);

        let down = key.get(&format!("/v1/messages/{sent}/attachments/{file}")).await.is(200);
        assert!(down.bytes == plain, "what was sent is all there");
        let bob = town.recipient("bob@example.org");
        bob.open().await;
        assert!(bob.message().await.is(200).shows("too long for its row"));
        let whole = key.go_on(&format!("/v1/attachments/{slow}?offset={}", 4 * MIB), Body::Whole(plain[4 * MIB..].to_vec())).await;
        assert_eq!(whole.is(200).json()["complete"], true, "an upload in progress goes on");
        assert_eq!(sweep(&town).await, 0);
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn what_the_last_of_many_tenants_names_is_kept() {
    on_both(async |town: Town| {
        let upload = async |email: &str, files: usize| {
            let key = town.member(email).await.key("ci").await;
            for _ in 0..files {
                key.upload("/v1/attachments?name=report.bin", Body::Whole(vec![7; 100])).await.is(201);
            }
        };
        upload("first@acme.example", 3).await;
        // More than are asked at one time; ids of one moment have no order.
        town.clock.advance(Duration::from_millis(1));
        for n in 0..100 {
            town.newcomer(&format!("n{n}@many.example")).await;
        }
        town.clock.advance(Duration::from_millis(1));
        upload("last@bolt.example", 1).await;
        leave_a_body(&town).await;
        two_days_on(&town);
        assert_eq!((sweep(&town).await, town.blob_files()), (1, 4));
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn blobs_of_another_database_are_let_alone() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        key.upload("/v1/attachments?name=report.bin", Body::Whole(vec![7; 100])).await.is(201);
        for (more, files) in [(2, 3), (28, 31)] {
            for _ in 0..more {
                leave_a_body(&town).await;
            }
            two_days_on(&town);
            assert_eq!((sweep(&town).await, town.blob_files()), (0, files), "most of them are nobody's");
        }
        town.run_jobs().await;
    })
    .await;
}
