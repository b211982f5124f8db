//! Names at which a client certificate is asked for, and which authorities a browser is told of there.

use super::{Certificates, WantedBy, name_of, wanted};
use crate::TenantTx;
use kernel::{Fault, HostName, Time};
use sea_orm::FromQueryResult;

const PUT: &str = "INSERT INTO client_name (name, roots, changed_at) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET roots = excluded.roots, changed_at = excluded.changed_at";
const SINCE: &str = "SELECT name, roots, changed_at FROM client_name WHERE changed_at >= $1";

/// One name as processes take it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    pub name: HostName,
    /// Distinguished names, DER, one after the other; empty: nothing is asked for there any more.
    pub roots: Vec<u8>,
    pub at: Time,
}

#[derive(FromQueryResult)]
struct Row {
    name: String,
    roots: Vec<u8>,
    changed_at: i64,
}

impl TenantTx {
    /// From the commit on every process asks for a client certificate at `name`, and a certificate is ordered for the name itself; without
    /// `roots`, no more. The name must be the tenant's.
    pub async fn ask_for_certificates(&self, name: &HostName, roots: Vec<u8>) -> Result<(), Fault> {
        let rows = &self.connection;
        match roots.is_empty() {
            true => drop(wanted::unwant(rows, name, WantedBy::Asking, self.now()).await?),
            false => drop(wanted::want(rows, name, WantedBy::Asking, self.now()).await?),
        }
        rows.run(rows.words(PUT, [name.as_str().into(), roots.into(), self.now().0.into()])).await.map(|_| ())
    }
}

impl Certificates<'_> {
    /// Names that changed at or after `since`.
    pub async fn asking_since(&self, since: Time) -> Result<Vec<Asking>, Fault> {
        let rows: Vec<Row> = self.read(async |rows| rows.all(rows.words(SINCE, [since.0.into()])).await).await?;
        rows.into_iter().map(|row| Ok(Asking { name: name_of(&row.name)?, roots: row.roots, at: Time(row.changed_at) })).collect()
    }
}
