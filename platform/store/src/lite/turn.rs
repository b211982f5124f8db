//! One act's turn at the writer.
//!
//! What would surprise you: after a statement failed the act can only fail, whatever the room makes of the error. PostgreSQL is
//! like that, and a room must not learn the difference from its customers.

use super::writer::{GROUP, Outcome, Session, Writer};
use crate::{entity::TenantOwned, fault, herald::News};
use kernel::{Fault, FaultKind};
use sea_orm::{QueryResult, Statement};
use std::sync::{Arc, OnceLock};
use tokio::sync::{OwnedMutexGuard, watch};

/// The seat, taken for one act. Dropping it (a cancelled or panicking act) undoes the act.
pub(crate) struct Turn {
    writer: Arc<Writer>,
    session: OwnedMutexGuard<Session>,
    /// The first statement that failed. A full disk or an input or output error may have rolled back the whole transaction; another
    /// statement would then commit at once.
    failed: OnceLock<Fault>,
    over: bool,
}

impl Turn {
    pub(super) async fn begin(writer: Arc<Writer>, session: OwnedMutexGuard<Session>) -> Result<Turn, Fault> {
        let mut turn = Turn { writer, session, failed: OnceLock::new(), over: false };
        turn.session.begin().await?;
        Ok(turn)
    }

    /// Rows changed.
    pub fn run(&self, statement: &Statement) -> Result<u64, Fault> {
        self.check()?;
        self.noting(self.session.connection.run(statement))
    }
    pub fn rows(&self, statement: &Statement, most: usize) -> Result<Vec<QueryResult>, Fault> {
        self.check()?;
        self.noting(self.session.connection.rows(statement, most))
    }
    pub fn models<E: TenantOwned>(&self, statement: &Statement, most: usize) -> Result<Vec<E::Model>, Fault> {
        self.check()?;
        self.noting(self.session.connection.models::<E>(statement, most))
    }

    /// Keeps the act; ends after the durable commit that it shares. `FaultKind::Retry`: it was rolled back and is to be run again.
    pub async fn keep(mut self, news: News) -> Result<(), Fault> {
        self.check()?;
        let last = self.session.kept + 1 >= GROUP || self.writer.waiting() == 0;
        if self.session.savepoint && !last {
            // COMMIT would release it as well.
            self.session.connection.say("RELEASE act").map_err(|e| fault::of_lite("ending an act", e))?;
        }
        self.session.kept += 1;
        self.session.news.add(news);
        self.over = true;
        let outcome = self.session.group.subscribe();
        self.leave(last);
        settled(outcome).await
    }

    /// Undoes the act; ends when the acts before it, whose rows it may have seen, are durable. `FaultKind::Retry` as above.
    pub async fn undo(mut self) -> Result<(), Fault> {
        self.over = true;
        let outcome = (self.session.kept > 0).then(|| self.session.group.subscribe());
        self.session.undo(self.failed.get());
        let last = self.session.open && self.writer.waiting() == 0;
        self.leave(last);
        match outcome {
            Some(outcome) => settled(outcome).await,
            None => Ok(()),
        }
    }

    pub(super) fn commit(&mut self) {
        self.session.commit(&self.writer);
    }

    /// Leaves the seat to the next one, or to the commit.
    fn leave(self, commit: bool) {
        if commit {
            self.writer.clone().commit_with(self);
        }
    }

    fn check(&self) -> Result<(), Fault> {
        self.failed.get().cloned().map_or(Ok(()), Err)
    }

    fn noting<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result {
            self.failed.get_or_init(|| fault.clone());
        }
        result
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        self.session.undo(self.failed.get());
        if self.session.open {
            self.writer.commit_soon();
        }
    }
}

async fn settled(mut outcome: watch::Receiver<Outcome>) -> Result<(), Fault> {
    let gone = |_| Fault::new(FaultKind::Unavailable, "the database closed before the commit");
    let settled = outcome.wait_for(Option::is_some).await.map_err(gone)?;
    settled.clone().expect("waited for")
}
