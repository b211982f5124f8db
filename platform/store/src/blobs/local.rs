//! Blobs in a directory: `ab/cd/<name>/<segment>`, each written beside its place, synced and renamed.

use bytes::Bytes;
use kernel::{Fault, FaultKind};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

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
    pub(super) async fn delete_all(&self, name: &str) -> Result<(), Fault> {
        let blob = self.root.join(name);
        blocking("deleting a blob", move || match fs::remove_dir_all(blob) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        })
        .await
    }
    pub(super) fn free_bytes(&self) -> Result<u64, Fault> {
        let space = rustix::fs::statvfs(&*self.root).map_err(|e| fault("asking for free space", e.into()))?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}

/// Durable when it answers: content, then name, then every directory on the way, since any of them may be new. A failed sync
/// fails this blob alone: it was never promised, and nothing later relies on it.
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
        File::open(&dir)?.sync_all()?;
        if dir == root || !dir.pop() {
            return Ok(());
        }
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
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
