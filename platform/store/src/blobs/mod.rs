//! Blobs: sealed content too large for a row, as numbered segments under a random name. Write the blob, then commit the row that
//! names it: a blob without a row is waste, a row without a blob is a loss.

mod local;
mod s3;
mod stored;

use bytes::Bytes;
use kernel::{Chance, Fault, Time};
use std::{ops::Range, path::Path};

pub use local::LocalBlobs;
pub use s3::{S3Blobs, S3Config};
pub use stored::{Stored, StoredPage};

/// Sealed bytes of one segment: 4 MiB of content and its tags fit well.
pub const MAX_SEGMENT_BYTES: usize = 5 * 1024 * 1024;

/// Where blobs live: a directory or a bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Blobs {
    Local(LocalBlobs),
    S3(S3Blobs),
}

impl Blobs {
    /// A directory; made if it is not there.
    pub fn local(dir: &Path) -> Result<Blobs, Fault> {
        LocalBlobs::open(dir).map(Blobs::Local)
    }
    /// A bucket. Needs rustls' process-wide crypto provider, which the binary installs first thing.
    pub fn s3(config: &S3Config) -> Result<Blobs, Fault> {
        S3Blobs::open(config).map(Blobs::S3)
    }
    /// A name nobody guesses and no caller chooses: 128 random bits in hex, below two directories.
    pub fn new_name(chance: &Chance) -> String {
        let hex = hex::encode(chance.bytes::<16>());
        format!("{}/{}/{hex}", &hex[..2], &hex[2..4])
    }
    /// Stores a segment; durable when it answers. The same segment again replaces it.
    pub async fn put(&self, name: &str, segment: u64, bytes: Bytes) -> Result<(), Fault> {
        check_name(name)?;
        if bytes.len() > MAX_SEGMENT_BYTES {
            return Err(Fault::other(format!("a blob segment of {} bytes is too large", bytes.len())));
        }
        match self {
            Blobs::Local(local) => local.put(name, segment, bytes).await,
            Blobs::S3(s3) => s3.put(name, segment, bytes).await,
        }
    }
    /// Fault: the segment is not there, or the store is away.
    pub async fn get(&self, name: &str, segment: u64) -> Result<Bytes, Fault> {
        check_name(name)?;
        match self {
            Blobs::Local(local) => local.get(name, segment).await,
            Blobs::S3(s3) => s3.get(name, segment).await,
        }
    }
    /// Parts of a segment, in the order asked; what does not lie within it is a fault.
    pub async fn get_ranges(&self, name: &str, segment: u64, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Fault> {
        check_name(name)?;
        match self {
            Blobs::Local(local) => local.get_ranges(name, segment, ranges).await,
            Blobs::S3(s3) => s3.get_ranges(name, segment, ranges).await,
        }
    }
    /// Deletes one segment; deleting what is not there is fine.
    pub async fn delete(&self, name: &str, segment: u64) -> Result<(), Fault> {
        check_name(name)?;
        match self {
            Blobs::Local(local) => local.delete(name, segment).await,
            Blobs::S3(s3) => s3.delete(name, segment).await,
        }
    }
    /// Deletes every segment; deleting what is not there is fine.
    pub async fn delete_all(&self, name: &str) -> Result<(), Fault> {
        check_name(name)?;
        match self {
            Blobs::Local(local) => local.delete_all(name).await,
            Blobs::S3(s3) => s3.delete_all(name).await,
        }
    }
    /// Looks at up to `at_most` stored files, in the order of their places after `after`, and tells those that were written before `before`
    /// (by the store's clock).
    pub async fn stored(&self, after: Option<&str>, before: Time, at_most: usize) -> Result<StoredPage, Fault> {
        match self {
            Blobs::Local(local) => local.stored(after.unwrap_or_default().to_owned(), before, at_most).await,
            Blobs::S3(s3) => s3.stored(after, before, at_most).await,
        }
    }
    /// Deletes what was told by [`Blobs::stored`]; deleting what is not there is fine.
    pub async fn delete_stored(&self, stored: &Stored) -> Result<(), Fault> {
        match self {
            Blobs::Local(local) => local.delete_stored(stored).await,
            Blobs::S3(s3) => s3.delete_stored(stored).await,
        }
    }
    /// Writes, reads and deletes a probe; leaves nothing behind.
    pub async fn check(&self, chance: &Chance) -> Result<(), Fault> {
        if let Blobs::Local(local) = self {
            return local.check().await;
        }
        let (name, probe) = (Blobs::new_name(chance), Bytes::from_static(b"probe"));
        self.put(&name, 0, probe.clone()).await?;
        let found = self.get(&name, 0).await;
        self.delete_all(&name).await?;
        if found? == probe { Ok(()) } else { Err(Fault::other("a blob came back altered")) }
    }
}

/// Names are ours (`new_name`); one that came back altered from a row must not become a path.
fn check_name(name: &str) -> Result<(), Fault> {
    let parts: Vec<&str> = name.split('/').collect();
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let ours = matches!(parts[..], [a, b, c] if a.len() == 2 && b.len() == 2 && c.len() == 32) && parts.iter().all(|p| hex(p));
    if ours { Ok(()) } else { Err(Fault::other("this is not the name of a blob")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_taken() {
        let name = Blobs::new_name(&Chance::seeded(1));
        assert!(check_name(&name).is_ok(), "{name}");
        for bad in ["", "../../etc/passwd", "ab/cd/..", "/ab/cd/0123456789abcdef0123456789abcdef", "AB/cd/0123456789abcdef0123456789abcdef"]
        {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
