//! Proving the address, and asking for another link to do so.

use crate::{Accounts, LinkPurpose, brakes::PROOF_PER_MEMBER, links, member, refused};
use kernel::{Fault, MemberId, Time};
use keys::Token;
use store::{Caller, Origin};

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
    #[error("{}", refused::slow_down(*.until))]
    SlowDown { until: Time },
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Accounts {
    /// Spends the link; what was held for the proof leaves now. `None` if the link is unknown, used or over.
    pub async fn prove_address(&self, token: &Token, origin: Origin) -> Result<Option<Proven>, Fault> {
        let link = self.living_link(token, origin).await?;
        let Some(link) = link.filter(|link| link.purpose == LinkPurpose::ProveAddress) else { return Ok(None) };
        let released = self
            .db
            .act(&link.caller, async |tx| {
                if !links::spend(tx, link.id, LinkPurpose::ProveAddress).await? {
                    return Ok::<_, Fault>(None);
                }
                member::mark_proven(tx, MemberId(link.member.id)).await.map(Some)
            })
            .await?;
        Ok(released.map(|released| Proven { email: link.member.email, name: link.member.name, released }))
    }
    /// Mails a new link to the caller's address. Older links keep working until they are over.
    pub async fn send_proof_again(&self, caller: &Caller) -> Result<(), ProofRefused> {
        let Some((id, _)) = member::signed_in(caller) else { return Err(ProofRefused::NotSignedIn) };
        if let Some(until) = self.held(PROOF_PER_MEMBER, &id.to_string()).await? {
            return Err(ProofRefused::SlowDown { until });
        }
        self.db
            .act(caller, async |tx| {
                if member::get(&*tx, id).await?.email_proven_at.is_some() {
                    return Err(ProofRefused::AlreadyProven);
                }
                links::mail_link(tx, id, LinkPurpose::ProveAddress).await?;
                Ok(())
            })
            .await
    }
}
