//! Wanting a certificate for a name, wanting it no more, and seeing how it stands.

use super::{Certificates, NameState, Trouble, WantedBy, name_of};
use crate::{TenantRead, TenantTx, connection::Connection};
use kernel::{Fault, HostName, Time};
use sea_orm::{FromQueryResult, Value};

/// A name that was let go may be had again by anybody; who may is for the caller to know.
const WANT: &str = "INSERT INTO certificate (name, wanted_by, state, next_at, tries, attempt, wanted_at, changed_at)
    VALUES ($1, $2, 'wanted', $3, 0, 0, $3, $3)
    ON CONFLICT (name) DO UPDATE SET wanted_by = excluded.wanted_by, state = 'wanted', next_at = excluded.next_at, tries = 0,
        said = NULL, tried_at = NULL, lease_until = NULL, wanted_at = excluded.wanted_at, changed_at = excluded.changed_at
    WHERE certificate.state = 'gone'";
/// The attempt fences off whoever is ordering.
const UNWANT: &str = "UPDATE certificate SET state = 'gone', chain = NULL, key_version = NULL, key_sealed = NULL, not_before = NULL,
    not_after = NULL, said = NULL, tried_at = NULL, lease_until = NULL, attempt = attempt + 1, changed_at = $3
    WHERE name = $1 AND wanted_by = $2 AND state = 'wanted'";
const FORGET_CHALLENGE: &str = "DELETE FROM acme_challenge WHERE name = $1";
const AGAIN: &str =
    "UPDATE certificate SET next_at = $3 WHERE name = $1 AND wanted_by = $2 AND state = 'wanted' AND tries > 0 AND next_at > $3";
const STATE: &str = "SELECT name, wanted_by, wanted_at, next_at, tries, said, tried_at, not_after FROM certificate WHERE state = 'wanted'";

/// What came of wanting a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It is ordered from now on.
    Now,
    /// It was wanted by the same already.
    Already,
    /// Somebody else has it.
    Taken,
}

#[derive(FromQueryResult)]
struct Row {
    name: String,
    wanted_by: String,
    wanted_at: i64,
    next_at: i64,
    tries: i64,
    said: Option<String>,
    tried_at: Option<i64>,
    not_after: Option<i64>,
}

impl Certificates<'_> {
    /// From now on a certificate is ordered for `name`, shown and renewed.
    pub async fn want(&self, name: &HostName, by: WantedBy) -> Result<Wanted, Fault> {
        let now = self.now();
        self.write(async |rows| want(rows, name, by, now).await).await
    }
    /// The certificate is shown no more and its key is gone. `false`: `by` did not want it.
    pub async fn unwant(&self, name: &HostName, by: WantedBy) -> Result<bool, Fault> {
        let now = self.now();
        self.write(async |rows| unwant(rows, name, by, now).await).await
    }
    /// Orders a name that failed at once instead of after its pause. `false`: there is nothing to hurry.
    pub async fn again(&self, name: &HostName, by: WantedBy) -> Result<bool, Fault> {
        let now = self.now();
        self.write(async |rows| again(rows, name, by, now).await).await
    }
    pub async fn state(&self, name: &HostName) -> Result<Option<NameState>, Fault> {
        self.read(async |rows| state(rows, name).await).await
    }
    /// Names that `by` wants, in order; at most a thousand.
    pub async fn of(&self, by: WantedBy) -> Result<Vec<NameState>, Fault> {
        let sql = format!("{STATE} AND wanted_by = $1 ORDER BY name LIMIT 1000");
        self.states(&sql, vec![by.text().into()]).await
    }
    /// Names in order, after `after`.
    pub async fn list(&self, after: Option<&HostName>, limit: u64) -> Result<Vec<NameState>, Fault> {
        let values = [after.map_or("", HostName::as_str).into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
        let sql = format!("{STATE} AND name > $1 ORDER BY name LIMIT $2");
        self.states(&sql, values.to_vec()).await
    }
    /// Names whose last order came to nothing, those with the most tries first.
    pub async fn failing(&self, limit: u64) -> Result<Vec<NameState>, Fault> {
        let sql = format!("{STATE} AND said IS NOT NULL ORDER BY tries DESC, name LIMIT $1");
        self.states(&sql, vec![i64::try_from(limit).unwrap_or(i64::MAX).into()]).await
    }

    async fn states(&self, sql: &str, values: Vec<Value>) -> Result<Vec<NameState>, Fault> {
        self.read(async |rows| rows.all::<Row>(rows.words(sql, values)).await?.into_iter().map(NameState::try_from).collect()).await
    }
}

impl TenantTx {
    /// As [`Certificates::want`], for this tenant and in this act. Whether the name is the tenant's must be proven before.
    pub async fn want_certificate(&self, name: &HostName) -> Result<Wanted, Fault> {
        want(&self.connection, name, WantedBy::Tenant(self.tenant()), self.now()).await
    }
    /// As [`Certificates::unwant`], for this tenant and in this act.
    pub async fn unwant_certificate(&self, name: &HostName) -> Result<bool, Fault> {
        unwant(&self.connection, name, WantedBy::Tenant(self.tenant()), self.now()).await
    }
    /// As [`Certificates::again`], for this tenant and in this act.
    pub async fn certificate_again(&self, name: &HostName) -> Result<bool, Fault> {
        again(&self.connection, name, WantedBy::Tenant(self.tenant()), self.now()).await
    }
}

impl TenantRead {
    /// How it stands with a name that this tenant wants a certificate for.
    pub async fn certificate(&self, name: &HostName) -> Result<Option<NameState>, Fault> {
        let found = state(&self.connection, name).await?;
        Ok(found.filter(|state| state.wanted_by == WantedBy::Tenant(self.tenant())))
    }
}

pub(super) async fn want(rows: &Connection, name: &HostName, by: WantedBy, now: Time) -> Result<Wanted, Fault> {
    if rows.run(rows.words(WANT, [text(name), by.text().into(), now.0.into()])).await? == 1 {
        return Ok(Wanted::Now);
    }
    let same = state(rows, name).await?.is_some_and(|state| state.wanted_by == by);
    Ok(if same { Wanted::Already } else { Wanted::Taken })
}

pub(super) async fn unwant(rows: &Connection, name: &HostName, by: WantedBy, now: Time) -> Result<bool, Fault> {
    let gone = rows.run(rows.words(UNWANT, [text(name), by.text().into(), now.0.into()])).await? == 1;
    if gone {
        rows.run(rows.words(FORGET_CHALLENGE, [text(name)])).await?;
    }
    Ok(gone)
}

async fn again(rows: &Connection, name: &HostName, by: WantedBy, now: Time) -> Result<bool, Fault> {
    Ok(rows.run(rows.words(AGAIN, [text(name), by.text().into(), now.0.into()])).await? == 1)
}

async fn state(rows: &Connection, name: &HostName) -> Result<Option<NameState>, Fault> {
    rows.one::<Row>(rows.words(&format!("{STATE} AND name = $1"), [text(name)])).await?.map(NameState::try_from).transpose()
}

fn text(name: &HostName) -> Value {
    name.as_str().into()
}

impl TryFrom<Row> for NameState {
    type Error = Fault;
    fn try_from(row: Row) -> Result<NameState, Fault> {
        let trouble = row.said.zip(row.tried_at).map(|(said, tried_at)| Trouble {
            said,
            tried_at: Time(tried_at),
            tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
        });
        Ok(NameState {
            name: name_of(&row.name)?,
            wanted_by: WantedBy::parse(&row.wanted_by)?,
            wanted_at: Time(row.wanted_at),
            live_until: row.not_after.map(Time),
            trouble,
            next_at: Time(row.next_at),
        })
    }
}
