//! Proving the address, and asking for another link to do so.
//!
//! What would surprise you: the link alone proves nothing. Anybody may sign up with a stranger's address, write messages and wait
//! for the stranger to press the button; so it takes the mailbox (the link) and the password (a session) together.

use crate::{
    Accounts, LinkPurpose,
    brakes::{PROOF_PER_ADDRESS, PROOF_PER_MEMBER},
    links, member, refused,
};
use kernel::{EmailAddress, Fault, MemberId, Time};
use keys::Token;
use sea_orm::QueryFilter;
use store::{Caller, TenantTx, entity::job};

/// An address that was just proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    pub email: String,
    pub name: String,
    /// Jobs that waited for this proof (notices of messages already written) and leave now.
    pub released: u64,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum ProofRefused {
    #[error("Your address is already proven.")]
    AlreadyProven,
    #[error("Sign in to ask for a new link.")]
    NotSignedIn,
    #[error("The link was mailed several times already. Look into the spam folder too; after {} you can ask for another.", refused::moment(*.until))]
    SlowDown { until: Time },
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Accounts {
    /// Spends the caller's own link; what was held for the proof leaves now. `None` if the link is unknown, used, over or another
    /// member's.
    pub async fn prove_address(&self, caller: &Caller, token: &Token) -> Result<Option<Proven>, Fault> {
        let link = self.living_link(token, caller.origin().clone()).await?;
        let Some(link) = link.filter(|link| link.purpose == LinkPurpose::ProveAddress && link.is_of(caller)) else { return Ok(None) };
        let released = self
            .db
            .act(caller, async |tx| {
                if !links::spend(tx, link.id, LinkPurpose::ProveAddress).await? {
                    return Ok::<_, Fault>(None);
                }
                member::mark_proven(tx, MemberId(link.member.id)).await.map(Some)
            })
            .await?;
        Ok(released.map(|released| Proven { email: link.member.email, name: link.member.name, released }))
    }
    /// Whether the link is one of the caller's own.
    pub async fn owns_link(&self, caller: &Caller, token: &Token) -> Result<bool, Fault> {
        Ok(self.living_link(token, caller.origin().clone()).await?.is_some_and(|link| link.is_of(caller)))
    }
    /// Jobs of the caller's tenant (notices, mostly) that leave when the address is proven.
    pub async fn held_for_proof(&self, caller: &Caller) -> Result<u64, Fault> {
        self.db.read(caller, async |read| read.find::<job::Entity>().filter(store::is_held()).count().await).await
    }
    /// Mails a new link to the caller's address. Older links keep working until they are over.
    pub async fn send_proof_again(&self, caller: &Caller) -> Result<(), ProofRefused> {
        let Some((id, _)) = member::signed_in(caller) else { return Err(ProofRefused::NotSignedIn) };
        let row = self.db.read(caller, async |read| member::get(read, id).await).await?;
        if row.email_proven_at.is_some() {
            return Err(ProofRefused::AlreadyProven);
        }
        let mailbox = EmailAddress::parse(&row.email_folded).map_or(row.email_folded, |address| address.mailbox());
        for (rate, whom) in [(PROOF_PER_MEMBER, id.to_string()), (PROOF_PER_ADDRESS, mailbox)] {
            if let Some(until) = self.held(rate, &whom).await? {
                return Err(ProofRefused::SlowDown { until });
            }
        }
        let mail = async |tx: &mut TenantTx| links::mail_link(tx, id, LinkPurpose::ProveAddress).await;
        Ok(self.db.act(caller, mail).await.map(|_| ())?)
    }
}
