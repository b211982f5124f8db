//! A workshop in a temporary directory: openssl makes authorities, certificates and lists there.

use crate::{authority::Authority, crl};
use kernel::{ClientCaId, Time};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

pub const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
pub const PERSON: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\nsubjectAltName=email:ana@example.org\n";
const HEAD: &str = "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\n[ext]\n";

pub struct Workshop {
    dir: tempfile::TempDir,
    serial: AtomicU32,
}

/// A certificate with its key, by the names of their files.
#[derive(Clone)]
pub struct Made {
    pub name: String,
    pub pem: String,
    pub der: CertificateDer<'static>,
}

impl Workshop {
    pub fn new() -> Workshop {
        Workshop { dir: tempfile::tempdir().unwrap(), serial: AtomicU32::new(4_096) }
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    pub fn openssl(&self, arguments: &[&str]) -> Vec<u8> {
        let done = Command::new("openssl").args(arguments).current_dir(self.dir.path()).output().expect("openssl is installed");
        assert!(done.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    }
    pub fn key(&self, name: &str, kind: &str) {
        let out = format!("{name}.key");
        match kind.split_once(':') {
            Some(("rsa", bits)) => {
                self.openssl(&["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", &format!("rsa_keygen_bits:{bits}"), "-out", &out])
            }
            Some((_, curve)) => {
                self.openssl(&["genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", &format!("ec_paramgen_curve:{curve}"), "-out", &out])
            }
            None => self.openssl(&["genpkey", "-algorithm", kind, "-out", &out]),
        };
    }

    /// An authority called `/CN=cn`, signed by itself.
    pub fn root(&self, name: &str, cn: &str, days: u32, extensions: &str) -> Made {
        self.root_of(name, cn, days, extensions, ("ec:P-256", "-sha256"))
    }
    pub fn root_of(&self, name: &str, cn: &str, days: u32, extensions: &str, (kind, digest): (&str, &str)) -> Made {
        self.key(name, kind);
        std::fs::write(self.path("root.cnf"), format!("{HEAD}{extensions}")).unwrap();
        let (key, out, subject, days) = (format!("{name}.key"), format!("{name}.pem"), format!("/CN={cn}"), days.to_string());
        self.openssl(&[
            "req",
            "-x509",
            "-new",
            "-key",
            &key,
            "-subj",
            &subject,
            "-days",
            &days,
            digest,
            "-config",
            "root.cnf",
            "-extensions",
            "ext",
            "-out",
            &out,
        ]);
        self.made(name)
    }

    /// A certificate called `/CN=name`, signed by `issuer`.
    pub fn issue(&self, name: &str, issuer: &str, days: u32, extensions: &str) -> Made {
        self.issue_of(name, issuer, days, extensions, ("ec:P-256", "-sha256"))
    }
    pub fn issue_of(&self, name: &str, issuer: &str, days: u32, extensions: &str, (kind, digest): (&str, &str)) -> Made {
        if !self.path(&format!("{name}.key")).exists() {
            self.key(name, kind);
        }
        let (key, csr, out) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        self.openssl(&["req", "-new", "-key", &key, "-subj", &format!("/CN={name}"), "-out", &csr]);
        let serial = self.serial.fetch_add(1, Ordering::Relaxed).to_string();
        let (ca, ca_key, days) = (format!("{issuer}.pem"), format!("{issuer}.key"), days.to_string());
        let mut line = vec!["x509", "-req", "-in", &csr, "-CA", &ca, "-CAkey", &ca_key, "-set_serial", &serial, "-days", &days, digest];
        line.extend(["-out", &out]);
        // Without extensions openssl makes a version 1 certificate.
        if !extensions.is_empty() {
            std::fs::write(self.path("issue.cnf"), format!("[ext]\n{extensions}")).unwrap();
            line.extend(["-extfile", "issue.cnf", "-extensions", "ext"]);
        }
        self.openssl(&line);
        self.made(name)
    }

    /// The list of `issuer` with these certificates on it, DER.
    pub fn list(&self, issuer: &str, revoked: &[&Made], hours: u32, extensions: &str) -> Vec<u8> {
        let line = |made: &&Made| {
            let serial = crate::Facts::of(&made.der).unwrap().serial;
            let serial: String = serial.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("R\t350101000000Z\t250101000000Z\t{serial}\tunknown\t/CN={}\n", made.name)
        };
        std::fs::write(self.path("index.txt"), revoked.iter().map(line).collect::<String>()).unwrap();
        std::fs::write(self.path("crlnumber"), "1000\n").unwrap();
        let config = format!(
            "[ca]\ndefault_ca=here\n[here]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ncrl_extensions=ext\n[ext]\n{extensions}"
        );
        std::fs::write(self.path("crl.cnf"), config).unwrap();
        let (cert, key, hours) = (format!("{issuer}.pem"), format!("{issuer}.key"), hours.to_string());
        self.openssl(&["ca", "-gencrl", "-config", "crl.cnf", "-cert", &cert, "-keyfile", &key, "-crlhours", &hours, "-out", "list.pem"]);
        self.openssl(&["crl", "-in", "list.pem", "-outform", "DER"])
    }

    fn made(&self, name: &str) -> Made {
        let pem = std::fs::read_to_string(self.path(&format!("{name}.pem"))).unwrap();
        Made { name: name.to_owned(), der: CertificateDer::from_pem_slice(pem.as_bytes()).unwrap(), pem }
    }
}

/// The topmost last.
pub fn authority(chain: &[&Made]) -> Authority {
    let chain = chain.iter().map(|made| made.der.clone()).collect();
    Authority { id: ClientCaId(Default::default()), chain, maps_by_address: false, grace: Duration::ZERO, lists: Vec::new() }
}

/// The same with one more list.
pub fn with_list(mut authority: Authority, list: Option<&[u8]>, next_at: Time, grace: Duration) -> Authority {
    let read = |der| crl::List { read: crl::read_whole(der).expect("a list that can be read"), good_until: next_at.plus(grace) };
    authority.lists.push(list.map(read));
    authority
}

pub fn now() -> Time {
    kernel::Clock::system().now()
}
