//! What DNS says about a name: from two resolvers that do not share a cache, so that neither a stale nor a poisoned one is believed alone.
//!
//! What would surprise you: nothing is cached here, because people look again right after they changed a record.

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{Name, RData, RecordType},
};
use kernel::{Fault, HostName};
use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// For one question to one resolver, and how often it is asked.
const TIME: Duration = Duration::from_secs(4);
const TRIES: usize = 2;
/// Records of one kind that are looked at; nobody needs more.
const MAX_RECORDS: usize = 30;
/// Characters of one record that are kept for people.
const MAX_RECORD_CHARS: usize = 255;

/// A resolver did not answer, so nothing is known. It is not the same as "there is no such record".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the resolver {0} does not answer")]
pub struct Silent(pub SocketAddr);

/// The resolvers. Cheap to clone.
#[derive(Clone)]
pub struct Dns(Vec<(SocketAddr, TokioResolver)>);

/// Certification authorities that may certify a name (RFC 8659), as found at the nearest ancestor that says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caa {
    /// Values of `issue`, as written; empty: nobody is excluded.
    pub issue: Vec<String>,
    /// The name that has the records.
    pub at: Option<String>,
}

impl Dns {
    /// At least two resolvers, in the order in which they are asked.
    pub fn new(servers: &[SocketAddr]) -> Result<Dns, Fault> {
        if servers.len() < 2 {
            return Err(Fault::other("domains are proven by two resolvers, so two must be named"));
        }
        servers.iter().map(|server| Ok((*server, resolver(*server)?))).collect::<Result<_, _>>().map(Dns)
    }

    /// TXT records of `name`, as each of the resolvers says.
    pub async fn texts(&self, name: &str) -> Vec<Result<Vec<String>, Silent>> {
        let mut all = Vec::new();
        for (server, resolver) in &self.0 {
            let found = ask(*server, resolver, name, RecordType::TXT).await;
            all.push(found.map(|records| records.iter().filter_map(text).collect()));
        }
        all
    }

    /// Addresses of `host`, aliases followed; empty: it has none.
    pub async fn addresses(&self, host: &HostName) -> Result<BTreeSet<IpAddr>, Silent> {
        let mut addresses = BTreeSet::new();
        for kind in [RecordType::A, RecordType::AAAA] {
            let records = self.first(host.as_str(), kind).await?;
            addresses.extend(records.iter().filter_map(|record| match record {
                RData::A(a) => Some(IpAddr::V4(a.0)),
                RData::AAAA(a) => Some(IpAddr::V6(a.0)),
                _ => None,
            }));
        }
        Ok(addresses)
    }

    /// The name that `host` is an alias of (CNAME).
    pub async fn alias(&self, host: &HostName) -> Result<Option<String>, Silent> {
        let records = self.first(host.as_str(), RecordType::CNAME).await?;
        Ok(records.iter().find_map(|record| match record {
            RData::CNAME(to) => Some(to.0.to_ascii().trim_end_matches('.').to_ascii_lowercase()),
            _ => None,
        }))
    }

    /// RFC 8659 §3: the closest name, upwards, that has CAA records.
    pub async fn caa(&self, host: &HostName) -> Result<Caa, Silent> {
        let mut name = host.as_str();
        loop {
            let records = self.first(name, RecordType::CAA).await?;
            if records.iter().any(|record| matches!(record, RData::CAA(_))) {
                return Ok(Caa { issue: records.iter().filter_map(issuer).collect(), at: Some(name.to_owned()) });
            }
            match name.split_once('.') {
                Some((_, parent)) => name = parent,
                None => return Ok(Caa::default()),
            }
        }
    }

    /// What the first resolver says that answers.
    async fn first(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, Silent> {
        let mut silent = None;
        for (server, resolver) in &self.0 {
            match ask(*server, resolver, name, kind).await {
                Ok(found) => return Ok(found),
                Err(none) => silent = Some(none),
            }
        }
        Err(silent.expect("at least two resolvers: checked by `Dns::new`"))
    }
}

impl Caa {
    /// Whether `ca` (the CA's own domain, such as `letsencrypt.org`) may certify the name. RFC 8659 §4.2: parameters follow a semicolon.
    pub fn allows(&self, ca: &str) -> bool {
        self.issue.is_empty() || self.issue.iter().any(|value| value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(ca))
    }
}

fn resolver(server: SocketAddr) -> Result<TokioResolver, Fault> {
    let mut by_udp = NameServerConfig::udp_and_tcp(server.ip());
    by_udp.connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    by_udp.connections.iter_mut().for_each(|connection| connection.port = server.port());
    let config = ResolverConfig::from_name_servers(vec![by_udp]);
    let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    (options.timeout, options.attempts, options.cache_size) = (TIME, TRIES, 0);
    builder.build().map_err(|e| Fault::other(format!("the resolver {server} cannot be used: {e}")))
}

async fn ask(server: SocketAddr, resolver: &TokioResolver, name: &str, kind: RecordType) -> Result<Vec<RData>, Silent> {
    // With the root's dot, so that no search list is tried.
    let Ok(name) = Name::from_ascii(format!("{name}.")) else { return Ok(Vec::new()) };
    match resolver.lookup(name, kind).await {
        Ok(found) => Ok(found.answers().iter().take(MAX_RECORDS).map(|record| record.data.clone()).collect()),
        Err(error) if is_empty(&error) => Ok(Vec::new()),
        Err(_) => Err(Silent(server)),
    }
}

/// NXDOMAIN or no such record; SERVFAIL and silence are neither.
fn is_empty(error: &NetError) -> bool {
    use hickory_resolver::proto::op::ResponseCode::{NXDomain, NoError};
    match error {
        NetError::Dns(hickory_resolver::net::DnsError::NoRecordsFound(none)) => matches!(none.response_code, NXDomain | NoError),
        _ => false,
    }
}

fn text(record: &RData) -> Option<String> {
    match record {
        RData::TXT(txt) => {
            let bytes: Vec<u8> = txt.txt_data.iter().flat_map(|part| part.iter().copied()).collect();
            Some(shown(&bytes))
        }
        _ => None,
    }
}

fn issuer(record: &RData) -> Option<String> {
    match record {
        RData::CAA(caa) if caa.tag.eq_ignore_ascii_case("issue") => Some(shown(&caa.value)),
        _ => None,
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(MAX_RECORD_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caa_excludes_everybody_it_does_not_name() {
        let caa = |issue: &[&str]| Caa { issue: issue.iter().map(|s| s.to_string()).collect(), at: None };
        for (issue, allowed) in [
            (&[][..], true),
            (&["letsencrypt.org"], true),
            (&["LetsEncrypt.org; accounturi=https://x"], true),
            (&["other.example", "letsencrypt.org"], true),
            (&["other.example"], false),
            (&[";"], false),
            (&["notletsencrypt.org"], false),
        ] {
            assert_eq!(caa(issue).allows("letsencrypt.org"), allowed, "{issue:?}");
        }
    }

    #[test]
    fn one_resolver_is_not_enough() {
        assert!(Dns::new(&["127.0.0.1:53".parse().unwrap()]).is_err());
    }
}
