//! Certificates from files that somebody else renews (certbot, an internal CA): read at start, and again when they change.
//!
//! What would surprise you: a file that became unreadable or wrong changes nothing; the last good certificate stays until it is mended.

use crate::{Certificate, Names};
use kernel::{Clock, Fault, Time};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(30);
/// A certificate that ends so soon is worth a warning ...
const SOON_DAYS: i64 = 7;
/// ... once in so many looks, which is an hour.
const LOOKS_PER_WARNING: u32 = 120;

/// A chain and its key; both may be in one file.
#[derive(Clone, Debug)]
pub struct CertificateFile {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Files that are shown through [`Names`].
pub struct CertificateFiles {
    names: Names,
    clock: Clock,
    kept: Vec<Kept>,
    looks: u32,
}

struct Kept {
    file: CertificateFile,
    text: (Vec<u8>, Vec<u8>),
    shown: Vec<String>,
    not_after: Time,
    complained: bool,
}

impl CertificateFile {
    /// Reads both files; the fault names the one that is wrong.
    pub fn read(&self) -> Result<Certificate, Fault> {
        self.parse(&self.texts()?)
    }
    fn texts(&self) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        Ok((text(&self.certificate)?, text(&self.key)?))
    }
    fn parse(&self, (chain, key): &(Vec<u8>, Vec<u8>)) -> Result<Certificate, Fault> {
        let both = || format!("{} with {}", self.certificate.display(), self.key.display());
        Certificate::from_pem(chain, key).map_err(|bad| Fault::other(format!("{}: {bad}", both())))
    }
}

fn text(path: &Path) -> Result<Vec<u8>, Fault> {
    let trouble = |e: std::io::Error| Fault::other(format!("{} cannot be read: {e}", path.display()));
    let size = std::fs::metadata(path).map_err(trouble)?.len();
    if size > crate::certificate::MAX_PEM_BYTES as u64 {
        return Err(Fault::other(format!("{}: {}", path.display(), crate::BadCertificate::TooLarge)));
    }
    std::fs::read(path).map_err(trouble)
}

impl CertificateFiles {
    /// Reads all of them and shows them; the first is also for clients that name no host. Any that is wrong stops it.
    pub fn open(files: &[CertificateFile], names: Names, clock: Clock) -> Result<CertificateFiles, Fault> {
        let mut kept = Vec::new();
        for (i, file) in files.iter().enumerate() {
            let text = file.texts()?;
            let certificate = file.parse(&text)?;
            names.put(&certificate, i == 0);
            kept.push(Kept { file: file.clone(), text, not_after: certificate.not_after, shown: certificate.names, complained: false });
        }
        let mut files = CertificateFiles { names, clock, kept, looks: 0 };
        files.tell_expiry();
        Ok(files)
    }

    /// Looks again and again, until `stop`.
    pub async fn watch(mut self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            self.look();
        }
    }

    /// Reads what changed. How many certificates are new.
    pub fn look(&mut self) -> usize {
        let mut new = 0;
        for i in 0..self.kept.len() {
            match self.again(i) {
                Ok(changed) => {
                    new += usize::from(changed);
                    self.kept[i].complained = false;
                }
                Err(fault) if !self.kept[i].complained => {
                    self.kept[i].complained = true;
                    tracing::error!(%fault, "a changed certificate is not used; the last good one stays");
                }
                Err(_) => {}
            }
        }
        self.tell_expiry();
        new
    }

    fn again(&mut self, i: usize) -> Result<bool, Fault> {
        let kept = &self.kept[i];
        let text = kept.file.texts()?;
        if text == kept.text {
            return Ok(false);
        }
        let certificate = kept.file.parse(&text)?;
        self.names.put(&certificate, i == 0);
        let gone: Vec<String> = kept.shown.iter().filter(|name| !certificate.names.contains(name)).cloned().collect();
        let elsewhere = |name: &String| self.kept.iter().enumerate().any(|(j, other)| j != i && other.shown.contains(name));
        gone.iter().filter(|name| !elsewhere(name)).for_each(|name| self.names.remove(name));
        tracing::info!(names = ?certificate.names, until = %certificate.not_after, "a certificate was read again");
        self.kept[i] =
            Kept { text, not_after: certificate.not_after, shown: certificate.names, complained: false, file: self.kept[i].file.clone() };
        Ok(true)
    }

    fn tell_expiry(&mut self) {
        let Some(first) = self.kept.iter().map(|kept| kept.not_after).min() else { return };
        let now = self.clock.now();
        metrics::gauge!("countersign_certificate_expires_seconds").set((first.0 - now.0) as f64 / 1e3);
        if first < now.plus_days(SOON_DAYS) && self.looks.is_multiple_of(LOOKS_PER_WARNING) {
            tracing::warn!(until = %first, "a certificate ends soon and was not renewed");
        }
        self.looks = self.looks.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::self_signed;

    struct Dir(tempfile::TempDir);
    impl Dir {
        fn write(&self, names: &[&str]) -> CertificateFile {
            let (chain, key) = self_signed(names);
            let file = CertificateFile { certificate: self.0.path().join("chain.pem"), key: self.0.path().join("key.pem") };
            std::fs::write(&file.certificate, chain).unwrap();
            std::fs::write(&file.key, key).unwrap();
            file
        }
    }

    #[test]
    fn a_renewed_file_is_shown_and_a_broken_one_is_not() {
        let dir = Dir(tempfile::tempdir().unwrap());
        let file = dir.write(&["a.test", "b.test"]);
        let names = Names::new().unwrap();
        let mut files = CertificateFiles::open(std::slice::from_ref(&file), names.clone(), Clock::system()).unwrap();
        let first = names.pick(Some("a.test")).unwrap();
        assert_eq!(files.look(), 0);
        std::fs::write(&file.certificate, "half-written").unwrap();
        assert_eq!(files.look(), 0);
        assert!(std::sync::Arc::ptr_eq(&first, &names.pick(Some("a.test")).unwrap()));
        dir.write(&["a.test", "c.test"]);
        assert_eq!(files.look(), 1);
        assert!(!std::sync::Arc::ptr_eq(&first, &names.pick(Some("a.test")).unwrap()));
        assert!(names.knows("c.test") && !names.knows("b.test"), "a name that is no longer in the file is no longer ours");
    }

    #[test]
    fn a_wrong_file_stops_the_start_and_is_named() {
        let dir = Dir(tempfile::tempdir().unwrap());
        let mut file = dir.write(&["a.test"]);
        file.key = dir.0.path().join("nowhere.pem");
        let fault = file.read().unwrap_err().to_string();
        assert!(fault.contains("nowhere.pem cannot be read"), "{fault}");
        std::fs::write(&file.key, vec![b'a'; 1 << 20]).unwrap();
        assert!(file.read().unwrap_err().to_string().contains("larger than"));
    }
}
