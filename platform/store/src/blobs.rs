//! Blobs: sealed content too large for a row, as numbered segments under a random name.

use bytes::Bytes;
use kernel::{Chance, Fault};
use std::path::Path;

/// Where blobs live: a directory or a bucket. Cheap to clone.
#[derive(Clone)]
pub enum Blobs {
    Local(()),
    S3(()),
}

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

impl Blobs {
    /// A directory; made if it is not there.
    pub fn local(dir: &Path) -> Result<Blobs, Fault> {
        let _ = dir;
        todo!()
    }
    pub fn s3(config: &S3Config) -> Result<Blobs, Fault> {
        let _ = config;
        todo!()
    }
    /// A name nobody guesses and no caller chooses: 128 random bits in hex, below two directories.
    pub fn new_name(chance: &Chance) -> String {
        let _ = chance;
        todo!()
    }
    /// Stores a segment; durable when it answers. The same segment again replaces it.
    pub async fn put(&self, name: &str, segment: u64, bytes: Bytes) -> Result<(), Fault> {
        let _ = (name, segment, bytes);
        todo!()
    }
    pub async fn get(&self, name: &str, segment: u64) -> Result<Bytes, Fault> {
        let _ = (name, segment);
        todo!()
    }
    /// Deletes every segment; deleting what is not there is fine.
    pub async fn delete_all(&self, name: &str) -> Result<(), Fault> {
        let _ = name;
        todo!()
    }
    /// Writes, reads and deletes a probe.
    pub async fn check(&self) -> Result<(), Fault> {
        todo!()
    }
    /// Bytes free where blobs go; `None` for a bucket.
    pub fn free_bytes(&self) -> Result<Option<u64>, Fault> {
        todo!()
    }
}
