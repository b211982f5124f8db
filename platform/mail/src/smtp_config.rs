//! How to reach the relay; the server's config file embeds this as `[smtp]`.

use serde::Deserialize;
use std::{fmt, path::PathBuf};

/// The relay (smart host) that takes our mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// Host name or IP address of the relay. The name must be in its certificate.
    pub host: String,
    /// 587 (submission, the default), 465 with `tls = "implicit"`, 25 for a relay in house.
    #[serde(default = "defaults::port")]
    pub port: u16,
    /// `"starttls"` (the default, and then required), `"implicit"`, or `"none"`.
    #[serde(default)]
    pub tls: Tls,
    /// Lets `tls = "none"` reach a host other than this machine. A password is refused even then.
    #[serde(default)]
    pub allow_plaintext: bool,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
    /// The name we say hello with (EHLO); the machine's host name unless given.
    #[serde(default)]
    pub hello_name: Option<String>,
    /// Connections at a time, 1 to 100.
    #[serde(default = "defaults::pool")]
    pub pool: usize,
    /// Seconds to connect, and to wait for each answer but the last.
    #[serde(default = "defaults::timeout_secs")]
    pub timeout_secs: u64,
    /// Seconds to wait for the answer after the final dot. RFC 5321 §4.5.3.2.6 asks for ten minutes: a shorter wait sends letters twice.
    #[serde(default = "defaults::final_timeout_secs")]
    pub final_timeout_secs: u64,
    /// PEM file with certificate authorities to trust beside the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Signs what leaves; without it the relay may sign.
    #[serde(default)]
    pub dkim: Option<DkimConfig>,
}

impl SmtpConfig {
    /// A relay in the clear on this machine: what a test or a local Postfix wants.
    pub fn plain(host: impl Into<String>, port: u16) -> SmtpConfig {
        SmtpConfig {
            host: host.into(),
            port,
            tls: Tls::None,
            allow_plaintext: false,
            user: None,
            password: None,
            hello_name: None,
            pool: defaults::pool(),
            timeout_secs: defaults::timeout_secs(),
            final_timeout_secs: defaults::final_timeout_secs(),
            ca_file: None,
            dkim: None,
        }
    }
    /// This machine, by name or by address.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    }
}

/// How the way to the relay is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Not at all; only on this machine unless `allow_plaintext`.
    None,
    /// RFC 3207; a relay that does not offer it gets nothing from us.
    #[default]
    StartTls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Implicit,
}

/// Domain, selector and key of a DKIM signature.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DkimConfig {
    /// The domain that signs (`d=`): that of the From address, or one above it.
    pub domain: String,
    /// The selector (`s=`): the public key is the TXT record `<selector>._domainkey.<domain>`.
    pub selector: String,
    /// PEM file: RSA of 2048 bits or more, or Ed25519 (PKCS #8).
    pub key_file: PathBuf,
}

/// A password; never printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

mod defaults {
    pub(super) fn port() -> u16 {
        587
    }
    pub(super) fn pool() -> usize {
        4
    }
    pub(super) fn timeout_secs() -> u64 {
        60
    }
    pub(super) fn final_timeout_secs() -> u64 {
        600
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_enough_and_means_starttls() {
        let config: SmtpConfig = toml::from_str("host = 'mail.example.org'").unwrap();
        assert_eq!((config.port, config.tls, config.pool), (587, Tls::StartTls, 4));
        assert_eq!((config.timeout_secs, config.final_timeout_secs), (60, 600));
    }

    #[test]
    fn protection_is_named_in_lower_case() {
        for (text, tls) in [("none", Tls::None), ("starttls", Tls::StartTls), ("implicit", Tls::Implicit)] {
            let config: SmtpConfig = toml::from_str(&format!("host = 'h'\ntls = '{text}'")).unwrap();
            assert_eq!(config.tls, tls);
        }
    }

    #[test]
    fn a_mistyped_setting_is_refused() {
        assert!(toml::from_str::<SmtpConfig>("host = 'mail.example.org'\ntsl = 'none'").is_err());
    }

    #[test]
    fn the_password_is_not_printed() {
        let config: SmtpConfig = toml::from_str("host = 'h'\npassword = 'hunter2hunter2'").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
