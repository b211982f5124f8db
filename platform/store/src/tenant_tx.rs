//! What an act can do beyond looking: insert, change, delete, and leave work for later. All of it or nothing.

use crate::{
    Change, ClaimedJob, by_key,
    connection::Connection,
    entity::{TenantOwned, job},
    herald::News,
    inserts, jobs,
    look::TenantRead,
    statements::Update,
};
use kernel::{Fault, JobId, MessageId, Time};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, Iterable, QueryFilter, QueryTrait, Set, Statement,
    sea_query::{IntoCondition, Value},
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

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
    /// Not to be claimed until `TenantTx::release_held`.
    pub held: bool,
    /// Somebody waits for it at a page: goes before the tenant's other jobs.
    pub urgent: bool,
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

    /// The row of this tenant with this id, which is this act's until it ends (PostgreSQL; on SQLite an act is alone anyway).
    pub async fn hold<E: TenantOwned>(&self, id: Uuid) -> Result<Option<E::Model>, Fault> {
        by_key::row::<E>(&self.read.connection, self.tenant(), Some(id), true).await
    }
    /// The same of a table that has one row for each tenant.
    pub async fn hold_own<E: TenantOwned>(&self) -> Result<Option<E::Model>, Fault> {
        by_key::row::<E>(&self.read.connection, self.tenant(), None, true).await
    }
    /// Changes rows of this tenant: `set`, `filter`, then `exec`.
    pub fn update<E: TenantOwned>(&self) -> Update<'_, E> {
        self.note::<E>(true);
        Update::new(&self.read)
    }
    /// Deletes rows of this tenant that meet `condition`; answers how many.
    pub async fn delete<E: TenantOwned>(&self, condition: impl IntoCondition) -> Result<u64, Fault> {
        self.note::<E>(true);
        let delete = E::delete_many().filter(E::TENANT.eq(self.tenant().0)).filter(condition.into_condition());
        let statement = delete.build(self.read.connection.backend());
        self.read.connection.run(statement).await
    }
    /// Inserts one row, stamped with the tenant.
    pub async fn insert<A>(&self, row: A) -> Result<(), Fault>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantOwned,
    {
        self.insert_many([row]).await
    }
    /// Inserts rows, stamped with the tenant, in as few statements as the bound on values allows.
    pub async fn insert_many<A>(&self, rows: impl IntoIterator<Item = A>) -> Result<(), Fault>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantOwned,
    {
        for insert in self.inserts(rows) {
            self.read.connection.run(insert).await?;
        }
        Ok(())
    }
    /// As `insert_many`, for rows of which nothing is asked at once. PostgreSQL gets them together with the act's next statement (or
    /// before the commit), which saves a round trip; what is wrong with them shows there.
    pub async fn insert_along<A>(&self, rows: impl IntoIterator<Item = A>) -> Result<(), Fault>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantOwned,
    {
        let table = <A::Entity as TenantOwned>::NAME;
        for insert in self.inserts(rows) {
            self.read.connection.run_along(table, insert).await?;
        }
        Ok(())
    }
    /// Leaves a job; the worker is woken after the commit.
    pub async fn later(&self, job: NewJob) -> Result<(), Fault> {
        self.insert_along([self.job_row(job)]).await
    }
    /// Leaves several jobs in one statement.
    pub async fn later_many(&self, jobs: Vec<NewJob>) -> Result<(), Fault> {
        self.insert_along(jobs.into_iter().map(|job| self.job_row(job))).await
    }
    /// This tenant's held jobs may run from now on; answers how many there were.
    pub async fn release_held(&self) -> Result<u64, Fault> {
        self.update::<job::Entity>().set(job::Column::State, "later").filter(jobs::is_held()).exec().await
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

    fn job_row(&self, new: NewJob) -> job::ActiveModel {
        let state = match new.held {
            true => "held",
            false if new.run_at <= self.now() => "queued",
            false => "later",
        };
        job::ActiveModel {
            id: Set(JobId::new(self.now(), self.chance()).0),
            kind: Set(new.kind.to_owned()),
            payload: Set(new.payload),
            state: Set(state.to_owned()),
            urgent: Set(new.urgent),
            run_at: Set(new.run_at.0),
            attempts: Set(0),
            lease_until: Set(None),
            last_error: Set(None),
            created_at: Set(self.now().0),
            ..Default::default()
        }
    }

    fn inserts<A>(&self, rows: impl IntoIterator<Item = A>) -> Vec<Statement>
    where
        A: ActiveModelTrait,
        A::Entity: TenantOwned,
    {
        self.note::<A::Entity>(false);
        let mut rows: Vec<A> = rows.into_iter().collect();
        rows.iter_mut().for_each(|row| self.stamp(row));
        let columns = <A::Entity as EntityTrait>::Column::iter().count();
        let (mut rest, mut inserts) = (rows.into_iter().peekable(), Vec::with_capacity(1));
        while rest.peek().is_some() {
            let rows = rest.by_ref().take(MAX_BOUND_VALUES / columns).collect();
            inserts.push(inserts::insert(rows, self.read.connection.backend()));
        }
        inserts
    }

    fn stamp<A>(&self, row: &mut A)
    where
        A: ActiveModelTrait,
        A::Entity: TenantOwned,
    {
        row.set(<A::Entity as TenantOwned>::TENANT, Value::from(self.tenant().0));
    }
    /// What a change of rows means to those who listen; an insert ends no credential.
    fn note<E: TenantOwned>(&self, changes_rows: bool) {
        let table = E::NAME;
        if table == "job" {
            self.news().jobs = true;
        } else if changes_rows && CREDENTIALS.contains(&table) {
            self.news().credentials = true;
        }
    }
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
