//! Setting a new password by a mailed link.
//!
//! What would surprise you: it does not prove the address, though the link came by mail. Whoever signed up may have been a stranger
//! who wrote messages in this person's name; they leave only when the person, signed in, says so.

use crate::{Accounts, LinkPurpose, PasswordRefused, api_keys, links, member};
use kernel::{Fault, MemberId};
use keys::{AccountPassword, Token};
use store::Origin;

impl Accounts {
    /// Sets the password and ends every session and every API key: whoever forgot it cannot say who made them. `None` if the link is
    /// unknown, used or over.
    pub async fn reset_password(&self, token: &Token, new_password: &str, origin: Origin) -> Result<Option<()>, PasswordRefused> {
        let link = self.living_link(token, origin).await?;
        let Some(link) = link.filter(|link| link.purpose == LinkPurpose::ResetPassword) else { return Ok(None) };
        let about = [link.member.name.as_str(), link.member.email.as_str()];
        let password = AccountPassword::parse(new_password, &about).map_err(PasswordRefused::New)?;
        let hash = self.hash(&password).await?;
        let id = MemberId(link.member.id);
        let done = self.db.act(&link.caller, async |tx| {
            if !links::spend(tx, link.id, LinkPurpose::ResetPassword).await? {
                return Ok::<_, Fault>(None);
            }
            // The epoch of this moment: the link counts, also if the password was changed since it was mailed.
            let before = member::lock(tx, id).await?;
            if !member::set_password(tx, id, before.epoch, &hash).await? {
                return Err(Fault::other("a locked member changed"));
            }
            api_keys::revoke_all(tx, id).await?;
            Ok(Some(()))
        });
        Ok(done.await?)
    }
}
