//! Our account with a CA, one a directory for all processes: made once, its key sealed.

use super::Certificates;
use kernel::{Fault, Time};
use keys::SealedByRoot;
use sea_orm::FromQueryResult;
use std::time::Duration;
use zeroize::Zeroizing;

const CLAIM: &str = "INSERT INTO acme_account (directory, lease_until) VALUES ($1, $2)
    ON CONFLICT (directory) DO UPDATE SET lease_until = excluded.lease_until
    WHERE acme_account.key_sealed IS NULL AND acme_account.lease_until <= $3";
const KEEP: &str = "UPDATE acme_account SET key_version = $2, key_sealed = $3, made_at = $4 WHERE directory = $1 AND key_sealed IS NULL";
const LET_GO: &str = "DELETE FROM acme_account WHERE directory = $1 AND key_sealed IS NULL";
const FORGET: &str = "DELETE FROM acme_account WHERE directory = $1 AND made_at = $2";
const FIND: &str = "SELECT key_version, key_sealed, made_at FROM acme_account WHERE directory = $1 AND key_sealed IS NOT NULL";

const PURPOSE: &str = "acme account";

/// What lets us speak as the account's owner.
pub struct AcmeAccount {
    pub credentials: Zeroizing<Vec<u8>>,
    pub made_at: Time,
}

#[derive(FromQueryResult)]
struct Row {
    key_version: Option<i64>,
    key_sealed: Option<Vec<u8>>,
    made_at: Option<i64>,
}

impl Certificates<'_> {
    /// `directory`: the CA's address, and whatever else tells accounts apart.
    pub async fn account(&self, directory: &str) -> Result<Option<AcmeAccount>, Fault> {
        let row: Option<Row> = self.read(async |rows| rows.one(rows.words(FIND, [directory.into()])).await).await?;
        let Some(Row { key_version: Some(version), key_sealed: Some(bytes), made_at: Some(made_at) }) = row else { return Ok(None) };
        let credentials = self.db.roots().open(PURPOSE, directory, &SealedByRoot { version, bytes })?;
        Ok(Some(AcmeAccount { credentials, made_at: Time(made_at) }))
    }
    /// Whether it is us who make the account, for so long. Somebody else is at it otherwise.
    pub async fn claim_account(&self, directory: &str, lease: Duration) -> Result<bool, Fault> {
        let now = self.now();
        let values = [directory.into(), now.plus(lease).0.into(), now.0.into()];
        self.write(async |rows| Ok(rows.run(rows.words(CLAIM, values)).await? == 1)).await
    }
    pub async fn keep_account(&self, directory: &str, credentials: &[u8]) -> Result<bool, Fault> {
        let sealed = self.db.roots().seal(PURPOSE, directory, credentials, self.db.chance());
        let values = [directory.into(), sealed.version.into(), sealed.bytes.into(), self.now().0.into()];
        self.write(async |rows| Ok(rows.run(rows.words(KEEP, values)).await? == 1)).await
    }
    /// We could not make the account; the next may try at once.
    pub async fn let_account_go(&self, directory: &str) -> Result<(), Fault> {
        self.write(async |rows| rows.run(rows.words(LET_GO, [directory.into()])).await.map(|_| ())).await
    }
    /// The CA knows it no more.
    pub async fn forget_account(&self, directory: &str, account: &AcmeAccount) -> Result<(), Fault> {
        let values = [directory.into(), account.made_at.0.into()];
        self.write(async |rows| rows.run(rows.words(FORGET, values)).await.map(|_| ())).await
    }
}
