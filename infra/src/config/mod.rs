//! The configuration: one TOML file, and secrets from the environment. Only this module reads the environment.
//!
//! What would surprise you: `default.toml` beside this file is what `countersign config` prints, and a test holds it equal
//! to the defaults in code.

mod check;
mod load;
mod settings;

pub use check::Finding;
pub use load::BadConfig;
pub use settings::*;

use kernel::{BadNetwork, Fault, Network};

/// The annotated default file.
pub const ANNOTATED: &str = include_str!("default.toml");

/// Networks as settings name them.
pub(crate) fn networks(texts: &[String]) -> Result<Vec<Network>, Fault> {
    texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(|e: BadNetwork| Fault::other(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annotated_default_is_the_default() {
        let read = Config::parse(ANNOTATED).unwrap();
        assert_eq!(format!("{read:#?}"), format!("{:#?}", Config::default()));
    }

    /// Whoever writes one setting of a section gets the others as printed.
    #[test]
    fn each_section_and_each_setting_alone_is_the_default_too() {
        let printed = format!("{:#?}", Config::default());
        let same = |part: &str| assert_eq!(format!("{:#?}", Config::parse(part).unwrap()), printed, "{part}");
        let (mut section, mut settings) = ("", 0);
        for line in ANNOTATED.lines() {
            if line.starts_with('[') {
                section = line;
                same(section);
            } else if !line.is_empty() && !line.starts_with('#') {
                same(&format!("{section}\n{line}"));
                settings += 1;
            }
        }
        assert!(settings > 25, "{settings}");
    }

    #[test]
    fn every_setting_that_is_commented_out_is_one_we_know() {
        let uncommented: String = ANNOTATED
            .lines()
            .map(|line| {
                line.strip_prefix("# ")
                    .filter(|l| l.starts_with('[') || l.split_once(" = ").is_some_and(|(k, _)| !k.contains(' ')))
                    .unwrap_or(line)
            })
            .map(|line| format!("{line}\n"))
            .collect();
        let read = Config::parse(&uncommented).unwrap();
        assert!(read.blobs.s3.is_some() && read.smtp.dkim.is_some() && read.smtp.user.is_some() && read.tls.files.len() == 1);
    }

    #[test]
    fn a_mistyped_setting_is_named_with_its_line() {
        let error = Config::parse("[site]\nbase_ulr = 'https://x.example'").unwrap_err().to_string();
        assert!(error.contains("base_ulr") && error.contains("line 2"), "{error}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let config = Config::parse("[database]\nurl='postgres://u:hunter2@h/d'\n[blobs.s3]\nbucket='b'\nsecret_key='hunter2'\n[smtp]\nhost='h'\npassword='hunter2'").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
