//! Blobs: what was put is there, under its name alone; in a directory and in a bucket.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use kernel::{Chance, Clock, FaultKind, Time};
use std::{
    process::Command,
    time::{Duration, Instant},
};
use store::{Blobs, S3Config, Stored, testing::Moto};

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
    let parts = blobs.get_ranges(&name, 1, &[0..3, 6..9, 2..2]).await.unwrap();
    assert_eq!(parts, ["a n", "end", ""]);
    assert!(blobs.get_ranges(&name, 1, &[0..1, 5..10]).await.is_err(), "beyond the end");
    assert!(blobs.get_ranges(&name, 2, &[0..1, 0..2]).await.is_err());
    blobs.delete_all(&name).await.unwrap();
    blobs.delete_all(&name).await.unwrap();
    assert!(blobs.get(&name, 0).await.is_err());
    assert_eq!(blobs.get(&other, 0).await.unwrap(), "other");
    assert!(blobs.put(&name, 0, Bytes::from(vec![0; 6 << 20])).await.is_err());
    assert!(blobs.put("../../x", 0, Bytes::new()).await.is_err());
    blobs.check(&chance).await.unwrap();
    blobs.delete_all(&other).await.unwrap();
}

/// Everything stored, by looks of `at_a_time`.
async fn all_stored(blobs: &Blobs, before: Time, at_a_time: usize) -> Vec<Stored> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = blobs.stored(after.as_deref(), before, at_a_time).await.unwrap();
        assert!(page.old.len() <= at_a_time);
        all.extend(page.old);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

async fn tells_what_is_there(blobs: &Blobs) {
    let (chance, soon) = (Chance::seeded(5), Clock::system().now().plus_days(1));
    assert_eq!(all_stored(blobs, soon, 3).await, []);
    let mut put: Vec<(String, u64)> = Vec::new();
    for n in 0..7 {
        let name = Blobs::new_name(&chance);
        put.extend((0..=n % 3).map(|segment| (name.clone(), segment << 48 | 9)));
    }
    // Two below one directory, and segments whose names are not in the order of their numbers.
    put.extend([("ab/cd/abcd0000000000000000000000000000".into(), 10), ("ab/cd/abcd0000000000000000000000000001".into(), 9)]);
    put.push(("ab/cd/abcd0000000000000000000000000000".into(), 9));
    for (name, segment) in &put {
        blobs.put(name, *segment, Bytes::from_static(b"x")).await.unwrap();
    }
    put.sort();
    for at_a_time in [1, 2, 5, 1_000] {
        let mut found: Vec<_> = all_stored(blobs, soon, at_a_time).await.into_iter().map(|s| (s.name, s.segment.unwrap())).collect();
        found.sort();
        assert_eq!(found, put, "{at_a_time} at a time");
    }
    assert_eq!(all_stored(blobs, Clock::system().now().plus_days(-1), 3).await, [], "they are young");
    for stored in all_stored(blobs, soon, 4).await {
        blobs.delete_stored(&stored).await.unwrap();
        blobs.delete_stored(&stored).await.unwrap();
    }
    assert_eq!(all_stored(blobs, soon, 3).await, []);
}

#[tokio::test]
async fn a_directory_tells_what_is_there_and_what_was_never_finished() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::local(dir.path()).unwrap();
    tells_what_is_there(&blobs).await;
    blobs.put("ab/cd/abcd0000000000000000000000000000", 4, Bytes::from_static(b"x")).await.unwrap();
    let blob = dir.path().join("ab/cd/abcd0000000000000000000000000000");
    std::fs::write(blob.join(".7.123.0"), b"half").unwrap();
    std::fs::write(dir.path().join("README"), b"the operator's").unwrap();
    let all = all_stored(&blobs, Clock::system().now().plus_days(1), 1).await;
    assert_eq!(all.iter().map(|stored| stored.segment).collect::<Vec<_>>(), [None, Some(4)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_tells_what_is_there() {
    let Some(moto) = Moto::start() else { return };
    tells_what_is_there(&bucket(&moto)).await;
}

#[tokio::test]
async fn a_directory_keeps_blobs() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::local(dir.path()).unwrap();
    keeps_what_it_is_given(&blobs).await;
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| name.len() == 2), "the probe left something: {left:?}");
}

#[tokio::test]
async fn a_probe_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    Blobs::local(dir.path()).unwrap().check(&Chance::system()).await.unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
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

/// The n-th fsync of a thread fails: of the content, of the first directory.
#[test]
fn a_blob_that_the_disk_does_not_take_stops_the_process_and_a_full_disk_does_not() {
    for (error, when, stops) in [("EIO", 1, true), ("EIO", 2, true), ("ENOSPC", 1, false), ("EDQUOT", 2, false)] {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("calls");
        let traced = Command::new("strace")
            .args(["-f", "-o"])
            .arg(&log)
            .args(["-e", "trace=fsync", "-e", &format!("inject=fsync:error={error}:when={when}")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "store::blobs::put_one", "--ignored"])
            .output();
        let Ok(traced) = traced else { return eprintln!("skipped: no strace here") };
        let calls = std::fs::read_to_string(&log).unwrap();
        assert!(calls.contains("(INJECTED)") && !traced.status.success(), "{error}: the blob was promised: {calls}");
        assert_eq!(calls.contains("killed by SIGABRT"), stops, "{error} at {when}: {calls}");
    }
}

fn bucket(moto: &Moto) -> Blobs {
    // The binary does it first thing; in a test process somebody else may have.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Blobs::s3(&moto.config()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_keeps_blobs() {
    let Some(moto) = Moto::start() else { return };
    let blobs = bucket(&moto);
    keeps_what_it_is_given(&blobs).await;
    assert_eq!(moto.objects(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_many_segments_is_written_at_once_and_deleted_whole() {
    let Some(moto) = Moto::start() else { return };
    let blobs = bucket(&moto);
    let (name, other) = (Blobs::new_name(&Chance::system()), Blobs::new_name(&Chance::system()));
    blobs.put(&other, 0, Bytes::from_static(b"other")).await.unwrap();
    // More than a bucket lists or deletes in one request.
    let puts = stream::iter(0..1_010_u64).map(|n| blobs.put(&name, n, Bytes::from(vec![n as u8; 100])));
    puts.buffer_unordered(16).for_each(async |put| put.unwrap()).await;
    assert_eq!(blobs.get(&name, 1_009).await.unwrap(), vec![1_009_u64 as u8; 100]);
    blobs.delete_all(&name).await.unwrap();
    assert_eq!(moto.objects(), 1, "the other one alone");
    assert!(blobs.get(&name, 1_009).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_with_other_keys_is_refused_at_once() {
    let Some(moto) = Moto::start_strict() else { return };
    // Not `check`: moto reckons the signature of a list with a prefix in another way than S3 has it.
    let name = Blobs::new_name(&Chance::system());
    bucket(&moto).put(&name, 0, Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(bucket(&moto).get(&name, 0).await.unwrap(), "x");
    for wrong in [S3Config { secret_key: "another".into(), ..moto.config() }, S3Config { access_key: "nobody".into(), ..moto.config() }] {
        let began = Instant::now();
        let wrong = Blobs::s3(&wrong).unwrap();
        let refused = wrong.put(&name, 0, Bytes::from_static(b"y")).await.unwrap_err();
        assert!(wrong.get(&name, 0).await.is_err());
        assert_eq!(refused.kind(), FaultKind::Unavailable, "{refused}");
        assert!(began.elapsed() < Duration::from_secs(5), "asking again does not help");
        assert!(!refused.to_string().contains(&moto.config().secret_key), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_goes_away_is_waited_for_and_then_a_fault() {
    let Some(mut moto) = Moto::start() else { return };
    let blobs = bucket(&moto);
    let name = Blobs::new_name(&Chance::system());
    blobs.put(&name, 0, Bytes::from_static(b"first")).await.unwrap();
    moto.pause();
    let put = tokio::spawn({
        let (blobs, name) = (blobs.clone(), name.clone());
        async move { blobs.put(&name, 1, Bytes::from(vec![7; 4 << 20])).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!put.is_finished());
    moto.go_on();
    put.await.unwrap().unwrap();
    assert_eq!(blobs.get(&name, 1).await.unwrap().len(), 4 << 20);
    moto.kill();
    let began = Instant::now();
    for away in [blobs.put(&name, 2, Bytes::from_static(b"x")).await.map(|()| Bytes::new()), blobs.get(&name, 0).await] {
        assert_eq!(away.unwrap_err().kind(), FaultKind::Unavailable);
    }
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}
