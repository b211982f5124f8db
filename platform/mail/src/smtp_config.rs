//! How to reach the relay; the server's config file embeds this as `[smtp]`.

use serde::Deserialize;
use std::{fmt, path::PathBuf};

/// The relay (smart host) that takes our mail. What is left out is as `default()` has it: a relay on this machine, in the clear.
/// With another `host` that alone is refused (`SmtpRelay::new`): say `tls` and `port` too.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpConfig {
    /// Host name or IP address of the relay. The name must be in its certificate.
    pub host: String,
    /// 587 for submission, 465 with `tls = "implicit"`, 25 (the default) for a relay in house.
    pub port: u16,
    /// `"starttls"` (then required), `"implicit"`, or `"none"` (the default).
    pub tls: Tls,
    /// Lets `tls = "none"` reach a host other than this machine. A password is refused even then.
    pub allow_plaintext: bool,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// The name we say hello with (EHLO); the machine's host name unless given.
    pub hello_name: Option<String>,
    /// Connections at a time, 1 to 100.
    pub pool: usize,
    /// Seconds to connect, and to wait for each answer but the last.
    pub timeout_secs: u64,
    /// Seconds to wait for the answer after the final dot. RFC 5321 §4.5.3.2.6 asks for ten minutes: a shorter wait sends letters twice.
    pub final_timeout_secs: u64,
    /// PEM file with certificate authorities to trust beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// Signs what leaves; without it the relay may sign.
    pub dkim: Option<DkimConfig>,
}

impl SmtpConfig {
    /// A relay in the clear: what a test or a local Postfix wants.
    pub fn plain(host: impl Into<String>, port: u16) -> SmtpConfig {
        SmtpConfig {
            host: host.into(),
            port,
            tls: Tls::None,
            allow_plaintext: false,
            user: None,
            password: None,
            hello_name: None,
            pool: 4,
            timeout_secs: 60,
            final_timeout_secs: 600,
            ca_file: None,
            dkim: None,
        }
    }
    /// This machine, by name or by address.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    }
}

impl Default for SmtpConfig {
    fn default() -> SmtpConfig {
        SmtpConfig::plain("127.0.0.1", 25)
    }
}

/// How the way to the relay is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Not at all; only on this machine unless `allow_plaintext`.
    None,
    /// RFC 3207; a relay that does not offer it gets nothing from us.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_without_a_section() {
        let config: SmtpConfig = toml::from_str("host = '127.0.0.2'").unwrap();
        assert_eq!(format!("{config:?}"), format!("{:?}", SmtpConfig::plain("127.0.0.2", 25)));
        assert_eq!((config.port, config.tls, config.timeout_secs, config.final_timeout_secs), (25, Tls::None, 60, 600));
    }

    #[test]
    fn another_machine_needs_more_than_its_name() {
        let config: SmtpConfig = toml::from_str("host = 'mail.example.org'").unwrap();
        let refused = crate::SmtpRelay::new(&config).unwrap_err().to_string();
        assert!(refused.contains("in the clear") && refused.contains("set tls"), "{refused}");
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
