//! News between processes that share a PostgreSQL: NOTIFY what was committed here, hear what was committed elsewhere.

use super::{Pool, pool::lend};
use crate::{
    Change,
    herald::{Herald, News},
};
use deadpool::managed::Object;
use kernel::{Chance, Fault, MessageId, TenantId};
use sqlx::postgres::{PgListener, PgPool};
use std::time::Duration;
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

const CHANNEL: &str = "countersign";
/// News that wait to be sent; more are dropped.
const BACKLOG: usize = 4096;
/// News of this long go out together.
const GATHER: Duration = Duration::from_millis(20);
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// The two tasks; they end with the store.
pub(super) struct Abroad {
    tasks: [JoinHandle<()>; 2],
}

impl Abroad {
    /// Hears over `listening`, which the listener keeps to itself, and speaks over `pool`.
    pub async fn start(listening: &PgPool, pool: Pool, chance: &Chance) -> Result<(Abroad, Herald), Fault> {
        let mut listener = PgListener::connect_with(listening).await.map_err(|e| crate::fault::of_pg("listening", e))?;
        listener.listen(CHANNEL).await.map_err(|e| crate::fault::of_pg("listening", e))?;
        let us = hex::encode(chance.bytes::<8>());
        let (sender, news) = mpsc::channel(BACKLOG);
        let herald = Herald::new(Some(sender));
        let tasks = [tokio::spawn(speak(pool, us.clone(), news)), tokio::spawn(listen(listener, us, herald.clone()))];
        Ok((Abroad { tasks }, herald))
    }
    pub fn stop(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Drop for Abroad {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn speak(pool: Pool, us: String, mut news: mpsc::Receiver<News>) {
    while let Some(mut gathered) = news.recv().await {
        tokio::time::sleep(GATHER).await;
        while let Ok(more) = news.try_recv() {
            gathered.add(more);
        }
        let lines = write(&us, &gathered);
        if let Err(fault) = say(&pool, lines).await {
            tracing::warn!(%fault, "other processes were not told of changes; they will look by themselves");
        }
    }
}

async fn say(pool: &Pool, lines: Vec<String>) -> Result<(), Fault> {
    let mut lent = lend(pool).await?;
    let notify = sqlx::query("SELECT pg_notify($1, line) FROM unnest($2::text[]) AS line").bind(CHANNEL).bind(lines);
    match notify.execute(&mut *lent).await {
        Ok(_) => Ok(()),
        Err(error) => {
            drop(Object::take(lent));
            Err(crate::fault::of_pg("telling other processes", error))
        }
    }
}

async fn listen(mut listener: PgListener, us: String, herald: Herald) {
    loop {
        match listener.recv().await {
            Ok(heard) => {
                if let Some(news) = read(&us, heard.payload()) {
                    herald.tell_here(&news);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "changes of other processes are not heard at the moment");
                // Whatever was missed: forget credentials, look for jobs.
                herald.tell_here(&News { jobs: true, credentials: true, ..News::default() });
                tokio::time::sleep(AFTER_TROUBLE).await;
            }
        }
    }
}

/// One line a piece of news, each beginning with who speaks.
fn write(us: &str, news: &News) -> Vec<String> {
    let mut lines: Vec<String> = news.changes.iter().map(|c| format!("{us} change {} {}", c.tenant.0, c.message.0)).collect();
    if news.jobs {
        lines.push(format!("{us} jobs"));
    }
    if news.credentials {
        lines.push(format!("{us} credentials"));
    }
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// `None`: our own voice, or nothing we understand.
fn read(us: &str, line: &str) -> Option<News> {
    let mut words = line.split(' ');
    let from = words.next()?;
    let mut news = News::default();
    match words.next()? {
        "jobs" => news.jobs = true,
        "credentials" => news.credentials = true,
        "change" => {
            let tenant = TenantId(Uuid::parse_str(words.next()?).ok()?);
            let message = MessageId(Uuid::parse_str(words.next()?).ok()?);
            news.changes.push(Change { tenant, message });
        }
        _ => return None,
    }
    (from != us).then_some(news)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_unless_it_is_our_own() {
        let change = Change { tenant: TenantId(Uuid::from_u128(1)), message: MessageId(Uuid::from_u128(2)) };
        let lines = write("us", &News { changes: vec![change, change], jobs: true, credentials: false });
        assert_eq!(lines.len(), 2);
        assert_eq!(read("them", &lines[0]).map(|n| n.changes), Some(vec![change]));
        assert_eq!(read("them", &lines[1]).map(|n| n.jobs), Some(true));
        assert!(read("us", &lines[0]).is_none());
        assert!(read("them", "somebody shouts").is_none());
    }
}
