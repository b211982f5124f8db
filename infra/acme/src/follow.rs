//! This process's memory follows the table: certificates are shown or not, challenges are answered.
//!
//! What would surprise you: after a start nobody is kept waiting for ten thousand names that nobody asks for. They come after a while, and
//! a page at a time, until somebody does ask for one that is not there yet. And changes are asked for again for a minute after they were
//! seen, because another process's clock may be behind and its commit late; and the whole is compared every ten minutes.

use edge::{Certificate, ChallengeAnswer, Challenges, Filling, Names};
use kernel::{Fault, HostName, Time};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use store::{Challenge, ChallengeKind, Db, Shown, ShownChange};
use tokio::time::{Instant, timeout};

const OVERLAP: Duration = Duration::from_secs(60);
const WHOLE: Duration = Duration::from_secs(600);
/// Names that are read at one time after a start ...
const PAGE: u64 = 50;
/// ... which begins so long after it, for whoever asks first asks for the site.
const AFTER_START: Duration = Duration::from_millis(200);

pub struct Follower {
    db: Db,
    names: Names,
    challenges: Challenges,
    unnamed: Option<HostName>,
    /// What was taken up, as of when.
    seen: HashMap<HostName, (Time, i64)>,
    newest: Time,
    whole_at: Option<Time>,
}

impl Follower {
    pub fn new(db: Db, names: Names, challenges: Challenges, unnamed: Option<HostName>) -> Follower {
        Follower { db, names, challenges, unnamed, seen: HashMap::new(), newest: Time::default(), whole_at: None }
    }

    /// One look at the table.
    pub async fn look(&mut self) -> Result<(), Fault> {
        let look = self.names.look();
        self.answer_challenges().await?;
        self.look_for_names().await?;
        self.names.looked(look);
        Ok(())
    }

    async fn look_for_names(&mut self) -> Result<(), Fault> {
        let now = self.db.clock().now();
        if self.whole_at.is_none_or(|at| now.since(at) >= WHOLE) {
            self.compare_all().await?;
            self.whole_at = Some(now);
            return Ok(());
        }
        let changed = self.db.certificates().changed_since(self.newest.minus(OVERLAP)).await?;
        self.take_up(changed).await
    }

    /// These names alone, before the doors open.
    pub async fn take_up_first(&mut self, names: &[HostName]) -> Result<(), Fault> {
        for name in names {
            self.show(name).await?;
        }
        Ok(())
    }

    /// Every name that has a certificate, after a start. Half of a processor is left to others until somebody waits.
    pub async fn fill(&mut self, filling: &Filling) -> Result<(), Fault> {
        let mut hurry = timeout(AFTER_START, filling.awaited()).await.is_ok();
        let (began, mut last) = (self.db.clock().now(), None);
        loop {
            let page = Instant::now();
            self.answer_challenges().await?;
            let some = self.db.certificates().shown_after(last.as_ref(), PAGE).await?;
            let Some((end, _)) = some.last() else { break };
            last = Some(end.name.clone());
            for (change, shown) in some {
                self.put(&change.name, shown.map(Some))?;
                self.took(change);
            }
            hurry = hurry || timeout(page.elapsed(), filling.awaited()).await.is_ok();
            tokio::task::yield_now().await;
        }
        self.whole_at = Some(began);
        Ok(())
    }

    async fn answer_challenges(&self) -> Result<(), Fault> {
        let look = self.challenges.look();
        let written = self.db.certificates().challenges().await?;
        self.challenges.set(written.into_iter().map(answer).collect(), look);
        Ok(())
    }

    async fn compare_all(&mut self) -> Result<(), Fault> {
        let all = self.db.certificates().all_shown().await?;
        let there: HashSet<&HostName> = all.iter().map(|change| &change.name).collect();
        let gone: Vec<HostName> = self.seen.keys().filter(|name| !there.contains(name)).cloned().collect();
        for name in gone {
            self.seen.remove(&name);
            self.names.remove(name.as_str());
        }
        self.take_up(all).await
    }

    async fn take_up(&mut self, changed: Vec<ShownChange>) -> Result<(), Fault> {
        for change in changed {
            if self.seen.get(&change.name) == Some(&(change.at, change.attempt)) {
                continue;
            }
            self.show(&change.name).await?;
            self.took(change);
        }
        Ok(())
    }

    fn took(&mut self, ShownChange { name, at, attempt }: ShownChange) {
        self.newest = self.newest.max(at);
        self.seen.insert(name, (at, attempt));
    }

    async fn show(&self, name: &HostName) -> Result<(), Fault> {
        let shown = self.db.certificates().shown(name).await;
        self.put(name, shown)
    }

    /// Shows what there is for `name`, or nothing. One that does not open is left as it is: it must not stand in the others' way.
    fn put(&self, name: &HostName, shown: Result<Option<Shown>, Fault>) -> Result<(), Fault> {
        let shown = match shown {
            Ok(shown) => shown,
            Err(fault) if fault.kind() == kernel::FaultKind::Sealed => {
                tracing::error!(%fault, %name, "a certificate cannot be used");
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        match shown.map(|shown| Certificate::from_pem(shown.chain.as_bytes(), &shown.key)) {
            None => self.names.remove(name.as_str()),
            Some(Ok(certificate)) => self.names.put(&certificate, self.unnamed.as_ref() == Some(name)),
            Some(Err(bad)) => tracing::error!(%bad, %name, "a certificate cannot be used"),
        }
        Ok(())
    }
}

fn answer(written: Challenge) -> edge::Challenge {
    let answer = match written.kind {
        ChallengeKind::Http01 => ChallengeAnswer::Http { token: written.token, text: written.answer },
        ChallengeKind::TlsAlpn01 => ChallengeAnswer::TlsAlpn { digest: keys::sha256(&[written.answer.as_bytes()]) },
    };
    edge::Challenge { name: written.name.to_string(), answer }
}
