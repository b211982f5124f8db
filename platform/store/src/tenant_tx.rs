//! What an act can do beyond looking: insert, change, delete, and leave work for later. All of it or nothing.

use crate::{
    Change, ClaimedJob,
    connection::Connection,
    entity::{TenantOwned, job},
    herald::News,
    jobs,
    look::TenantRead,
    statements::Update,
};
use kernel::{Fault, JobId, MessageId, Time};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityName, EntityTrait, Iterable, QueryFilter, QueryTrait, Set,
    sea_query::{IntoCondition, Value},
};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values in one statement: SQLite takes 32,766 and PostgreSQL 65,535.
const MAX_BOUND_VALUES: usize = 30_000;
/// Tables whose change ends what the front desk remembers.
const CREDENTIALS: [&str; 4] = ["session", "api_key", "member", "tenant"];

/// One tenant's rows inside an act.
pub struct TenantTx {
    read: TenantRead,
    news: Mutex<News>,
}

/// Work for later; written in the act that causes it. `payload` holds ids only, as JSON.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub kind: &'static str,
    pub payload: String,
    pub run_at: Time,
}

impl std::ops::Deref for TenantTx {
    type Target = TenantRead;
    fn deref(&self) -> &TenantRead {
        &self.read
    }
}

impl TenantTx {
    pub(crate) fn new(read: TenantRead) -> TenantTx {
        TenantTx { read, news: Mutex::default() }
    }
    /// The connection, to be kept or undone, and what to tell after the commit.
    pub(crate) fn into_parts(self) -> (Connection, News) {
        (self.read.connection, self.news.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes rows of this tenant: `set`, `filter`, then `exec`.
    pub fn update<E: TenantOwned>(&self) -> Update<'_, E> {
        self.note_credentials::<E>();
        Update::new(&self.read)
    }
    /// Deletes rows of this tenant that meet `condition`; answers how many.
    pub async fn delete<E: TenantOwned>(&self, condition: impl IntoCondition) -> Result<u64, Fault> {
        self.note_credentials::<E>();
        let delete = E::delete_many().filter(E::TENANT.eq(self.tenant().0)).filter(condition.into_condition());
        let statement = delete.build(self.read.connection.backend());
        self.read.connection.run(statement).await
    }
    /// Inserts one row, stamped with the tenant.
    pub async fn insert<A>(&self, mut row: A) -> Result<(), Fault>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantOwned,
    {
        self.stamp(&mut row);
        let statement = A::Entity::insert(row).build(self.read.connection.backend());
        self.read.connection.run(statement).await.map(|_| ())
    }
    /// Inserts rows, stamped with the tenant, in as few statements as the bound on values allows.
    pub async fn insert_many<A>(&self, rows: impl IntoIterator<Item = A>) -> Result<(), Fault>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantOwned,
    {
        let mut rows: Vec<A> = rows.into_iter().collect();
        rows.iter_mut().for_each(|row| self.stamp(row));
        let columns = <A::Entity as EntityTrait>::Column::iter().count();
        let at_a_time = MAX_BOUND_VALUES / columns;
        let mut rest = rows.into_iter().peekable();
        while rest.peek().is_some() {
            let statement = A::Entity::insert_many(rest.by_ref().take(at_a_time)).build(self.read.connection.backend());
            self.read.connection.run(statement).await?;
        }
        Ok(())
    }
    /// Leaves a job; the worker is woken after the commit.
    pub async fn later(&self, job: NewJob) -> Result<(), Fault> {
        self.later_in("queued", job).await
    }
    /// Leaves a job that waits until somebody sets its state to `queued`, whatever the time.
    pub async fn hold(&self, job: NewJob) -> Result<(), Fault> {
        self.later_in("held", job).await
    }
    /// Tells listeners after the commit that something about this message is new.
    pub fn changed(&self, message: MessageId) {
        let change = Change { tenant: self.tenant(), message };
        let mut news = self.news();
        if !news.changes.contains(&change) {
            news.changes.push(change);
        }
    }
    /// Ends the claimed job within this act. `false`: a later attempt has it now, so this act should change nothing.
    pub async fn job_done(&self, job: &ClaimedJob) -> Result<bool, Fault> {
        if job.tenant != self.tenant() {
            return Ok(false);
        }
        self.delete::<job::Entity>(jobs::in_hand(job)).await.map(|n| n == 1)
    }

    async fn later_in(&self, state: &str, new: NewJob) -> Result<(), Fault> {
        self.news().jobs = true;
        self.insert(job::ActiveModel {
            id: Set(JobId::new(self.now(), self.chance()).0),
            kind: Set(new.kind.to_owned()),
            payload: Set(new.payload),
            state: Set(state.to_owned()),
            run_at: Set(new.run_at.0),
            attempts: Set(0),
            lease_until: Set(None),
            last_error: Set(None),
            created_at: Set(self.now().0),
            ..Default::default()
        })
        .await
    }

    fn stamp<A>(&self, row: &mut A)
    where
        A: ActiveModelTrait,
        A::Entity: TenantOwned,
    {
        row.set(<A::Entity as TenantOwned>::TENANT, Value::from(self.tenant().0));
    }
    fn note_credentials<E: TenantOwned>(&self) {
        let table = E::default();
        if CREDENTIALS.contains(&table.table_name()) {
            self.news().credentials = true;
        }
        if table.table_name() == "job" {
            // Held jobs may have been queued.
            self.news().jobs = true;
        }
    }
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
