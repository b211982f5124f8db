//! Blobs: what was put is there, under its name alone; in a directory, and in a bucket where one is given.

use bytes::Bytes;
use kernel::Chance;
use std::process::Command;
use store::{Blobs, S3Config};

async fn keeps_what_it_is_given(blobs: &Blobs) {
    let chance = Chance::system();
    let (name, other) = (Blobs::new_name(&chance), Blobs::new_name(&chance));
    let long = Bytes::from(vec![7; 4 << 20]);
    blobs.put(&name, 0, long.clone()).await.unwrap();
    blobs.put(&name, 1, Bytes::from_static(b"end")).await.unwrap();
    blobs.put(&other, 0, Bytes::from_static(b"other")).await.unwrap();
    assert_eq!(blobs.get(&name, 0).await.unwrap(), long);
    assert_eq!(blobs.get(&name, 1).await.unwrap(), "end");
    blobs.put(&name, 1, Bytes::from_static(b"a new end")).await.unwrap();
    assert_eq!(blobs.get(&name, 1).await.unwrap(), "a new end");
    assert!(blobs.get(&name, 2).await.is_err());
    blobs.delete_all(&name).await.unwrap();
    blobs.delete_all(&name).await.unwrap();
    assert!(blobs.get(&name, 0).await.is_err());
    assert_eq!(blobs.get(&other, 0).await.unwrap(), "other");
    assert!(blobs.put(&name, 0, Bytes::from(vec![0; 6 << 20])).await.is_err());
    assert!(blobs.put("../../x", 0, Bytes::new()).await.is_err());
    blobs.check(&chance).await.unwrap();
    blobs.delete_all(&other).await.unwrap();
}

#[tokio::test]
async fn a_directory_keeps_blobs() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::local(dir.path()).unwrap();
    keeps_what_it_is_given(&blobs).await;
    assert!(blobs.free_bytes().unwrap().unwrap() > 0);
}

#[tokio::test]
async fn a_thousand_segments_written_at_once_are_all_whole() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::local(dir.path()).unwrap();
    let name = Blobs::new_name(&Chance::system());
    let tasks: Vec<_> = (0..200_u64)
        .map(|i| {
            let (blobs, name) = (blobs.clone(), name.clone());
            // Twice the same number: the later replaces, neither is torn.
            tokio::spawn(async move { blobs.put(&name, i / 2, Bytes::from(vec![(i / 2) as u8; 1000])).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for i in 0..100_u64 {
        assert_eq!(blobs.get(&name, i).await.unwrap(), vec![i as u8; 1000]);
    }
    let left = std::fs::read_dir(dir.path().join(&name)).unwrap().count();
    assert_eq!(left, 100, "no unfinished file stays");
}

/// Reads the system calls: content, name and each directory are synced, in this order, before `put` answers.
#[test]
fn a_blob_is_synced_before_it_is_promised() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("calls");
    let traced = Command::new("strace")
        .args(["-f", "-y", "-o"])
        .arg(&log)
        .args(["-e", "trace=fsync,fdatasync,rename,renameat,renameat2"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "store::blobs::put_one", "--ignored"])
        .output();
    let Ok(traced) = traced else { return eprintln!("skipped: no strace here") };
    assert!(traced.status.success(), "{}", String::from_utf8_lossy(&traced.stderr));
    let calls = std::fs::read_to_string(&log).unwrap();
    let order: Vec<&str> = calls
        .lines()
        .filter(|l| l.contains("blobs-of-put-one"))
        .filter_map(|l| if l.contains("rename") { Some("rename") } else { l.contains("sync(").then_some("sync") })
        .collect();
    assert_eq!(order, ["sync", "rename", "sync", "sync", "sync", "sync"], "{calls}");
}

#[tokio::test]
#[ignore = "the child of the test above"]
async fn put_one() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::local(&dir.path().join("blobs-of-put-one")).unwrap();
    blobs.put(&Blobs::new_name(&Chance::seeded(1)), 0, Bytes::from_static(b"x")).await.unwrap();
}

/// `COUNTERSIGN_TEST_S3=http://127.0.0.1:PORT` with a bucket `countersign-test`.
#[tokio::test]
#[allow(clippy::disallowed_methods)]
async fn a_bucket_keeps_blobs() {
    let Ok(endpoint) = std::env::var("COUNTERSIGN_TEST_S3") else { return eprintln!("skipped: COUNTERSIGN_TEST_S3 is not set") };
    let config = S3Config {
        endpoint: Some(endpoint),
        region: "us-east-1".into(),
        bucket: "countersign-test".into(),
        access_key: "test".into(),
        secret_key: "test".into(),
    };
    // The binary does it first thing; in a test process somebody else may have.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let blobs = Blobs::s3(&config).unwrap();
    keeps_what_it_is_given(&blobs).await;
    assert_eq!(blobs.free_bytes().unwrap(), None);
}
