//! Whether a certificate is that of the recipient of a message (R4): by enrolment, if they are a member, or by an e-mail address in it where
//! an administrator allowed that for its authority.
//!
//! What would surprise you: nobody's session and no member stands behind the answer. It says whose address the certificate carries, and
//! nothing about what may be opened with it.

use crate::{
    BadCertificate, ClientCertificates, NotFound, Presented, Standing, Verified, authorities, facts,
    host::{address_of, tenant_of},
    whose,
};
use kernel::{ClientCertificateId, EmailAddress, Fault};
use sea_orm::{ColumnTrait, QueryFilter};
use store::{Caller, Look, TenantTx, entity::member};

/// Characters of a distinguished name that are kept.
const NAME: usize = 300;

/// A certificate as evidence names it. Nothing is proven by being here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// SHA-256 of the certificate as it was sent (DER).
    pub sha256: [u8; 32],
    /// Distinguished names (RFC 4514), cut; empty where the certificate cannot be read.
    pub subject: String,
    pub issuer: String,
}

/// The recipient's certificate.
#[derive(Clone, Debug)]
pub struct Theirs {
    pub shown: Shown,
    pub standing: Standing,
}

/// Why a certificate is not the recipient's; a sentence for whoever showed it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotTheirs {
    #[error("Your browser sent no certificate.")]
    NoneSent,
    #[error(transparent)]
    Bad(#[from] BadCertificate),
    #[error("This certificate is sound, but it does not name the address to which the message was sent.")]
    Another,
    #[error("There is nothing at this address any more.")]
    NoHost,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Shown {
    /// The first certificate of what was presented.
    pub fn of(presented: &Presented) -> Option<Shown> {
        let leaf = presented.chain.first()?;
        let read = facts::read(leaf).ok();
        let name =
            |name: Option<&x509_parser::x509::X509Name<'_>>| name.map(|name| kernel::shown(&name.to_string(), NAME)).unwrap_or_default();
        let (subject, issuer) = (name(read.as_ref().map(|read| read.subject())), name(read.as_ref().map(|read| read.issuer())));
        Some(Shown { sha256: keys::sha256(&[leaf]), subject, issuer })
    }
}

impl ClientCertificates {
    /// Where the caller's tenant asks for certificates; `None`: nowhere (any more).
    pub async fn asks_at(&self, caller: &Caller) -> Result<Option<String>, Fault> {
        let site = &self.accounts.site;
        let Some(address) = address_of(site, caller.tenant()).filter(|_| site.asks_for_certificates()) else { return Ok(None) };
        let any = self.accounts.db.read(caller, async |read| authorities::any(read).await).await?;
        Ok(any.then_some(address))
    }

    /// The certificate, if it holds for the caller's tenant now and is that of `address`. Records its use where it was enrolled.
    pub async fn theirs(&self, presented: &Presented, address: &str, caller: &Caller) -> Result<Theirs, NotTheirs> {
        if tenant_of(&self.accounts.site, &presented.host) != Some(caller.tenant()) {
            return Err(NotTheirs::NoHost);
        }
        let folded = EmailAddress::parse(address).map_err(|_| NotTheirs::Another)?.folded();
        let act = self.accounts.db.act(caller, async |tx| {
            let verified = whose::holds(tx, &self.lists, presented).await?;
            let enrolled = names(tx, &verified, &folded).await?;
            if let Some(id) = enrolled
                && !whose::used(tx, id).await?
            {
                return Err(BadCertificate::Revoked.into());
            }
            Ok::<_, NotTheirs>(Standing::of(&verified, enrolled.is_none()))
        });
        let standing = act.await?;
        Ok(Theirs { shown: Shown::of(presented).ok_or(NotTheirs::NoneSent)?, standing })
    }
}

/// The enrolment by which it is theirs, or none where its authority says so.
async fn names(tx: &TenantTx, verified: &Verified, folded: &str) -> Result<Option<ClientCertificateId>, NotTheirs> {
    if let Some(row) = whose::enrolled(tx, verified).await? {
        let theirs = tx.find::<member::Entity>().filter(member::Column::Id.eq(row.member_id)).filter(member::Column::State.eq("active"));
        let theirs = theirs.filter(member::Column::EmailFolded.eq(folded)).filter(member::Column::EmailProvenAt.is_not_null());
        return if theirs.count().await? > 0 { Ok(Some(ClientCertificateId(row.id))) } else { Err(NotTheirs::Another) };
    }
    let mut addresses = verified.facts.addresses.iter().filter_map(|address| EmailAddress::parse(address).ok());
    match verified.maps_by_address && addresses.any(|address| address.folded() == folded) {
        true => Ok(None),
        false => Err(NotTheirs::Another),
    }
}

impl From<NotFound> for NotTheirs {
    fn from(why: NotFound) -> NotTheirs {
        match why {
            NotFound::NoneSent => NotTheirs::NoneSent,
            NotFound::Bad(bad) => NotTheirs::Bad(bad),
            NotFound::Nobodys => NotTheirs::Another,
            NotFound::NoHost => NotTheirs::NoHost,
            NotFound::Fault(fault) => NotTheirs::Fault(fault),
        }
    }
}
