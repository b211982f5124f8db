//! Blobs in a bucket: one object a segment. An S3 answers a PUT when it is durable; that is its own promise.

use super::{Stored, StoredPage};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use kernel::{Fault, FaultKind, Time};
use object_store::{
    ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
};
use std::{ops::Range, sync::Arc, time::Duration};

/// For one request; a segment is at most 5 MiB.
const TIMEOUT: Duration = Duration::from_secs(60);
/// A bucket that is away is asked again a few times, no longer than this: somebody waits for the answer.
const RETRIES: usize = 4;
const RETRY_TIME: Duration = Duration::from_secs(15);

/// A bucket of any S3.
#[derive(Clone)]
pub struct S3Config {
    /// For other S3s than Amazon's: `https://host[:port]`. `http://` is taken as said.
    pub endpoint: Option<String>,
    pub region: String,
    pub bucket: String,
    pub access_key: String,
    pub secret_key: String,
}

#[derive(Clone, Debug)]
pub struct S3Blobs {
    bucket: Arc<AmazonS3>,
}

impl S3Blobs {
    pub(super) fn open(config: &S3Config) -> Result<S3Blobs, Fault> {
        let client = ClientOptions::new().with_timeout(TIMEOUT);
        let mut builder = AmazonS3Builder::new()
            .with_client_options(client)
            .with_retry(RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIME, ..RetryConfig::default() })
            .with_region(&config.region)
            .with_bucket_name(&config.bucket)
            .with_access_key_id(&config.access_key)
            .with_secret_access_key(&config.secret_key);
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        let bucket = builder.build().map_err(|e| Fault::from_error(FaultKind::Other, "the S3 settings do not work", e))?;
        Ok(S3Blobs { bucket: Arc::new(bucket) })
    }
    pub(super) async fn put(&self, name: &str, segment: u64, bytes: Bytes) -> Result<(), Fault> {
        self.bucket.put(&at(name, segment), bytes.into()).await.map(|_| ()).map_err(|e| fault("writing a blob", e))
    }
    pub(super) async fn get(&self, name: &str, segment: u64) -> Result<Bytes, Fault> {
        let failed = |e| fault("reading a blob", e);
        self.bucket.get(&at(name, segment)).await.map_err(failed)?.bytes().await.map_err(failed)
    }
    pub(super) async fn get_ranges(&self, name: &str, segment: u64, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Fault> {
        let parts = self.bucket.get_ranges(&at(name, segment), ranges).await.map_err(|e| fault("reading a blob", e))?;
        // A range that goes beyond the end is answered with what there is (RFC 9110 §14.1.2).
        let whole = parts.iter().map(|part| part.len() as u64).eq(ranges.iter().map(|range| range.end - range.start));
        if whole { Ok(parts) } else { Err(Fault::other("a blob is shorter than it was")) }
    }
    pub(super) async fn delete(&self, name: &str, segment: u64) -> Result<(), Fault> {
        match self.bucket.delete(&at(name, segment)).await {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(e) => Err(fault("deleting a segment", e)),
        }
    }
    pub(super) async fn delete_all(&self, name: &str) -> Result<(), Fault> {
        let failed = |e| fault("deleting a blob", e);
        let segments = self.bucket.list(Some(&Path::from(name))).map_ok(|object| object.location).boxed();
        self.bucket.delete_stream(segments).try_for_each(|_| async { Ok(()) }).await.map_err(failed)
    }
    pub(super) async fn stored(&self, after: Option<&str>, before: Time, at_most: usize) -> Result<StoredPage, Fault> {
        let mut objects = match after {
            Some(after) => self.bucket.list_with_offset(None, &Path::from(after)),
            None => self.bucket.list(None),
        }
        .take(at_most);
        let (mut page, mut last, mut looked) = (StoredPage::default(), None, 0);
        while let Some(object) = objects.try_next().await.map_err(|e| fault("listing blobs", e))? {
            looked += 1;
            let place = object.location.to_string();
            if object.last_modified.timestamp_millis() < before.0 {
                page.old.extend(Stored::at(&place));
            }
            last = Some(place);
        }
        page.next = last.filter(|_| looked == at_most);
        Ok(page)
    }
    pub(super) async fn delete_stored(&self, stored: &Stored) -> Result<(), Fault> {
        match self.bucket.delete(&Path::from(stored.place())).await {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(e) => Err(fault("deleting a segment", e)),
        }
    }
}

fn at(name: &str, segment: u64) -> Path {
    Path::from(format!("{name}/{segment}"))
}

fn fault(what: &str, error: object_store::Error) -> Fault {
    let kind = if matches!(error, object_store::Error::NotFound { .. }) { FaultKind::Other } else { FaultKind::Unavailable };
    Fault::from_error(kind, what, error)
}
