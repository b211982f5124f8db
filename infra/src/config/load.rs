//! Finding and reading the file, then the secrets of the environment.

use super::Config;
use mail::Secret;
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};

/// Looked for in this order when no file is named.
const PLACES: [&str; 2] = ["countersign.toml", "/etc/countersign/countersign.toml"];

/// Why there is no configuration; a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    #[error("There is no configuration at {}: the file is not there. Correct the path, or make the file with `countersign config > {}` and edit it.", .0.display(), .0.display())]
    Missing(PathBuf),
    #[error(
        "There is no configuration: neither ./countersign.toml nor /etc/countersign/countersign.toml is there. Make one with `countersign config > countersign.toml` and edit it, or name one with --config FILE (or COUNTERSIGN_CONFIG). To just look around: `countersign demo`."
    )]
    Nowhere,
    #[error("The configuration {path} cannot be read: {why}.")]
    Unreadable { path: PathBuf, why: std::io::Error },
    #[error("The configuration{} is not in order: {why}", of(path))]
    Format { path: Option<PathBuf>, why: String },
    #[error("The configuration is not in order:\n{0}")]
    Wrong(String),
}

fn parsed(text: &str, path: Option<&Path>) -> Result<Config, BadConfig> {
    toml::from_str(text).map_err(|e| BadConfig::Format { path: path.map(Path::to_owned), why: where_and_what(text, &e) })
}

/// Without the line itself, which may hold a password.
fn where_and_what(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}

fn of(path: &Option<PathBuf>) -> String {
    path.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default()
}

impl Config {
    /// Reads TOML alone, without the environment.
    pub fn parse(text: &str) -> Result<Config, BadConfig> {
        parsed(text, None)
    }

    /// Reads `named`, or the file of COUNTERSIGN_CONFIG, or the usual places; then the environment's secrets. Refuses what is wrong.
    pub fn load(named: Option<&Path>) -> Result<Config, BadConfig> {
        let path = find(named)?;
        let mut config = Config::read(&path)?;
        config.take_secrets(environment);
        let wrong: Vec<String> = config.check().into_iter().filter(|f| f.fatal).map(|f| format!("- {}", f.sentence)).collect();
        if wrong.is_empty() { Ok(config) } else { Err(BadConfig::Wrong(wrong.join("\n"))) }
    }

    /// Reads one file, without the environment and without judging its values.
    pub fn read(path: &Path) -> Result<Config, BadConfig> {
        let text = std::fs::read_to_string(path).map_err(|why| match why.kind() {
            std::io::ErrorKind::NotFound => BadConfig::Missing(path.to_owned()),
            _ => BadConfig::Unreadable { path: path.to_owned(), why },
        })?;
        parsed(&text, Some(path))
    }

    pub(crate) fn take_secrets(&mut self, environment: impl Fn(&str) -> Option<String>) {
        if let Some(url) = environment("COUNTERSIGN_DATABASE_URL") {
            self.database.url = SecretString::from(url);
        }
        if let Some(password) = environment("COUNTERSIGN_SMTP_PASSWORD") {
            self.smtp.password = Some(Secret::new(password));
        }
        if let Some(key) = environment("COUNTERSIGN_ACME_EXTERNAL_KEY") {
            self.acme.external_key = SecretString::from(key);
        }
        if let Some(s3) = &mut self.blobs.s3 {
            let take = |name: &str, into: &mut SecretString| {
                if let Some(value) = environment(name) {
                    *into = SecretString::from(value);
                }
            };
            take("COUNTERSIGN_S3_ACCESS_KEY", &mut s3.access_key);
            take("COUNTERSIGN_S3_SECRET_KEY", &mut s3.secret_key);
        }
    }

    /// Where the database is.
    pub fn database_url(&self) -> String {
        match self.database_file() {
            Some(file) => format!("sqlite:{}", file.display()),
            None => self.database.url.expose_secret().to_owned(),
        }
    }
    /// SQLite's file in the data directory; `None` where a database was named.
    pub fn database_file(&self) -> Option<PathBuf> {
        self.database.url.expose_secret().is_empty().then(|| self.data_dir.join("countersign.db"))
    }
    pub fn root_key_file(&self) -> PathBuf {
        or_in(&self.keys.root_key_file, &self.data_dir, "root.key")
    }
    pub fn blobs_dir(&self) -> PathBuf {
        or_in(&self.blobs.dir, &self.data_dir, "blobs")
    }
}

fn or_in(path: &Path, dir: &Path, name: &str) -> PathBuf {
    if path.as_os_str().is_empty() { dir.join(name) } else { path.to_owned() }
}

fn find(named: Option<&Path>) -> Result<PathBuf, BadConfig> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    if let Some(path) = environment("COUNTERSIGN_CONFIG") {
        return Ok(path.into());
    }
    PLACES.iter().map(PathBuf::from).find(|p| p.exists()).ok_or(BadConfig::Nowhere)
}

#[allow(clippy::disallowed_methods)] // the one place that reads the environment
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_a_sentence_that_says_what_to_do() {
        let error = Config::load(Some(Path::new("/nowhere/c.toml"))).unwrap_err().to_string();
        assert!(error.contains("no configuration at /nowhere/c.toml") && error.contains("countersign config > /nowhere/c.toml"), "{error}");
        let nowhere = BadConfig::Nowhere.to_string();
        assert!(nowhere.contains("countersign config > countersign.toml") && !nowhere.contains("at --config"), "{nowhere}");
    }

    #[test]
    fn a_file_that_is_no_toml_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "site = [").unwrap();
        let error = Config::load(Some(file.path())).unwrap_err().to_string();
        assert!(error.starts_with(&format!("The configuration {} is not in order: line 1: ", file.path().display())), "{error}");
        let error = Config::parse("\nsmtp = { password = 'geheim', port = 'x' }").unwrap_err().to_string();
        assert!(error.contains("line 2: ") && !error.contains("geheim"), "{error}");
    }

    #[test]
    fn secrets_of_the_environment_win() {
        let mut config = Config::parse("[database]\nurl = 'sqlite:/a'\n[blobs.s3]\nbucket = 'b'").unwrap();
        config.take_secrets(|name| Some(format!("from {name}")));
        assert_eq!(config.database_url(), "from COUNTERSIGN_DATABASE_URL");
        let s3 = config.blobs.s3.unwrap();
        assert_eq!(s3.secret_key.expose_secret(), "from COUNTERSIGN_S3_SECRET_KEY");
        assert_eq!(s3.access_key.expose_secret(), "from COUNTERSIGN_S3_ACCESS_KEY");
    }

    #[test]
    fn what_is_left_empty_lives_in_the_data_directory() {
        let config = Config::parse("data_dir = '/data'").unwrap();
        assert_eq!(config.database_url(), "sqlite:/data/countersign.db");
        assert_eq!(config.root_key_file(), Path::new("/data/root.key"));
        assert_eq!(config.blobs_dir(), Path::new("/data/blobs"));
    }
}
