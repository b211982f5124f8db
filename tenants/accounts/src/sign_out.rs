//! Signing out, here or everywhere.

use crate::{Accounts, member::signed_in, session};
use kernel::Fault;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use store::{
    Caller,
    entity::{self, member},
};

impl Accounts {
    /// Ends the caller's session. Nothing to do for a caller without one.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), Fault> {
        if let Some((_, id)) = signed_in(caller) {
            self.revoke_session(caller, id).await?;
        }
        Ok(())
    }
    /// Ends every session of the member, this one too. API keys stay.
    pub async fn sign_out_everywhere(&self, caller: &Caller) -> Result<(), Fault> {
        let Some((id, _)) = signed_in(caller) else { return Ok(()) };
        self.db
            .act(caller, async |tx| {
                session::end_all(tx, id).await?;
                // Also those that are being opened at this moment under the old epoch.
                let next = Expr::col(member::Column::Epoch).add(1_i64);
                let whose = member::Column::Id.eq(id.0);
                tx.update::<entity::member::Entity>().set(member::Column::Epoch, next).filter(whose).exec().await?;
                Ok(())
            })
            .await
    }
}
