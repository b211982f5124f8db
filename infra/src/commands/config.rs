//! `countersign config`: the whole annotated default; `config --check FILE`: what is wrong with a file.

use super::Stop;
use crate::{
    Config, app, certificates,
    config::{ANNOTATED, CertificateSource, Finding},
};
use mail::SmtpRelay;
use std::path::Path;

/// The annotated default file.
pub fn print() -> String {
    ANNOTATED.to_owned()
}

/// Reads a file as `serve` would, and says everything about its values that needs an eye.
pub fn check(path: &Path) -> Result<String, Stop> {
    let config = Config::read(path)?;
    let mut findings = config.check();
    findings.extend(beside_the_file(&config));
    let lines: Vec<String> = findings.iter().map(|f| format!("{} {}", if f.fatal { "wrong: " } else { "note:  " }, f.sentence)).collect();
    if findings.iter().any(|f| f.fatal) {
        return Err(Stop::Refused(lines.join("\n")));
    }
    Ok(format!("{}{} is in order.\n", lines.iter().map(|l| format!("{l}\n")).collect::<String>(), path.display()))
}

/// What the rooms say about their settings, and the files that those name.
fn beside_the_file(config: &Config) -> impl Iterator<Item = Finding> {
    let ordered = config.tls.certificates == CertificateSource::Acme;
    let vouching = ordered.then(|| certificates::authorities(&config.acme)).and_then(Result::err);
    let said = [app::sign_up_plan(config).err(), SmtpRelay::new(&config.smtp).err(), vouching];
    said.into_iter().flatten().map(|fault| Finding { fatal: true, sentence: format!("{fault}.") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_config_prints_passes_its_own_check() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), print()).unwrap();
        assert!(check(file.path()).unwrap().ends_with("is in order.\n"));
        std::fs::write(file.path(), "site.base_url = 'http://mail.example.org'").unwrap();
        let refused = check(file.path()).unwrap_err();
        assert!(refused.to_string().contains("is not https"), "{refused}");
        assert_eq!(refused.exit_code(), 2);
        for (text, says) in [
            ("sign_up.plan = 'gold'", ["“gold”", "personal"]),
            ("plans.file = '/nowhere/plans.toml'", ["/nowhere/plans.toml", "wrong:"]),
            ("smtp.host = 'mail.example.org'", ["mail.example.org", "set tls"]),
        ] {
            std::fs::write(file.path(), text).unwrap();
            let refused = check(file.path()).unwrap_err().to_string();
            assert!(says.iter().all(|part| refused.contains(part)), "{text}: {refused}");
        }
    }
}
