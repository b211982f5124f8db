//! The writer: one connection, and acts of many callers that share durable commits.
//!
//! Whoever gets the seat begins a transaction if none is open, runs its act and, if others wait, leaves the transaction open for
//! them; the last one, or the 64th, commits. Everybody is answered after that commit, refusals too: what they saw may have been
//! somebody's uncommitted row. A failed commit fails everybody who shared it.
//!
//! An act that is refused has rarely written anything, so none begins with a savepoint, which would copy every page it writes to
//! (a tenth of a send). One that fails after it wrote rolls back all; whoever shared the transaction is told to run its act again, as
//! PostgreSQL tells after a serialization failure. The next transactions then do have savepoints, so that nobody who makes acts fail on
//! purpose has others run more than one act again for each commit.

use super::{connection::LiteConnection, turn::Turn};
use crate::{
    fault,
    herald::{Herald, News},
};
use kernel::{Fault, FaultKind};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard, watch},
    time::Instant,
};

/// Acts that share a commit at most.
pub(super) const GROUP: u64 = 64;
/// How long an act waits for the writer, and the writer for another process, before they give up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Commits after a rollback that hit others during which every act has a savepoint.
const CAREFUL: u64 = GROUP;
/// Pause between two tries to lock a file that another process writes to.
const PAUSE: Duration = Duration::from_millis(2);

pub(super) type Outcome = Option<Result<(), Fault>>;

pub(crate) struct Writer {
    seat: Arc<Mutex<Session>>,
    waiting: AtomicU64,
    commits: AtomicU64,
    acts: AtomicU64,
    herald: Herald,
    runtime: Handle,
}

/// What whoever has the seat works with.
pub(super) struct Session {
    pub connection: LiteConnection,
    /// A transaction is open.
    pub open: bool,
    closed: bool,
    /// Acts kept in the open transaction.
    pub kept: u64,
    /// The running act has a savepoint.
    pub savepoint: bool,
    /// Rows that the connection had changed when the running act began.
    changed: u64,
    /// Commits left until acts do without savepoints again.
    careful: u64,
    pub news: News,
    pub group: watch::Sender<Outcome>,
}

/// Counts one act that waits. If it leaves without its turn, somebody must commit what was left open for it.
struct Ticket<'w> {
    writer: &'w Arc<Writer>,
    served: bool,
}

impl Writer {
    pub fn new(connection: LiteConnection, herald: Herald) -> Result<Arc<Writer>, Fault> {
        connection.do_not_wait()?;
        let session = Session {
            connection,
            open: false,
            closed: false,
            kept: 0,
            savepoint: false,
            changed: 0,
            careful: 0,
            news: News::default(),
            group: watch::channel(None).0,
        };
        Ok(Arc::new(Writer {
            seat: Arc::new(Mutex::new(session)),
            waiting: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            acts: AtomicU64::new(0),
            herald,
            runtime: Handle::current(),
        }))
    }

    /// Waits for the seat and begins an act.
    pub async fn turn(self: &Arc<Self>) -> Result<Turn, Fault> {
        let busy = |_| Fault::new(FaultKind::Unavailable, "the database was busy for too long");
        let session = tokio::time::timeout(PATIENCE, self.seat()).await.map_err(busy)?;
        Turn::begin(self.clone(), session).await
    }

    /// Runs on a blocking thread: not its caller's to cancel any more.
    pub(super) fn commit_with(&self, mut turn: Turn) {
        self.runtime.spawn_blocking(move || turn.commit());
    }
    pub fn waiting(&self) -> u64 {
        self.waiting.load(SeqCst)
    }
    pub fn commits(&self) -> u64 {
        self.commits.load(SeqCst)
    }
    pub fn acts(&self) -> u64 {
        self.acts.load(SeqCst)
    }

    /// Commits what is open and refuses further acts.
    pub async fn close(self: &Arc<Self>) {
        let mut session = self.seat().await;
        session.closed = true;
        self.empty_log_of(session).await;
    }

    /// Copies the log back and cuts it off, with all that it says of content that was destroyed since.
    pub async fn empty_log(self: &Arc<Self>) {
        let session = self.seat().await;
        self.empty_log_of(session).await;
    }

    async fn empty_log_of(self: &Arc<Self>, mut session: OwnedMutexGuard<Session>) {
        let writer = self.clone();
        let emptying = move || {
            session.commit_if_open(&writer);
            // What cannot be copied back now, because somebody reads it, is copied back by a later commit or at the next start.
            let _ = session.connection.batch("PRAGMA wal_checkpoint(TRUNCATE)");
        };
        let _ = tokio::task::spawn_blocking(emptying).await;
    }

    async fn seat(self: &Arc<Self>) -> OwnedMutexGuard<Session> {
        self.waiting.fetch_add(1, SeqCst);
        let mut ticket = Ticket { writer: self, served: false };
        let session = self.seat.clone().lock_owned().await;
        ticket.served = true;
        session
    }

    /// Commits what is open once the seat is free: nobody else may be left to do it.
    pub(super) fn commit_soon(self: &Arc<Self>) {
        let writer = self.clone();
        self.runtime.spawn(async move {
            let mut session = writer.seat().await;
            tokio::task::spawn_blocking(move || session.commit_if_open(&writer));
        });
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.writer.waiting.fetch_sub(1, SeqCst);
        if !self.served {
            self.writer.commit_soon();
        }
    }
}

impl Session {
    pub async fn begin(&mut self) -> Result<(), Fault> {
        if self.closed {
            return Err(Fault::new(FaultKind::Unavailable, "the database is closed"));
        }
        if self.open {
            self.changed = self.connection.changed();
            self.savepoint = self.careful > 0;
            if self.savepoint {
                self.connection.say("SAVEPOINT act").map_err(|e| fault::of_lite("beginning an act", e))?;
            }
            return Ok(());
        }
        let until = Instant::now() + PATIENCE;
        loop {
            match self.connection.say("BEGIN IMMEDIATE").map_err(|e| fault::of_lite("beginning a transaction", e)) {
                Ok(()) => break,
                Err(f) if f.kind() == FaultKind::Retry && Instant::now() < until => tokio::time::sleep(PAUSE).await,
                Err(f) if f.kind() == FaultKind::Retry => {
                    return Err(Fault::from_error(FaultKind::Unavailable, "the database was locked for too long", f));
                }
                Err(f) => return Err(f),
            }
        }
        self.open = true;
        Ok(())
    }

    /// Undoes the running act. Alone, if it wrote nothing or has a savepoint; otherwise with all that shares its transaction, which is
    /// told to begin again. If SQLite rolled everything back by itself (`cause`), everybody is told why.
    pub fn undo(&mut self, cause: Option<&Fault>) {
        if !self.open {
            return;
        }
        if self.kept > 0 && !self.connection.is_autocommit() {
            if self.is_undone_alone() {
                return;
            }
            if !self.savepoint {
                self.careful = CAREFUL;
                return self.give_up(Fault::new(FaultKind::Retry, "another act failed in the transaction that this one shared"));
            }
        }
        self.give_up(cause.cloned().unwrap_or_else(|| Fault::other("the transaction that acts shared was rolled back")));
    }

    fn is_undone_alone(&self) -> bool {
        if !self.savepoint {
            return self.connection.changed() == self.changed;
        }
        self.connection.say("ROLLBACK TO act").and_then(|()| self.connection.say("RELEASE act")).is_ok()
    }

    fn give_up(&mut self, fault: Fault) {
        // Fails when SQLite rolled back by itself, which is as good.
        let _ = self.connection.say("ROLLBACK");
        self.answer(Err(fault));
    }

    fn commit_if_open(&mut self, writer: &Writer) {
        if self.open {
            self.commit(writer);
        }
    }

    pub fn commit(&mut self, writer: &Writer) {
        match self.connection.say("COMMIT") {
            Ok(()) => {
                writer.commits.fetch_add(1, SeqCst);
                writer.acts.fetch_add(self.kept, SeqCst);
                self.careful = self.careful.saturating_sub(1);
                writer.herald.tell(std::mem::take(&mut self.news));
                self.answer(Ok(()));
            }
            Err(e) if fault::is_failed_sync(&e) => fault::failed_sync(&e),
            Err(e) => self.give_up(fault::of_lite("committing", e)),
        }
    }

    /// Ends the transaction for everybody who shared it.
    fn answer(&mut self, outcome: Result<(), Fault>) {
        self.open = false;
        self.kept = 0;
        self.savepoint = false;
        self.news = News::default();
        std::mem::replace(&mut self.group, watch::channel(None).0).send_replace(Some(outcome));
    }
}
