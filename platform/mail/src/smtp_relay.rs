//! Letters to the relay, over few connections that are kept while there is mail.

use crate::{
    Dkim, Letter, Outcome, Pause, SmtpConfig, Tally,
    smtp_connect::Connector,
    smtp_hand_over::{Ended, Patience, hand_over},
};
use kernel::{Fault, FaultKind};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

/// A kept connection that nobody used for so long is closed; servers close theirs after 5 minutes (RFC 5321 §4.5.3.2.7) or sooner.
const MAX_IDLE: Duration = Duration::from_secs(20);
/// Letters over one connection; relays dislike more.
const MAX_LETTERS: u32 = 100;
/// Waiting for a kept connection to show that it lives, and for a goodbye.
const BRIEF: Duration = Duration::from_secs(5);

/// The relay, its connections and our signature.
pub struct SmtpRelay {
    connector: Connector,
    dkim: Option<Dkim>,
    last_answer: Duration,
    places: Semaphore,
    shelf: Arc<Mutex<Shelf>>,
    pub(crate) tally: Tally,
}

/// Connections between letters, and whether someone already watches for idle ones.
#[derive(Default)]
struct Shelf {
    kept: Vec<Kept>,
    watched: bool,
}

struct Kept {
    connection: AsyncSmtpConnection,
    since: Instant,
    letters: u32,
}

impl SmtpRelay {
    /// Checks the configuration and reads its files; connects to nothing yet.
    pub fn new(config: &SmtpConfig) -> Result<SmtpRelay, Fault> {
        let dkim = config.dkim.as_ref().map(|dkim| {
            let pem = std::fs::read_to_string(&dkim.key_file)
                .map_err(|e| Fault::from_error(FaultKind::Other, format!("DKIM: {}", dkim.key_file.display()), e))?;
            Dkim::new(&dkim.domain, &dkim.selector, &pem)
        });
        Ok(SmtpRelay {
            connector: Connector::new(config)?,
            dkim: dkim.transpose()?,
            last_answer: Duration::from_secs(config.final_timeout_secs.clamp(1, 3600)),
            places: Semaphore::new(config.pool.clamp(1, 100)),
            shelf: Arc::default(),
            tally: Tally::default(),
        })
    }

    /// One try. A kept connection that turns out dead before DATA is replaced once; nothing else is repeated here.
    pub async fn deliver(&self, letter: &Letter) -> Outcome {
        let _place = self.places.acquire().await.expect("never closed");
        let bytes = letter.to_bytes(self.dkim.as_ref());
        if let Some(kept) = self.take().await {
            match self.over(kept, letter, &bytes).await {
                Ended::Settled { outcome, .. } if !is_goodbye(&outcome) => return outcome,
                _ => tracing::debug!("a kept connection to the mail relay was stale"),
            }
        }
        let connection = match self.connector.open().await {
            Ok(connection) => connection,
            Err(pause) => return Outcome::TryLater(pause),
        };
        match self.over(Kept { connection, since: Instant::now(), letters: 0 }, letter, &bytes).await {
            Ended::Settled { outcome, .. } => outcome,
            Ended::Dead(what) => Outcome::TryLater(Pause::NoAnswer(what)),
        }
    }

    /// Connects, signs in and takes leave; for the operator.
    pub async fn check(&self) -> Result<String, String> {
        let mut connection = self.connector.open().await.map_err(|pause| pause.to_string())?;
        let server = connection.server_info().name().to_owned();
        let alive = self.connector.timed("answer NOOP", connection.test_connected()).await.map_err(|pause| pause.to_string())?;
        goodbye(connection).await;
        if alive {
            Ok(format!("{server} takes our mail ({})", self.connector.describe()))
        } else {
            Err(format!("{server} hung up at NOOP"))
        }
    }

    async fn over(&self, mut kept: Kept, letter: &Letter, bytes: &[u8]) -> Ended {
        let patience = Patience { each: self.connector.timeout(), last: self.last_answer };
        let ended = hand_over(&mut kept.connection, letter, bytes, self.connector.host(), patience).await;
        if let Ended::Settled { keep: true, .. } = ended {
            kept.letters += 1;
            self.keep(kept);
        }
        ended
    }

    /// A kept connection that has just answered RSET: it lives, and nothing of an earlier letter is left on it.
    async fn take(&self) -> Option<Kept> {
        loop {
            let mut kept = lock(&self.shelf).kept.pop()?;
            let fresh = kept.since.elapsed() < MAX_IDLE;
            if fresh && timeout(BRIEF, kept.connection.command("RSET\r\n")).await.is_ok_and(|answer| answer.is_ok()) {
                return Some(kept);
            }
        }
    }

    fn keep(&self, mut kept: Kept) {
        if kept.letters >= MAX_LETTERS {
            tokio::spawn(goodbye(kept.connection));
            return;
        }
        kept.since = Instant::now();
        let mut shelf = lock(&self.shelf);
        shelf.kept.push(kept);
        if !shelf.watched {
            shelf.watched = true;
            tokio::spawn(close_idle(Arc::downgrade(&self.shelf)));
        }
    }
}

/// Only a 421: the server says that it hangs up, which is not about the letter when the connection was a kept one.
fn is_goodbye(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::TryLater(Pause::Answered(answer)) if answer.code == 421)
}

/// Runs while connections are kept, and says goodbye to those that were idle too long.
async fn close_idle(shelf: Weak<Mutex<Shelf>>) {
    loop {
        tokio::time::sleep(MAX_IDLE).await;
        let Some(shelf) = shelf.upgrade() else { return };
        let (idle, done) = {
            let mut shelf = lock(&shelf);
            let idle: Vec<Kept> = shelf.kept.extract_if(.., |k| k.since.elapsed() >= MAX_IDLE).collect();
            shelf.watched = !shelf.kept.is_empty();
            (idle, !shelf.watched)
        };
        for old in idle {
            goodbye(old.connection).await;
        }
        if done {
            return;
        }
    }
}

async fn goodbye(mut connection: AsyncSmtpConnection) {
    // Politeness only: whether it is heard changes nothing.
    let _ = timeout(BRIEF, connection.abort()).await;
}

fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for SmtpRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpRelay({})", self.connector.describe())
    }
}
