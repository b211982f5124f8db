//! The root key file: lines of `version hex64`, mode 0600, at most two of them; `#` starts a comment.
//!
//! What would surprise you: creating never overwrites. Two processes that start at once on an empty directory end up
//! with the same key, because the file appears by a hard link that fails when there is one already.

use crate::RootKeys;
use kernel::{Chance, Fault};
use std::{
    ffi::OsString,
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Two lines are about 150 bytes; the rest is room for comments.
const MAX_FILE_BYTES: u64 = 4096;

impl RootKeys {
    /// Reads the file, or creates it with a random key of version 1: whole, mode 0600, durable with its directory.
    pub fn load_or_create(path: &Path, chance: &Chance) -> Result<RootKeys, Fault> {
        match fs::symlink_metadata(path) {
            Ok(_) => RootKeys::load(path),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                create(path, &RootKeys::new(1, chance.bytes()), chance).map_err(|e| cannot("create", path, e))?;
                RootKeys::load(path)
            }
            Err(e) => Err(cannot("look at", path, e)),
        }
    }

    /// Reads the file; a fault with a sentence for the operator if it is absent, open to others, or not as described.
    pub fn load(path: &Path) -> Result<RootKeys, Fault> {
        let file = File::open(path).map_err(|e| cannot("open", path, e))?;
        let mode = file.metadata().map_err(|e| cannot("look at", path, e))?.permissions().mode() & 0o777;
        if mode & forbidden_bits(path) != 0 {
            let shown = path.display();
            return Err(Fault::other(format!("others can read the root key file {shown} (mode {mode:03o}): run `chmod 600 {shown}`")));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(|e| cannot("read", path, e))?;
        parse(&text).map_err(|why| Fault::other(format!("the root key file {} {why}", path.display())))
    }
}

/// systemd hands credentials over as 0440 with an ACL for the service alone; there the group bits are the ACL's mask.
fn forbidden_bits(path: &Path) -> u32 {
    if path.starts_with("/run/credentials") { 0o007 } else { 0o077 }
}

fn parse(text: &str) -> Result<RootKeys, String> {
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("is longer than {MAX_FILE_BYTES} bytes"));
    }
    let mut roots: Vec<(i64, Zeroizing<[u8; 32]>)> = Vec::with_capacity(2);
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.trim().starts_with('#')) {
        let (version, key) = parse_line(line.trim()).ok_or_else(|| format!("has a bad line {}: it must be `version hex64`", i + 1))?;
        if roots.iter().any(|(v, _)| *v == version) {
            return Err(format!("has version {version} twice"));
        }
        roots.push((version, key));
    }
    match roots.as_slice() {
        [] => Err("holds no key".into()),
        [(v, k)] => Ok(RootKeys::new(*v, **k)),
        [(v, k), (w, l)] => Ok(RootKeys::new(*v, **k).with_previous(*w, **l)),
        more => Err(format!("holds {} keys; at most two may be live", more.len())),
    }
}

fn parse_line(line: &str) -> Option<(i64, Zeroizing<[u8; 32]>)> {
    let (version, digits) = line.split_once(' ')?;
    let version: i64 = version.parse().ok().filter(|v| *v > 0)?;
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits.trim_start(), key.as_mut()).ok()?;
    Some((version, key))
}

/// Someone else creating it first is no error: the caller reads theirs.
fn create(path: &Path, roots: &RootKeys, chance: &Chance) -> std::io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let draft = draft_path(directory, path, chance);
    let written = write_draft(&draft, roots).and_then(|()| match fs::hard_link(&draft, path) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    });
    let removed = fs::remove_file(&draft);
    written?;
    removed?;
    File::open(directory)?.sync_all()
}

/// The process's number keeps two processes with the same seeded chance apart.
fn draft_path(directory: &Path, path: &Path, chance: &Chance) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}-{}", std::process::id(), hex::encode(chance.bytes::<8>())));
    directory.join(name)
}

fn write_draft(draft: &Path, roots: &RootKeys) -> std::io::Result<()> {
    // All at once in its final size, so that no copy of the key stays behind in a buffer that grew.
    let mut text = Zeroizing::new(String::with_capacity(256));
    for (version, key) in roots.lines() {
        let digits = Zeroizing::new(hex::encode(key));
        writeln!(text, "{version} {}", digits.as_str()).expect("a String takes all that is written");
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn cannot(verb: &str, path: &Path, e: std::io::Error) -> Fault {
    Fault::from_error(kernel::FaultKind::Other, format!("cannot {verb} the root key file {}", path.display()), e)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_file_is_created_once_readable_by_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let chance = Chance::seeded(1);
        let first = RootKeys::load_or_create(&path, &chance).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = RootKeys::load_or_create(&path, &chance).unwrap();
        assert_eq!(first.derive("x"), again.derive("x"));
        assert_eq!(first.derive("x"), RootKeys::load(&path).unwrap().derive("x"));
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["root.key"], "no draft stays behind");
    }

    #[test]
    fn many_that_create_at_once_end_up_with_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let derived: Vec<[u8; 32]> = std::thread::scope(|s| {
            let all: Vec<_> = (0..8).map(|_| s.spawn(|| RootKeys::load_or_create(&path, &Chance::system()).unwrap().derive("x"))).collect();
            all.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(derived.iter().all(|d| *d == derived[0]));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        RootKeys::load_or_create(&path, &Chance::seeded(1)).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o644] {
            set_mode(&path, mode);
            let fault = RootKeys::load(&path).unwrap_err().to_string();
            assert!(fault.contains(&format!("(mode {mode:o}): run `chmod 600")), "{fault}");
            assert!(RootKeys::load_or_create(&path, &Chance::seeded(1)).is_err());
        }
        set_mode(&path, 0o400);
        assert!(RootKeys::load(&path).is_ok());
    }

    #[test]
    fn two_versions_are_read_in_any_order_and_bad_files_say_why() {
        let (a, b) = ("11".repeat(32), "22".repeat(32));
        let two = parse(&format!("# rotated in March\n1 {a}\n\n2 {b}\n")).unwrap();
        assert_eq!(two.derive("x"), RootKeys::new(2, [0x22; 32]).derive("x"));
        assert_eq!(two.lines().count(), 2);
        for (text, why) in [
            (String::new(), "holds no key"),
            ("1 abc".into(), "has a bad line 1"),
            (format!("{a}\n"), "has a bad line 1"),
            (format!("0 {a}"), "has a bad line 1"),
            (format!("1 {a}\n1 {b}"), "has version 1 twice"),
            (format!("1 {a}\n2 {b}\n3 {a}"), "holds 3 keys"),
            ("#".repeat(5000), "is longer than"),
        ] {
            let said = parse(&text).unwrap_err();
            assert!(said.starts_with(why) && !said.contains(&a), "{said}");
        }
    }

    #[test]
    fn an_absent_file_or_directory_is_a_clear_fault() {
        let dir = tempfile::tempdir().unwrap();
        let fault = RootKeys::load(&dir.path().join("none")).unwrap_err().to_string();
        assert!(fault.starts_with("cannot open the root key file"), "{fault}");
        let fault = RootKeys::load_or_create(&dir.path().join("no/where"), &Chance::seeded(1)).unwrap_err().to_string();
        assert!(fault.starts_with("cannot create the root key file"), "{fault}");
    }

    #[test]
    fn a_credential_of_systemd_may_show_its_acl_mask() {
        assert_eq!(forbidden_bits(Path::new("/run/credentials/countersign.service/root.key")), 0o007);
        assert_eq!(forbidden_bits(Path::new("/var/lib/countersign/root.key")), 0o077);
    }
}
