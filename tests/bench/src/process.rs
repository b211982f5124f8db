//! What a process and its children cost: processor time and memory, as the kernel counts them (proc(5)).

use crate::Result;
use std::{fs, time::Duration};

/// The kernel shows times in hundredths of a second whatever its own tick (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// A process with all its descendants.
#[derive(Clone, Copy, Debug)]
pub struct Tree(pub u32);

struct Stat {
    parent: u32,
    ticks: u32,
}

impl Tree {
    pub fn own() -> Tree {
        Tree(std::process::id())
    }

    /// Time on a processor since the start, in user and in kernel mode, of descendants that are gone too.
    pub fn cpu(self) -> Result<Duration> {
        let mut ticks = 0;
        for pid in self.members()? {
            // A process that ended meanwhile is in its parent's count.
            ticks += stat(pid).map_or(0, |s| s.ticks);
        }
        Ok(TICK * ticks)
    }

    /// Memory in bytes, shared pages by their share (PSS).
    pub fn memory(self) -> Result<u64> {
        Ok(self.members()?.into_iter().filter_map(pss).sum())
    }

    fn members(self) -> Result<Vec<u32>> {
        let mut all: Vec<(u32, u32)> = Vec::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(pid) = pid
                && let Some(stat) = stat(pid)
            {
                all.push((pid, stat.parent));
            }
        }
        let mut members = vec![self.0];
        let mut next = 0;
        while let Some(parent) = members.get(next).copied() {
            members.extend(all.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
            next += 1;
        }
        Ok(members)
    }
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold spaces and parentheses; what follows its last one is plain.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // utime, stime, cutime, cstime: fields 14 to 17 of the page, the third of which is the first here.
    let ticks = fields.get(11..15)?.iter().filter_map(|f| f.parse::<u32>().ok()).sum();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

fn pss(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
