//! A real CA for tests: Debian's pebble with its DNS, in a temporary directory at free ports, gone with the test.
//!
//! What would surprise you: every name resolves to this machine, and the CA asks at the two ports that it was told, not at 80 and 443.
#![allow(clippy::expect_used)]

mod relay;

pub use relay::Relay;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, IsCa, Issuer, KeyPair};
use std::{
    fs::File,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const STARTS: Duration = Duration::from_secs(30);
/// DNS takes its port for UDP as well, where nothing keeps it free.
const TRIES: u32 = 5;

/// How the CA behaves.
#[derive(Clone, Debug)]
pub struct Manners {
    /// Where it asks for http-01 and for tls-alpn-01, on this machine.
    pub http_port: u16,
    pub tls_port: u16,
    /// Of good nonces, in percent.
    pub nonces_refused: u32,
    pub validity_days: u32,
    /// Key id and key (base64url) without which it takes no account.
    pub external_account: Option<(String, String)>,
    /// Names that it never certifies.
    pub blocked: Vec<String>,
}

/// A running CA.
pub struct Pebble {
    /// What `acme.directory` is set to.
    pub directory: String,
    dir: TempDir,
    manners: Manners,
    address: SocketAddr,
    management: SocketAddr,
    dns: SocketAddr,
    running: Vec<Child>,
}

impl Manners {
    pub fn at(http_port: u16, tls_port: u16) -> Manners {
        Manners { http_port, tls_port, nonces_refused: 0, validity_days: 60, external_account: None, blocked: Vec::new() }
    }
}

impl Pebble {
    pub fn start(manners: Manners) -> Pebble {
        for _ in 0..TRIES {
            let dir = tempfile::tempdir().expect("tests have a temporary directory");
            write_own_certificate(dir.path());
            let [address, management, dns, dns_management] = free_ports();
            let directory = format!("https://127.0.0.1:{}/dir", address.port());
            let dns_running = challtestsrv(dns, dns_management, dir.path());
            let mut pebble = Pebble { directory, dir, manners: manners.clone(), address, management, dns, running: vec![dns_running] };
            if pebble.run() {
                return pebble;
            }
        }
        panic!("pebble does not start: is Debian's package installed?");
    }

    /// Nobody answers at its address from now on.
    pub fn stop(&mut self) {
        if self.running.len() > 1
            && let Some(mut pebble) = self.running.pop()
        {
            let _ = pebble.kill();
            let _ = pebble.wait();
        }
    }
    /// At the same address, with another root and no memory of accounts, orders or certificates.
    pub fn start_again(&mut self) {
        assert!(self.run(), "pebble does not start again");
    }

    /// Who vouches for the directory's own certificate; what `acme.ca_file` is set to.
    pub fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }
    /// The root that its certificates lead to, written to a file anew each time.
    pub fn root_file(&self) -> PathBuf {
        let file = self.dir.path().join("root.pem");
        let mut command = Command::new("curl");
        command.args(["-sf", "--max-time", "10", "--cacert"]).arg(self.ca_file()).arg("-o").arg(&file);
        let done = command.arg(format!("https://127.0.0.1:{}/roots/0", self.management.port())).status();
        assert!(done.expect("curl is installed").success(), "pebble tells its root");
        file
    }
    /// Requests for a new order that it has seen.
    pub fn orders(&self) -> usize {
        self.log().matches("POST /order-plz -> calling handler()").count()
    }
    /// Requests for a new account that it has seen.
    pub fn accounts(&self) -> usize {
        self.log().matches("POST /sign-me-up -> calling handler()").count()
    }
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("pebble.log")).unwrap_or_default()
    }

    /// `false`: it ended, its port was taken.
    fn run(&mut self) -> bool {
        let Manners { http_port, tls_port, nonces_refused, validity_days, external_account, blocked } = &self.manners;
        let (dir, keys) = (self.dir.path(), external_account.iter().cloned().collect::<std::collections::BTreeMap<_, _>>());
        let config = serde_json::json!({ "pebble": {
            "listenAddress": self.address.to_string(),
            "managementListenAddress": self.management.to_string(),
            "certificate": dir.join("own.pem"),
            "privateKey": dir.join("own.key"),
            "httpPort": http_port,
            "tlsPort": tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": external_account.is_some(),
            "externalAccountMACKeys": keys,
            "domainBlocklist": blocked,
            "certificateValidityPeriod": u64::from(*validity_days) * 86_400,
        }});
        std::fs::write(dir.join("pebble.json"), config.to_string()).expect("the directory is ours");
        let mut command = Command::new("pebble");
        command.arg("-config").arg(dir.join("pebble.json")).arg("-dnsserver").arg(self.dns.to_string());
        command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0").env("PEBBLE_WFE_NONCEREJECT", nonces_refused.to_string());
        let child = logged(&mut command, &dir.join("pebble.log"));
        self.running.push(child);
        let up = self.running.iter_mut().last().is_some_and(|child| listens(self.address, child) && listens(self.management, child));
        if !up {
            self.stop();
        }
        up
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn challtestsrv(dns: SocketAddr, management: SocketAddr, dir: &Path) -> Child {
    let mut command = Command::new("pebble-challtestsrv");
    command.args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]);
    command.arg("-dns01").arg(dns.to_string()).arg("-management").arg(management.to_string());
    logged(&mut command, &dir.join("dns.log"))
}

fn logged(command: &mut Command, log: &Path) -> Child {
    let file = File::options().create(true).append(true).open(log).expect("the directory is ours");
    let also = file.try_clone().expect("a file");
    command.stdin(Stdio::null()).stdout(file).stderr(also).spawn().expect("Debian's pebble is installed")
}

fn listens(at: SocketAddr, child: &mut Child) -> bool {
    let began = Instant::now();
    while began.elapsed() < STARTS {
        if child.try_wait().expect("it is ours").is_some() {
            return false;
        }
        if TcpStream::connect(at).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn free_ports() -> [SocketAddr; 4] {
    [(); 4].map(|()| SocketAddr::from(([127, 0, 0, 1], store::testing::free_port())))
}

/// The directory's own certificate and who signed it.
fn write_own_certificate(dir: &Path) {
    let (ca_key, key) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = ca.self_signed(&ca_key).expect("a certificate");
    let mut own = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).expect("names");
    // Another name than its issuer's, or openssl takes it for its own.
    own.distinguished_name = DistinguishedName::new();
    let own = own.signed_by(&key, &Issuer::new(ca, ca_key)).expect("a certificate");
    for (file, text) in [("ca.pem", root.pem()), ("own.pem", own.pem()), ("own.key", key.serialize_pem())] {
        std::fs::write(dir.join(file), text).expect("the directory is ours");
    }
}
