//! Who hears of a commit: listeners to changes, workers that wait for jobs, and the front desk's cache, which forgets.
//!
//! On PostgreSQL the news also goes to other processes by NOTIFY, a moment after the commit and in a transaction of its own: a
//! NOTIFY inside the act would make every commit wait for the one before it (PostgreSQL holds one lock over them).

use crate::Change;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};
use tokio::sync::{Notify, broadcast, mpsc};

/// Changes kept for a listener that is slow; it misses older ones.
const BACKLOG: usize = 1024;

/// What an act gives to hear.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    pub changes: Vec<Change>,
    pub jobs: bool,
    /// A session, key, member or tenant was changed: nothing the front desk remembers holds any more.
    pub credentials: bool,
}

/// Cheap to clone; clones tell the same listeners.
#[derive(Clone)]
pub(crate) struct Herald {
    changes: broadcast::Sender<Change>,
    jobs: Arc<Notify>,
    credentials: Arc<AtomicU64>,
    abroad: Option<mpsc::Sender<News>>,
}

impl News {
    pub fn add(&mut self, mut other: News) {
        self.changes.append(&mut other.changes);
        self.jobs |= other.jobs;
        self.credentials |= other.credentials;
    }
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && !self.jobs && !self.credentials
    }
}

impl Herald {
    /// `abroad`: where news for other processes goes.
    pub fn new(abroad: Option<mpsc::Sender<News>>) -> Herald {
        Herald { changes: broadcast::channel(BACKLOG).0, jobs: Arc::new(Notify::new()), credentials: Arc::new(AtomicU64::new(0)), abroad }
    }

    pub fn tell(&self, news: News) {
        if news.is_empty() {
            return;
        }
        self.tell_here(&news);
        if let Some(abroad) = &self.abroad {
            // Lossy: the others look by themselves from time to time.
            let _ = abroad.try_send(news);
        }
    }

    pub fn tell_here(&self, news: &News) {
        if news.credentials {
            self.credentials.fetch_add(1, SeqCst);
        }
        for change in &news.changes {
            // Fails when nobody listens.
            let _ = self.changes.send(*change);
        }
        if news.jobs {
            self.jobs.notify_one();
        }
    }

    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }
    /// Ends when there may be jobs; news before the call is kept for one listener.
    pub fn jobs(&self) -> impl Future<Output = ()> + Send + use<> {
        let jobs = self.jobs.clone();
        async move { jobs.notified().await }
    }
    /// Goes up whenever remembered credentials must be forgotten.
    pub fn credentials(&self) -> u64 {
        self.credentials.load(SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_job_told_before_anybody_waits_is_not_lost() {
        let herald = Herald::new(None);
        herald.tell(News { jobs: true, ..News::default() });
        tokio::time::timeout(Duration::from_secs(1), herald.jobs()).await.unwrap();
        let quiet = tokio::time::timeout(Duration::from_millis(20), herald.jobs()).await;
        assert!(quiet.is_err());
    }
}
