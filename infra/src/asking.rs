//! Hosts that ask for client certificates: this process's memory follows the table, and our own CA certifies them where it is the source.
//!
//! What would surprise you: with certificates from files nothing is certified here; the operator's own must then cover `*.<the site's host>`.

use edge::{Hints, LocalCa, Names};
use kernel::{Fault, HostName, Time};
use std::{collections::HashMap, time::Duration};
use store::{Asking, Db};
use tokio_util::sync::CancellationToken;

const LOOK: Duration = Duration::from_secs(1);
/// Another process's clock may be behind, and its commit late.
const OVERLAP: Duration = Duration::from_secs(60);
/// A certificate of our own CA is made again when this much of its life is left.
const RENEW_DAYS: i64 = 20;

pub struct Follower {
    db: Db,
    names: Names,
    ca: Option<LocalCa>,
    newest: Time,
    /// What was taken up, as of when, and the end of what our own CA made for it.
    seen: HashMap<HostName, (Time, Option<Time>)>,
}

impl Follower {
    pub fn new(db: Db, names: Names, ca: Option<LocalCa>) -> Follower {
        Follower { db, names, ca, newest: Time::default(), seen: HashMap::new() }
    }

    /// Looks once a second until `stop`.
    pub async fn follow(mut self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            if let Err(fault) = self.look().await {
                tracing::warn!(%fault, "which hosts ask for certificates could not be read");
            }
        }
    }

    /// One look at the table.
    pub async fn look(&mut self) -> Result<(), Fault> {
        for asking in self.db.certificates().asking_since(self.newest.minus(OVERLAP)).await? {
            self.newest = self.newest.max(asking.at);
            if self.seen.get(&asking.name).is_none_or(|(at, _)| *at != asking.at) {
                let until = self.take_up(&asking)?;
                self.seen.insert(asking.name, (asking.at, until));
            }
        }
        self.renew()
    }

    fn take_up(&self, asking: &Asking) -> Result<Option<Time>, Fault> {
        let name = asking.name.as_str();
        if asking.roots.is_empty() {
            if self.ca.is_some() {
                self.names.remove(name);
            }
            self.names.ask(name, None);
            return Ok(None);
        }
        // Asking first: the host is never shown without it.
        self.names.ask(name, Some(Hints::parse(&asking.roots)?));
        self.certify(&asking.name)
    }

    fn renew(&mut self) -> Result<(), Fault> {
        let soon = self.db.clock().now().plus_days(RENEW_DAYS);
        let due: Vec<HostName> =
            self.seen.iter().filter(|(_, (_, until))| until.is_some_and(|until| until < soon)).map(|(name, _)| name.clone()).collect();
        for name in due {
            let until = self.certify(&name)?;
            self.seen.entry(name).and_modify(|seen| seen.1 = until);
        }
        Ok(())
    }

    /// `None`: somebody else certifies.
    fn certify(&self, name: &HostName) -> Result<Option<Time>, Fault> {
        let Some(ca) = &self.ca else { return Ok(None) };
        let certificate = ca.issue(&[name.to_string()])?;
        self.names.put(&certificate, false);
        Ok(Some(certificate.not_after))
    }
}
