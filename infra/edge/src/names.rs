//! Which certificate is shown for which name: a table in memory that may change while the site runs.
//!
//! What would surprise you: a name that is not in the table gets no certificate at all, not even somebody else's. Where the table follows
//! what is written down, whoever asks for such a name waits for a look first: a certificate may have come a moment ago, and its owner was
//! told so by a page.

use crate::{Certificate, Hints, Look, asking, looks::Looks};
use kernel::Fault;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::{self, Ticketer},
    server::ServerSessionMemoryCache,
    sign::SingleCertAndKey,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};
use tokio::sync::{Notify, watch};

/// Sessions of TLS 1.2 clients that may be resumed; TLS 1.3 resumes by tickets.
const SESSIONS: usize = 4_096;

/// Clones share the table.
#[derive(Clone)]
pub struct Names(Arc<Inner>);

struct Inner {
    /// What is the same for every name.
    common: ServerConfig,
    table: RwLock<Table>,
    /// Whether names are still coming that were ours before this start.
    filling: watch::Sender<bool>,
    /// Somebody waits for one of them.
    awaited: Notify,
    /// Somebody looks after the table.
    followed: AtomicBool,
    looks: Looks,
}

/// While it lives, who asks for a name that is not in the table waits.
pub struct Filling(Names);

#[derive(Default)]
struct Table {
    by_name: HashMap<String, Arc<Certified>>,
    /// `*.example.org` under `example.org`.
    by_parent: HashMap<String, Arc<Certified>>,
    /// Hosts that ask for a client certificate.
    asking: HashMap<String, Hints>,
    /// For clients that name no host: the site's own.
    unnamed: Option<Arc<Certified>>,
}

/// A certificate with the handshake made for it.
pub struct Certified {
    pub names: Vec<String>,
    pub config: Arc<ServerConfig>,
    /// A client certificate is asked for.
    pub asks: bool,
}

impl Names {
    /// An empty table. TLS 1.2 and 1.3 over aws-lc-rs; HTTP/2 preferred.
    pub fn new() -> Result<Names, Fault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let trouble = |e: rustls::Error| Fault::other(format!("TLS: {e}"));
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(trouble)?;
        let mut common = builder.with_no_client_auth().with_cert_resolver(Arc::new(NoCertificate));
        common.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Our order of ciphers, strongest first; scanners count it as a fault to leave the choice to the client.
        common.ignore_client_order = true;
        common.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        common.ticketer = Ticketer::new().map_err(trouble)?;
        let (table, filling, awaited) = (RwLock::default(), watch::Sender::new(false), Notify::new());
        let (followed, looks) = (AtomicBool::new(false), Looks::default());
        Ok(Names(Arc::new(Inner { common, table, filling, awaited, followed, looks })))
    }

    /// From now until the answer is dropped more names come, which the site had before it started. From then on somebody looks whenever
    /// that is [`wanted`](Names::wanted).
    pub fn filling(&self) -> Filling {
        self.0.followed.store(true, Relaxed);
        self.0.filling.send_replace(true);
        Filling(self.clone())
    }

    /// Ends when somebody waits for a look at what is written down.
    pub async fn wanted(&self) {
        self.0.looks.wanted().await;
    }
    /// To be called before what is written down is read.
    pub fn look(&self) -> Look {
        self.0.looks.begin()
    }
    /// The table is what that look found.
    pub fn looked(&self, look: Look) {
        self.0.looks.done(look);
    }

    /// Shows `certificate` for all of its names from the next handshake on; `default`: also to clients that name no host.
    pub fn put(&self, certificate: &Certificate, default: bool) {
        let certified = Arc::new(self.certified(certificate));
        let mut table = self.0.table.write().unwrap_or_else(PoisonError::into_inner);
        for name in &certified.names {
            match name.strip_prefix("*.") {
                Some(parent) => table.by_parent.insert(parent.to_owned(), certified.clone()),
                None => table.by_name.insert(name.clone(), certified.clone()),
            };
        }
        if default {
            table.unnamed = Some(certified);
        }
    }
    /// From the next handshake on there is nothing for `name`. Open connections stay.
    pub fn remove(&self, name: &str) {
        let mut table = self.0.table.write().unwrap_or_else(PoisonError::into_inner);
        match name.strip_prefix("*.") {
            Some(parent) => table.by_parent.remove(parent),
            None => table.by_name.remove(name),
        };
    }

    /// From the next handshake on clients are asked for a certificate at `name`; with `None`, no more. It needs a certificate, too, as
    /// every name does.
    pub fn ask(&self, name: &str, hints: Option<Hints>) {
        let mut table = self.0.table.write().unwrap_or_else(PoisonError::into_inner);
        match hints {
            Some(hints) => table.asking.insert(name.to_owned(), hints),
            None => table.asking.remove(name),
        };
    }

    /// Whether `host` (in lower case, without a port) is one of ours.
    pub fn knows(&self, host: &str) -> bool {
        let table = self.0.table.read().unwrap_or_else(PoisonError::into_inner);
        table.named(host).is_some() || table.unnamed.as_ref().is_some_and(|c| c.names.iter().any(|name| name == host))
    }
    pub(crate) fn pick(&self, sni: Option<&str>) -> Option<Arc<Certified>> {
        let table = self.0.table.read().unwrap_or_else(PoisonError::into_inner);
        match sni {
            None => table.unnamed.clone(),
            Some(name) => table.for_clients(&name.to_ascii_lowercase()),
        }
    }

    /// As `pick`, after the table is filled and, for a name that is not there, after a fresh look. The caller holds the clock.
    pub(crate) async fn find(&self, sni: Option<&str>) -> Option<Arc<Certified>> {
        if let Some(certified) = self.pick(sni) {
            return Some(certified);
        }
        if *self.0.filling.borrow() {
            self.0.awaited.notify_one();
            let _ = self.0.filling.subscribe().wait_for(|filling| !filling).await;
            if let Some(certified) = self.pick(sni) {
                return Some(certified);
            }
        }
        if sni.is_some() && self.0.followed.load(Relaxed) {
            self.0.looks.fresh().await;
        }
        self.pick(sni)
    }

    fn certified(&self, certificate: &Certificate) -> Certified {
        let mut config = self.0.common.clone();
        config.cert_resolver = Arc::new(SingleCertAndKey::from(certificate.key.clone()));
        Certified { names: certificate.names.clone(), config: Arc::new(config), asks: false }
    }
}

impl Filling {
    /// Ends when somebody waits.
    pub async fn awaited(&self) {
        self.0.0.awaited.notified().await;
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        self.0.0.filling.send_replace(false);
    }
}

impl Table {
    /// A host that asks never falls back to not asking.
    fn for_clients(&self, name: &str) -> Option<Arc<Certified>> {
        let certified = self.named(name)?;
        let Some(hints) = self.asking.get(name) else { return Some(certified.clone()) };
        let config = Arc::new(asking::config(&certified.config, hints)?);
        Some(Arc::new(Certified { names: certified.names.clone(), config, asks: true }))
    }
    fn named(&self, name: &str) -> Option<&Arc<Certified>> {
        // RFC 6125 §6.4.3: the star stands for one whole label.
        self.by_name.get(name).or_else(|| name.split_once('.').and_then(|(_, parent)| self.by_parent.get(parent)))
    }
}

/// For the part that is common: every name brings its own.
#[derive(Debug)]
struct NoCertificate;

impl rustls::server::ResolvesServerCert for NoCertificate {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }
}
