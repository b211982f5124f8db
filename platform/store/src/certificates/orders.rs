//! Orders: each due name is in one process's hands, under a lease. The attempt number fences whoever finishes late.

use super::{Certificates, WantedBy, name_of};
use crate::connection::Connection;
use kernel::{Fault, HostName, Time};
use sea_orm::{DbBackend, FromQueryResult};
use std::time::Duration;

/// What a CA says is kept so far, in characters.
const MAX_SAID_CHARS: usize = 1_000;

const IS_DUE: &str = "state = 'wanted' AND next_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)";
const TAKE: &str = "UPDATE certificate SET attempt = attempt + 1, lease_until = $2 WHERE name IN (
    SELECT name FROM certificate WHERE {due} ORDER BY tries, next_at, name LIMIT $3 {lock})
    RETURNING name, wanted_by, attempt, tries, not_after";
const IN_HAND: &str = "WHERE name = $1 AND attempt = $2 AND state = 'wanted'";
const ISSUED: &str = "UPDATE certificate SET chain = $3, key_version = $4, key_sealed = $5, not_before = $6, not_after = $7, next_at = $8,
    changed_at = $9, tries = 0, said = NULL, tried_at = NULL, lease_until = NULL";
const FAILED: &str = "UPDATE certificate SET said = $3, tried_at = $4, next_at = $5, tries = tries + $6, lease_until = NULL";

pub(super) const KEY: &str = "certificate key";

/// A name in hand to be ordered until the lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub name: HostName,
    pub wanted_by: WantedBy,
    /// This attempt's number.
    pub attempt: i64,
    /// Orders in a row that came to nothing before this one.
    pub tries: u32,
    /// The end of the certificate that this one renews.
    pub renews: Option<Time>,
}

/// What an order brought.
pub struct Issued<'i> {
    /// PEM, leaf first.
    pub chain: &'i str,
    /// PEM (PKCS #8); sealed before it is written.
    pub key: &'i str,
    pub not_before: Time,
    pub not_after: Time,
    pub renew_at: Time,
}

#[derive(FromQueryResult)]
struct Taken {
    name: String,
    wanted_by: String,
    attempt: i64,
    tries: i64,
    not_after: Option<i64>,
}

impl Certificates<'_> {
    /// Takes due names and names whose lease ran out, at most `at_most`; those that did not fail yet first.
    pub async fn take_due(&self, at_most: u64, lease: Duration) -> Result<Vec<Order>, Fault> {
        let now = self.now();
        // Looking first: with nothing due, which is nearly always, nothing is written.
        if at_most == 0 || !self.read(async |rows| any_due(rows, now).await).await? {
            return Ok(Vec::new());
        }
        let values = [now.0.into(), now.plus(lease).0.into(), i64::try_from(at_most).unwrap_or(i64::MAX).into()];
        let taken: Vec<Taken> = self
            .write(async |rows| {
                let lock = if rows.backend() == DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
                rows.all(rows.words(&TAKE.replace("{due}", IS_DUE).replace("{lock}", lock), values)).await
            })
            .await?;
        taken.into_iter().map(Order::try_from).collect()
    }

    /// Keeps the certificate, its key sealed. `false`: the name is wanted no more, or a later attempt has it.
    pub async fn issued(&self, order: &Order, issued: &Issued<'_>) -> Result<bool, Fault> {
        let (now, name) = (self.now(), order.name.as_str());
        let sealed = self.db.roots().seal(KEY, name, issued.key.as_bytes(), self.db.chance());
        let values = [
            name.into(),
            order.attempt.into(),
            issued.chain.into(),
            sealed.version.into(),
            sealed.bytes.into(),
            issued.not_before.0.into(),
            issued.not_after.0.into(),
            issued.renew_at.0.into(),
            now.0.into(),
        ];
        self.write(async |rows| Ok(rows.run(rows.words(&format!("{ISSUED} {IN_HAND}"), values)).await? == 1)).await
    }

    /// The order came to nothing: `said` is why, for people. `counts`: it is a try of this name's, and not of everybody's (the CA is
    /// away, a budget is used up). `false`: a later attempt has it.
    pub async fn failed(&self, order: &Order, said: &str, next_at: Time, counts: bool) -> Result<bool, Fault> {
        let said: String = said.chars().filter(|c| !c.is_control()).take(MAX_SAID_CHARS).collect();
        let values = [
            order.name.as_str().into(),
            order.attempt.into(),
            said.into(),
            self.now().0.into(),
            next_at.0.into(),
            i64::from(counts).into(),
        ];
        self.write(async |rows| Ok(rows.run(rows.words(&format!("{FAILED} {IN_HAND}"), values)).await? == 1)).await
    }
}

async fn any_due(rows: &Connection, now: Time) -> Result<bool, Fault> {
    let sql = format!("SELECT 1 FROM certificate WHERE {IS_DUE} LIMIT 1");
    Ok(!rows.rows(rows.words(&sql, [now.0.into()]), 1).await?.is_empty())
}

impl TryFrom<Taken> for Order {
    type Error = Fault;
    fn try_from(row: Taken) -> Result<Order, Fault> {
        Ok(Order {
            name: name_of(&row.name)?,
            wanted_by: WantedBy::parse(&row.wanted_by)?,
            attempt: row.attempt,
            tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
            renews: row.not_after.map(Time),
        })
    }
}
