//! Changing the password while signed in.

use crate::{Accounts, PasswordRefused, SignedIn, api_keys, brakes::OLD_PASSWORD_PER_MEMBER, member, session};
use kernel::{Fault, MAX_PASSWORD_CHARS};
use keys::AccountPassword;
use store::Caller;

impl Accounts {
    /// Sets the new password and ends every session, and with `keys_too` every API key of the member; the browser that asked goes on with
    /// the new session returned here.
    pub async fn change_password(&self, caller: &Caller, old: &str, new: &str, keys_too: bool) -> Result<SignedIn, PasswordRefused> {
        let Some((id, _)) = member::signed_in(caller) else { return Err(PasswordRefused::NotSignedIn) };
        let row = self.db.read(caller, async |read| member::get(read, id).await).await?;
        let password = AccountPassword::parse(new, &[&row.name, &row.email]).map_err(PasswordRefused::New)?;
        if let Some(until) = self.held(OLD_PASSWORD_PER_MEMBER, &id.to_string()).await? {
            return Err(PasswordRefused::SlowDown { until });
        }
        if old.chars().count() > MAX_PASSWORD_CHARS || !self.verify(Some(&row.password_hash), old).await? {
            return Err(PasswordRefused::WrongOld);
        }
        if old == new {
            return Err(PasswordRefused::Same);
        }
        let hash = self.hash(&password).await?;
        let changed = self.db.act(caller, async |tx| {
            if !member::set_password(tx, id, row.epoch, &hash).await? {
                return Ok::<_, Fault>(None);
            }
            if keys_too {
                api_keys::revoke_all(tx, id).await?;
            }
            session::open(tx, id, row.epoch + 1, Some(tx.now()), None).await.map(Some)
        });
        // Someone else changed it in between: then this session is over too.
        let tokens = changed.await?.ok_or(PasswordRefused::NotSignedIn)?;
        self.walk_in(tokens, caller.origin().clone()).await?.ok_or(PasswordRefused::NotSignedIn)
    }
}
