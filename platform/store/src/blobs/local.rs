//! Blobs in a directory: `ab/cd/<name>/<segment>`, each written beside its place, synced and renamed.

use super::{Stored, StoredPage};
use crate::fault::failed_sync;
use bytes::Bytes;
use kernel::{Fault, FaultKind, Time};
use std::{
    fs::{self, File},
    io::{self, Write},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::UNIX_EPOCH,
};

/// Given to the kernel at a time. A segment in one piece makes it look for folios of 2 MiB, which cost five times what the writing does
/// (Linux 6.18, ext4).
const WRITE: usize = 256 * 1024;
/// Tells apart the unfinished files of one process.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Debug)]
pub struct LocalBlobs {
    root: Arc<Path>,
}

impl LocalBlobs {
    pub(super) fn open(dir: &Path) -> Result<LocalBlobs, Fault> {
        fs::create_dir_all(dir).map_err(|e| fault("the directory for blobs cannot be made", e))?;
        Ok(LocalBlobs { root: dir.into() })
    }
    pub(super) async fn put(&self, name: &str, segment: u64, bytes: Bytes) -> Result<(), Fault> {
        let (root, blob) = (self.root.clone(), self.root.join(name));
        blocking("writing a blob", move || write(&root, &blob, segment, &bytes)).await
    }
    pub(super) async fn get(&self, name: &str, segment: u64) -> Result<Bytes, Fault> {
        let path = self.root.join(name).join(segment.to_string());
        blocking("reading a blob", move || fs::read(path)).await.map(Bytes::from)
    }
    pub(super) async fn get_ranges(&self, name: &str, segment: u64, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Fault> {
        let (path, ranges) = (self.root.join(name).join(segment.to_string()), ranges.to_vec());
        blocking("reading a blob", move || read_ranges(&path, &ranges)).await
    }
    /// A file of its own beside the blobs, so that no directory is left.
    pub(super) async fn check(&self) -> Result<(), Fault> {
        let path = self.root.join(format!(".probe.{}.{}", std::process::id(), WRITTEN.fetch_add(1, Relaxed)));
        let probe = move || {
            let found = write_synced(&path, b"probe").and_then(|()| fs::read(&path));
            fs::remove_file(&path)?;
            found
        };
        if blocking("writing a probe", probe).await? == b"probe" { Ok(()) } else { Err(Fault::other("a blob came back altered")) }
    }
    /// The directory goes with its last segment.
    pub(super) async fn delete(&self, name: &str, segment: u64) -> Result<(), Fault> {
        let blob = self.root.join(name);
        blocking("deleting a segment", move || match fs::remove_file(blob.join(segment.to_string())) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => {
                let _ = fs::remove_dir(blob);
                Ok(())
            }
        })
        .await
    }
    pub(super) async fn stored(&self, after: String, before: Time, at_most: usize) -> Result<StoredPage, Fault> {
        let root = self.root.clone();
        blocking("listing blobs", move || {
            let mut look = Look { root: &root, after: &after, before, left: at_most, page: StoredPage::default() };
            look.below("")?;
            Ok(look.page)
        })
        .await
    }
    pub(super) async fn delete_stored(&self, stored: &Stored) -> Result<(), Fault> {
        let (blob, file) = (self.root.join(&stored.name), stored.file.clone());
        blocking("deleting a segment", move || match fs::remove_file(blob.join(file)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => {
                let _ = fs::remove_dir(blob);
                Ok(())
            }
        })
        .await
    }
    pub(super) async fn delete_all(&self, name: &str) -> Result<(), Fault> {
        let blob = self.root.join(name);
        blocking("deleting a blob", move || match fs::remove_dir_all(blob) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        })
        .await
    }
}

/// A walk through the directories in the order of their names, from a place on.
struct Look<'l> {
    root: &'l Path,
    after: &'l str,
    before: Time,
    /// Files that may still be looked at.
    left: usize,
    page: StoredPage,
}

impl Look<'_> {
    /// `dir` is empty or ends with a slash. Answers whether there is room for more.
    fn below(&mut self, dir: &str) -> io::Result<bool> {
        let entries = match fs::read_dir(self.root.join(dir)) {
            // Its last segment was deleted a moment ago.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            // A directory in the place where what is in it comes.
            let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
            names.extend(entry.file_name().to_str().map(|name| format!("{dir}{name}{slash}")));
        }
        names.sort_unstable();
        for place in names {
            // All in a directory comes before `after` if the directory does and `after` is not in it.
            if place.as_str() <= self.after && !self.after.starts_with(&place) {
                continue;
            }
            let goes_on = if place.ends_with('/') { self.below(&place)? } else { place == self.after || self.file(place)? };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }
    fn file(&mut self, place: String) -> io::Result<bool> {
        let written = match fs::metadata(self.root.join(&place)).and_then(|meta| meta.modified()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
            written => written?,
        };
        let written = written.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        if written < self.before.0 {
            self.page.old.extend(Stored::at(&place));
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.page.next = Some(place);
        }
        Ok(self.left > 0)
    }
}

fn read_ranges(path: &Path, ranges: &[Range<u64>]) -> io::Result<Vec<Bytes>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let one = |range: &Range<u64>| {
        // Before room is made for it.
        if range.start > range.end || range.end > size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes.into())
    };
    ranges.iter().map(one).collect()
}

/// Durable when it answers: content, then name, then every directory on the way, since any of them may be new.
fn write(root: &Path, blob: &Path, segment: u64, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(blob)?;
    let unfinished = blob.join(format!(".{segment}.{}.{}", std::process::id(), WRITTEN.fetch_add(1, Relaxed)));
    let written = write_synced(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, blob.join(segment.to_string())));
    if let Err(e) = written {
        let _ = fs::remove_file(&unfinished);
        return Err(e);
    }
    let mut dir: PathBuf = blob.to_owned();
    loop {
        synced(&File::open(&dir)?)?;
        if dir == root || !dir.pop() {
            return Ok(());
        }
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    bytes.chunks(WRITE).try_for_each(|piece| file.write_all(piece))?;
    synced(&file)
}

/// As for the database's file, a failed sync ends the process: other blobs of the same disk may be gone that were promised. A disk
/// that is full, or that never syncs such files, has not lost anything.
fn synced(file: &File) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, QuotaExceeded, StorageFull, Unsupported};
    match file.sync_all() {
        Err(e) if ![InvalidInput, QuotaExceeded, StorageFull, Unsupported].contains(&e.kind()) => failed_sync(&e),
        done => done,
    }
}

async fn blocking<T: Send + 'static>(what: &'static str, f: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(f).await;
    done.map_err(|e| Fault::from_error(FaultKind::Unavailable, what, e))?.map_err(|e| fault(what, e))
}

fn fault(what: &str, error: io::Error) -> Fault {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FaultKind::Full,
        io::ErrorKind::NotFound => FaultKind::Other,
        _ => FaultKind::Unavailable,
    };
    Fault::from_error(kind, what, error)
}
