//! Certificates as processes take them up: what changed since the last look, and the whole from time to time.

use super::{Certificates, name_of, orders::KEY};
use kernel::{Fault, HostName, Time};
use keys::SealedByRoot;
use sea_orm::FromQueryResult;
use std::time::Duration;
use zeroize::Zeroizing;

/// A name that is gone is told of for so long.
const TOLD: Duration = Duration::from_secs(24 * 3_600);

const CHANGED: &str = "SELECT name, changed_at, attempt FROM certificate WHERE changed_at >= $1 AND (state = 'gone' OR chain IS NOT NULL)";
const NAMES: &str = "SELECT name, changed_at, attempt FROM certificate WHERE chain IS NOT NULL";
const PAGE: &str = "SELECT name, changed_at, attempt, chain, key_version, key_sealed FROM certificate
    WHERE chain IS NOT NULL AND name > $1 ORDER BY name LIMIT $2";
const FIND: &str = "SELECT chain, key_version, key_sealed FROM certificate WHERE name = $1 AND chain IS NOT NULL";
const SWEEP: &str = "DELETE FROM certificate WHERE state = 'gone' AND changed_at <= $1";
const EXPIRY: &str = "SELECT COUNT(*) AS wanted,
    COALESCE(SUM(CASE WHEN not_after > $1 THEN 1 ELSE 0 END), 0) AS live,
    COALESCE(SUM(CASE WHEN tries > 0 THEN 1 ELSE 0 END), 0) AS failing,
    COALESCE(SUM(CASE WHEN not_after IS NOT NULL AND not_after - $1 < (not_after - not_before) / 6 THEN 1 ELSE 0 END), 0) AS late,
    MIN(not_after) AS first_end FROM certificate WHERE state = 'wanted'";

/// One that is to be shown.
pub struct Shown {
    /// PEM, leaf first.
    pub chain: String,
    /// PEM.
    pub key: Zeroizing<Vec<u8>>,
}

/// A name whose certificate came, was renewed, or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownChange {
    pub name: HostName,
    pub at: Time,
    /// Goes up with every change of this name, however soon one follows the other.
    pub attempt: i64,
}

/// Numbers for the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    pub wanted: u64,
    pub live: u64,
    /// Whose last order came to nothing.
    pub failing: u64,
    /// With less than a sixth of their life left, which is half of what renewal has.
    pub late: u64,
    /// When the first certificate ends.
    pub first_end: Option<Time>,
}

#[derive(FromQueryResult)]
struct Changed {
    name: String,
    changed_at: i64,
    attempt: i64,
}

#[derive(FromQueryResult)]
struct Whole {
    name: String,
    changed_at: i64,
    attempt: i64,
    chain: Option<String>,
    key_version: Option<i64>,
    key_sealed: Option<Vec<u8>>,
}

#[derive(FromQueryResult)]
struct Row {
    chain: Option<String>,
    key_version: Option<i64>,
    key_sealed: Option<Vec<u8>>,
}

#[derive(FromQueryResult)]
struct Sums {
    wanted: i64,
    live: i64,
    failing: i64,
    late: i64,
    first_end: Option<i64>,
}

impl Certificates<'_> {
    /// Names that came, were renewed or went at or after `since`.
    pub async fn changed_since(&self, since: Time) -> Result<Vec<ShownChange>, Fault> {
        let rows: Vec<Changed> = self.read(async |rows| rows.all(rows.words(CHANGED, [since.0.into()])).await).await?;
        rows.into_iter().map(ShownChange::try_from).collect()
    }
    /// Every name that has a certificate.
    pub async fn all_shown(&self) -> Result<Vec<ShownChange>, Fault> {
        let rows: Vec<Changed> = self.read(async |rows| rows.all(rows.words(NAMES, [])).await).await?;
        rows.into_iter().map(ShownChange::try_from).collect()
    }
    /// The next names after `after` that have a certificate, each with it; one whose key does not open comes with the fault.
    pub async fn shown_after(&self, after: Option<&HostName>, limit: u64) -> Result<Vec<(ShownChange, Result<Shown, Fault>)>, Fault> {
        let values = [after.map_or("", HostName::as_str).into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
        let rows: Vec<Whole> = self.read(async |rows| rows.all(rows.words(PAGE, values)).await).await?;
        let whole = |Whole { name, changed_at, attempt, chain, key_version, key_sealed }| {
            let change = ShownChange::try_from(Changed { name, changed_at, attempt })?;
            let row = Row { chain, key_version, key_sealed };
            let shown = self.open(&change.name, row).and_then(|shown| shown.ok_or_else(|| Fault::other("a certificate without its key")));
            Ok((change, shown))
        };
        rows.into_iter().map(whole).collect()
    }
    /// The certificate of `name`, its key opened. `None`: there is none (any more).
    pub async fn shown(&self, name: &HostName) -> Result<Option<Shown>, Fault> {
        let row: Option<Row> = self.read(async |rows| rows.one(rows.words(FIND, [name.as_str().into()])).await).await?;
        row.map_or(Ok(None), |row| self.open(name, row))
    }
    fn open(&self, name: &HostName, row: Row) -> Result<Option<Shown>, Fault> {
        let Row { chain: Some(chain), key_version: Some(version), key_sealed: Some(bytes) } = row else { return Ok(None) };
        let key = self.db.roots().open(KEY, name.as_str(), &SealedByRoot { version, bytes })?;
        Ok(Some(Shown { chain, key }))
    }
    /// A fault if the root keys do not open the key of a certificate: they are another database's.
    pub(crate) async fn check_roots(&self) -> Result<(), Fault> {
        let newest = "SELECT name, changed_at, attempt FROM certificate WHERE chain IS NOT NULL ORDER BY changed_at DESC LIMIT 1";
        let row: Option<Changed> = self.read(async |rows| rows.one(rows.words(newest, [])).await).await?;
        let Some(ShownChange { name, .. }) = row.map(ShownChange::try_from).transpose()? else { return Ok(()) };
        let misfit = |fault| Fault::other(format!("the root key does not fit this database ({fault}): put the right root.key back"));
        self.shown(&name).await.map(|_| ()).map_err(misfit)
    }
    /// Forgets names that went long ago; answers how many.
    pub async fn sweep(&self) -> Result<u64, Fault> {
        let before = self.now().minus(TOLD).0;
        self.write(async |rows| rows.run(rows.words(SWEEP, [before.into()])).await).await
    }
    pub async fn expiry(&self) -> Result<Expiry, Fault> {
        let now = self.now().0;
        let row: Option<Sums> = self.read(async |rows| rows.one(rows.words(EXPIRY, [now.into()])).await).await?;
        let whole = |n: i64| u64::try_from(n).unwrap_or(0);
        Ok(row.map_or_else(Expiry::default, |s| Expiry {
            wanted: whole(s.wanted),
            live: whole(s.live),
            failing: whole(s.failing),
            late: whole(s.late),
            first_end: s.first_end.map(Time),
        }))
    }
}

impl TryFrom<Changed> for ShownChange {
    type Error = Fault;
    fn try_from(row: Changed) -> Result<ShownChange, Fault> {
        Ok(ShownChange { name: name_of(&row.name)?, at: Time(row.changed_at), attempt: row.attempt })
    }
}
