//! A disk of a few MiB (tmpfs), for what happens when it is full. Needs root; elsewhere its tests say so and pass.

use super::TestDatabase;
use crate::{Database, Db};
use std::process::Command;
use tempfile::TempDir;

pub struct SmallDisk {
    at: TempDir,
}

impl SmallDisk {
    pub fn mount(mebibytes: u32) -> Option<SmallDisk> {
        let at = tempfile::tempdir().ok()?;
        let size = format!("size={mebibytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "countersign-test"]).arg(at.path()).output().ok()?;
        if !mounted.status.success() {
            eprintln!("skipped: no small disk can be mounted here ({})", String::from_utf8_lossy(&mounted.stderr).trim());
            return None;
        }
        Some(SmallDisk { at })
    }
    /// Larger, or smaller if what is on it still fits.
    pub fn resize(&self, mebibytes: u32) {
        let size = format!("remount,size={mebibytes}m");
        assert!(Command::new("mount").args(["-o", &size]).arg(self.at.path()).status().is_ok_and(|status| status.success()));
    }
    /// A migrated database on it.
    pub async fn database(&self) -> TestDatabase {
        let database = Database::Sqlite { path: self.at.path().join("small.db") };
        Db::migrate(&database).await.expect("there is room for an empty database");
        TestDatabase { database, dir: tempfile::tempdir().expect("tests have a temporary directory") }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a connection may still be open when a test fails.
        let _ = Command::new("umount").arg("-l").arg(self.at.path()).status();
    }
}
