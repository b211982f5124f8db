//! Names that the site answers for over TLS: who wants a certificate for them, how its order stands, and the certificate itself.
//!
//! What would surprise you: this belongs to no tenant, because a handshake knows a name before anybody knows whose it is; keys are
//! sealed by the root key, each for its own name. A name that nobody wants any more stays as `gone` for a day, without its key, so
//! that every process hears of it.

mod account;
mod asking;
mod challenges;
mod orders;
mod shown;
mod wanted;

use crate::{Db, connection::Connection, herald::News, postgres::Reach};
use kernel::{Fault, HostName, TenantId, Time};

pub use account::AcmeAccount;
pub use asking::Asking;
pub use challenges::{Challenge, ChallengeKind};
pub use orders::{Issued, Order};
pub use shown::{Expiry, Shown, ShownChange};
pub use wanted::Wanted;

/// The site's side of the certificate table.
pub struct Certificates<'d> {
    db: &'d Db,
}

/// For whom a certificate is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedBy {
    /// The configuration.
    Site,
    /// The operator's command.
    Operator,
    /// The site, for a tenant's host that asks for client certificates; any tenant may want its own.
    Asking,
    /// A tenant, for a domain of its own.
    Tenant(TenantId),
}

/// How it stands with a name, for people to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameState {
    pub name: HostName,
    pub wanted_by: WantedBy,
    pub wanted_at: Time,
    /// The end of the certificate that is shown; `None`: there is none yet, and it is ordered.
    pub live_until: Option<Time>,
    /// The last order came to nothing.
    pub trouble: Option<Trouble>,
    /// When it is ordered, renewed or tried again.
    pub next_at: Time,
}

/// An order that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In the CA's words where they are the CA's.
    pub said: String,
    pub tried_at: Time,
    /// Orders in a row that came to nothing.
    pub tries: u32,
}

impl Db {
    pub fn certificates(&self) -> Certificates<'_> {
        Certificates { db: self }
    }
}

impl Certificates<'_> {
    async fn read<T>(&self, f: impl AsyncFnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        self.db.across_read(&Reach::Nobody, f).await
    }
    async fn write<T>(&self, f: impl AsyncFnOnce(&Connection) -> Result<T, Fault> + Clone) -> Result<T, Fault> {
        self.db.across(&Reach::Nobody, News::default(), f).await
    }
    pub(crate) fn now(&self) -> Time {
        self.db.clock().now()
    }
}

impl WantedBy {
    pub(crate) fn text(self) -> String {
        match self {
            WantedBy::Site => "site".to_owned(),
            WantedBy::Operator => "operator".to_owned(),
            WantedBy::Asking => "asking".to_owned(),
            WantedBy::Tenant(id) => id.to_string(),
        }
    }
    fn parse(text: &str) -> Result<WantedBy, Fault> {
        match text {
            "site" => Ok(WantedBy::Site),
            "operator" => Ok(WantedBy::Operator),
            "asking" => Ok(WantedBy::Asking),
            id => id.parse().map(WantedBy::Tenant).map_err(|_| Fault::other("a certificate is wanted by nobody we know")),
        }
    }
    pub fn tenant(self) -> Option<TenantId> {
        match self {
            WantedBy::Tenant(id) => Some(id),
            WantedBy::Site | WantedBy::Operator | WantedBy::Asking => None,
        }
    }
}

fn name_of(text: &str) -> Result<HostName, Fault> {
    HostName::parse(text).map_err(|e| Fault::other(format!("a certificate's row: {e}")))
}
