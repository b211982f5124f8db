//! One small struct a room, each with its defaults. What a setting means is said once, in `default.toml`.

use acme::{Budgets, LETS_ENCRYPT};
use mail::SmtpConfig;
use messages::UnaskedMail;
use secrecy::SecretString;
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf};

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub site: SiteConfig,
    pub listen: ListenConfig,
    pub tls: TlsConfig,
    pub acme: AcmeConfig,
    pub domains: DomainsConfig,
    pub client_certificates: ClientCertificatesConfig,
    pub metrics: MetricsConfig,
    pub database: DatabaseConfig,
    pub keys: KeysConfig,
    pub blobs: BlobsConfig,
    pub disk: DiskConfig,
    pub smtp: SmtpConfig,
    pub sign_up: SignUpConfig,
    pub unasked_mail: UnaskedMailConfig,
    pub plans: PlansConfig,
    pub worker: WorkerConfig,
    pub log: LogConfig,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SiteConfig {
    pub base_url: String,
    pub mail_from: String,
    /// A host, or empty.
    pub content_host: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenConfig {
    pub http: SocketAddr,
    /// An address, or empty.
    pub https: String,
    pub trusted_proxies: Vec<String>,
    pub forwarded_by: ForwardingHeader,
    pub proxy_protocol: Vec<String>,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    pub max_requests: usize,
    pub max_requests_per_address: usize,
    pub drain_notice_seconds: u64,
    pub drain_seconds: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardingHeader {
    #[default]
    XForwardedFor,
    Forwarded,
}

/// Only read where `listen.https` is set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    pub certificates: CertificateSource,
    pub names: Vec<String>,
    pub files: Vec<CertificatePaths>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateSource {
    #[default]
    Files,
    LocalCa,
    Acme,
}

/// Only read where `tls.certificates` is `acme`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AcmeConfig {
    pub directory: String,
    pub terms_agreed: bool,
    /// An e-mail address, or empty.
    pub contact: String,
    /// Empty: the public CAs vouch for the directory.
    pub ca_file: PathBuf,
    pub challenge: AcmeChallenge,
    pub external_key_id: String,
    /// base64url.
    pub external_key: SecretString,
    pub orders_an_hour: i64,
    pub orders_per_tenant_a_day: i64,
    pub orders_per_domain_a_week: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DomainsConfig {
    pub resolvers: Vec<SocketAddr>,
    pub caa: String,
}

impl Default for DomainsConfig {
    fn default() -> DomainsConfig {
        let resolvers = [[1, 1, 1, 1], [9, 9, 9, 9]].map(|ip| SocketAddr::from((ip, 53))).to_vec();
        DomainsConfig { resolvers, caa: "letsencrypt.org".into() }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientCertificatesConfig {
    pub list_networks: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum AcmeChallenge {
    #[default]
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
    #[serde(rename = "http-01")]
    Http01,
}

impl Default for AcmeConfig {
    fn default() -> AcmeConfig {
        let Budgets { an_hour, per_tenant_a_day, per_domain_a_week } = Budgets::default();
        AcmeConfig {
            directory: LETS_ENCRYPT.into(),
            terms_agreed: false,
            contact: String::new(),
            ca_file: PathBuf::new(),
            challenge: AcmeChallenge::default(),
            external_key_id: String::new(),
            external_key: SecretString::default(),
            orders_an_hour: an_hour,
            orders_per_tenant_a_day: per_tenant_a_day,
            orders_per_domain_a_week: per_domain_a_week,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificatePaths {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// An address, or empty.
    pub listen: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Holds a password where it is PostgreSQL's.
    pub url: SecretString,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeysConfig {
    pub root_key_file: PathBuf,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlobsConfig {
    pub dir: PathBuf,
    pub s3: Option<S3Settings>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Settings {
    #[serde(default)]
    pub endpoint: Option<String>,
    #[serde(default = "us_east")]
    pub region: String,
    pub bucket: String,
    #[serde(default)]
    pub access_key: SecretString,
    #[serde(default)]
    pub secret_key: SecretString,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiskConfig {
    pub low_water_mib: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignUpConfig {
    pub open: bool,
    pub plan: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnaskedMailConfig {
    pub an_hour: i64,
    pub a_day: i64,
}

impl Default for UnaskedMailConfig {
    fn default() -> Self {
        UnaskedMail::default().into()
    }
}
impl From<UnaskedMail> for UnaskedMailConfig {
    fn from(UnaskedMail { an_hour, a_day }: UnaskedMail) -> UnaskedMailConfig {
        UnaskedMailConfig { an_hour, a_day }
    }
}
impl From<UnaskedMailConfig> for UnaskedMail {
    fn from(UnaskedMailConfig { an_hour, a_day }: UnaskedMailConfig) -> UnaskedMail {
        UnaskedMail { an_hour, a_day }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlansConfig {
    pub file: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    pub in_serve: bool,
    pub concurrency: usize,
    pub poll_seconds: u64,
    pub lease_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    pub format: LogFormat,
    pub level: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data_dir: "/var/lib/countersign".into(),
            site: SiteConfig::default(),
            listen: ListenConfig::default(),
            tls: TlsConfig::default(),
            acme: AcmeConfig::default(),
            domains: DomainsConfig::default(),
            client_certificates: ClientCertificatesConfig::default(),
            metrics: MetricsConfig::default(),
            database: DatabaseConfig::default(),
            keys: KeysConfig::default(),
            blobs: BlobsConfig::default(),
            disk: DiskConfig::default(),
            smtp: SmtpConfig::default(),
            sign_up: SignUpConfig::default(),
            unasked_mail: UnaskedMailConfig::default(),
            plans: PlansConfig::default(),
            worker: WorkerConfig::default(),
            log: LogConfig::default(),
        }
    }
}
impl Default for SiteConfig {
    fn default() -> SiteConfig {
        SiteConfig {
            base_url: "http://127.0.0.1:8080".into(),
            mail_from: "certified@countersign.example".into(),
            content_host: String::new(),
        }
    }
}
impl Default for ListenConfig {
    fn default() -> ListenConfig {
        ListenConfig {
            http: SocketAddr::from(([127, 0, 0, 1], 8080)),
            https: String::new(),
            trusted_proxies: Vec::new(),
            forwarded_by: ForwardingHeader::default(),
            proxy_protocol: Vec::new(),
            max_connections: 4096,
            max_connections_per_address: 128,
            max_requests: 512,
            max_requests_per_address: 64,
            drain_notice_seconds: 0,
            drain_seconds: 20,
        }
    }
}
impl Default for DiskConfig {
    fn default() -> DiskConfig {
        DiskConfig { low_water_mib: 512 }
    }
}
impl Default for SignUpConfig {
    fn default() -> SignUpConfig {
        SignUpConfig { open: true, plan: "personal".into() }
    }
}
impl Default for WorkerConfig {
    fn default() -> WorkerConfig {
        WorkerConfig { in_serve: true, concurrency: 8, poll_seconds: 5, lease_seconds: 60 }
    }
}
impl Default for LogConfig {
    fn default() -> LogConfig {
        LogConfig { format: LogFormat::Text, level: "info".into() }
    }
}

fn us_east() -> String {
    "us-east-1".into()
}
