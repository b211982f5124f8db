//! Proving again, at a browser that is signed in, who sits there: asked for before what a stolen session must not be able to do.
//!
//! What would surprise you: the session gets a new token by it, so whoever copied the old one is signed out at that moment. And a
//! session that was opened by the password is stepped up from the start, for as long as any other step-up lasts.

use crate::{Accounts, brakes::OLD_PASSWORD_PER_MEMBER, member, refused};
use kernel::{Fault, MAX_PASSWORD_CHARS, MemberId, SessionId, Time};
use keys::{Busy, Token};
use sea_orm::{ColumnTrait, QueryFilter};
use std::time::Duration;
use store::{
    Caller, Look, TenantTx,
    entity::session::{Column, Entity},
};

/// How long a step-up counts.
pub const STEP_UP_LIFE: Duration = Duration::from_secs(300);

#[derive(Clone, Debug, thiserror::Error)]
pub enum StepUpRefused {
    /// Belongs to the field `password`.
    #[error("The password is not right.")]
    Wrong,
    #[error("{}", refused::slow_down(*.until))]
    SlowDown { until: Time },
    #[error("{}", refused::BUSY)]
    Busy,
    /// Only a person at a browser steps up; the session may also have ended meanwhile.
    #[error("Sign in again.")]
    NotSignedIn,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Busy> for StepUpRefused {
    fn from(_: Busy) -> Self {
        StepUpRefused::Busy
    }
}

/// Whether the caller's session had a factor within `STEP_UP_LIFE`; never for keys, recipients and jobs.
pub async fn stepped_up(look: &impl Look) -> Result<bool, Fault> {
    let Some((_, id)) = member::signed_in(look.caller()) else { return Ok(false) };
    let row = look.get::<Entity>(id.0).await?;
    let at = row.and_then(|row| row.stepped_up_at).map(Time);
    Ok(at.is_some_and(|at| at <= look.now() && look.now().since(at) < STEP_UP_LIFE))
}

impl Accounts {
    /// As [`stepped_up`], for a door.
    pub async fn stepped_up(&self, caller: &Caller) -> Result<bool, Fault> {
        self.db.read(caller, async |read| stepped_up(read).await).await
    }

    /// Steps the session up by the password; the browser goes on with the new token.
    pub async fn step_up(&self, caller: &Caller, password: &str) -> Result<Token, StepUpRefused> {
        let Some((id, session)) = member::signed_in(caller) else { return Err(StepUpRefused::NotSignedIn) };
        if let Some(until) = self.held(OLD_PASSWORD_PER_MEMBER, &id.to_string()).await? {
            return Err(StepUpRefused::SlowDown { until });
        }
        let row = self.db.read(caller, async |read| member::get(read, id).await).await?;
        if password.chars().count() > MAX_PASSWORD_CHARS || !self.verify(Some(&row.password_hash), password).await? {
            return Err(StepUpRefused::Wrong);
        }
        let token = Token::random(self.db.chance());
        let hash = token.hash();
        let risen = self.db.act(caller, async |tx| rise(tx, id, session, row.epoch, hash).await).await?;
        // The password was changed, or the session ended, while it was being checked.
        if risen { Ok(token) } else { Err(StepUpRefused::NotSignedIn) }
    }
}

/// False if there is no such session of this member and epoch.
pub(crate) async fn rise(tx: &TenantTx, member: MemberId, session: SessionId, epoch: i64, token_hash: [u8; 32]) -> Result<bool, Fault> {
    if member::lock(tx, member).await?.epoch != epoch {
        return Ok(false);
    }
    let update = tx.update::<Entity>().set(Column::SteppedUpAt, tx.now().0).set(Column::TokenHash, token_hash.to_vec());
    let own = update.filter(Column::Id.eq(session.0)).filter(Column::MemberId.eq(member.0)).filter(Column::Epoch.eq(epoch));
    Ok(own.exec().await? == 1)
}
