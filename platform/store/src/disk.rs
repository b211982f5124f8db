//! Whether there is room for new things on the disks that we write to. Below the mark new messages and files are refused, so that
//! what is left serves pickups, evidence and the jobs of what was accepted.

use kernel::{Fault, FaultKind};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The file system is asked this often at most; between two looks a fast upload may write some hundred MiB.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Cheap to clone; clones remember together.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Watch>);

#[derive(Debug)]
struct Watch {
    dirs: Vec<PathBuf>,
    /// Bytes.
    low_water: u64,
    seen: Mutex<Option<(Instant, bool)>>,
}

impl Disk {
    /// Directories on the disks in question; `low_water` in bytes, 0 for never low.
    pub fn watch(dirs: Vec<PathBuf>, low_water: u64) -> Disk {
        Disk(Arc::new(Watch { dirs, low_water, seen: Mutex::default() }))
    }
    /// For where nobody minds.
    pub fn unwatched() -> Disk {
        Disk::watch(Vec::new(), 0)
    }
    /// Whether one of the disks has fewer free bytes than the mark, as of two seconds ago at most. One that cannot be asked is not low.
    pub fn is_low(&self) -> bool {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match *seen {
            Some((at, low)) if at.elapsed() < LOOK_AGAIN => low,
            before => {
                let low = self.look();
                if low != before.is_some_and(|(_, low)| low) {
                    tracing::warn!(low, "room on disk: new messages and files are refused while it is low");
                }
                *seen = Some((Instant::now(), low));
                low
            }
        }
    }
    fn look(&self) -> bool {
        self.0.low_water > 0 && self.0.dirs.iter().any(|dir| free_bytes(dir).is_ok_and(|free| free < self.0.low_water))
    }
}

/// Bytes that we may still write on the disk under `dir` (statvfs(3), `f_bavail`).
pub fn free_bytes(dir: &Path) -> Result<u64, Fault> {
    let asked = rustix::fs::statvfs(dir);
    let space = asked.map_err(|e| Fault::from_error(FaultKind::Other, format!("asking for free space in {}", dir.display()), e))?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_low_below_its_mark_and_looked_at_now_and_then() {
        let dir = tempfile::tempdir().unwrap();
        let here = || vec![dir.path().to_owned()];
        assert!(Disk::watch(here(), u64::MAX).is_low());
        assert!(!Disk::watch(here(), 1).is_low());
        assert!(!Disk::watch(here(), 0).is_low());
        assert!(!Disk::unwatched().is_low());
        assert!(!Disk::watch(vec!["/nowhere".into()], u64::MAX).is_low());
        let remembers = Disk::watch(here(), 1);
        assert!(!remembers.is_low());
        *remembers.0.seen.lock().unwrap() = Some((Instant::now(), true));
        assert!(remembers.clone().is_low(), "within two seconds nobody asks again");
        *remembers.0.seen.lock().unwrap() = Instant::now().checked_sub(LOOK_AGAIN).map(|at| (at, true));
        assert!(!remembers.is_low());
    }
}
