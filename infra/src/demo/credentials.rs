//! The sample's sign-in and API key, kept beside its data (0600) so that a demo that starts again is the same one.

use kernel::Fault;
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

const FILE: &str = "demo.json";

#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Credentials {
    pub email: String,
    pub password: String,
    pub api_key: String,
}

impl Credentials {
    /// `None`: the demo never ran to its greeting in this directory.
    pub fn read(dir: &Path) -> Result<Option<Credentials>, Fault> {
        match fs::read(dir.join(FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|e| Fault::other(format!("{} is damaged ({e}); delete it to get a new sample tenant", dir.join(FILE).display()))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
    pub fn write(&self, dir: &Path) -> Result<(), Fault> {
        let text = serde_json::to_vec_pretty(self).expect("three strings are JSON");
        let new = dir.join(format!("{FILE}.new"));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        Ok(fs::rename(&new, dir.join(FILE))?)
    }
    /// One line, for scripts. `root`: the certificate that makes the site trusted.
    pub fn json(&self, url: &str, root: Option<&Path>) -> String {
        let mut line = serde_json::json!({ "url": url, "email": self.email, "password": self.password, "api_key": self.api_key });
        if let Some(root) = root {
            line["ca"] = root.display().to_string().into();
        }
        format!("{line}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn credentials_read_back_and_are_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Credentials::read(dir.path()).unwrap().is_none());
        let written = Credentials { email: "a@b.example".into(), password: "p".into(), api_key: "k".into() };
        written.write(dir.path()).unwrap();
        assert_eq!(Credentials::read(dir.path()).unwrap().unwrap().email, "a@b.example");
        assert_eq!(fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(Credentials::read(dir.path()).is_err());
    }
}
