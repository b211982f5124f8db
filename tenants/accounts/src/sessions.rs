//! The member's sessions, listed and ended one by one.

use crate::{Accounts, member::signed_in};
use kernel::{Fault, MAX_PAGE, MemberId, SessionId, Time};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QueryOrder};
use store::{
    Caller, Look,
    entity::session::{Column, Entity, Model},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    pub id: SessionId,
    /// Where it signed in; empty if unknown.
    pub ip: String,
    pub user_agent: String,
    /// The tenant's own host at which it lives; `None`: the account host.
    pub host: Option<String>,
    pub created_at: Time,
    pub seen_at: Time,
    /// The one that asks.
    pub current: bool,
}

impl Accounts {
    /// The member's living sessions, last seen first.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<SessionView>, Fault> {
        let Some((id, current)) = signed_in(caller) else { return Ok(Vec::new()) };
        let rows = self.db.read(caller, async |read| living(read, id).await).await?;
        Ok(rows.into_iter().map(|row| view(row, current)).collect())
    }
    /// Ends one session of the caller's own; false if there is none such.
    pub async fn revoke_session(&self, caller: &Caller, id: SessionId) -> Result<bool, Fault> {
        let Some((member, _)) = signed_in(caller) else { return Ok(false) };
        let own = Column::Id.eq(id.0).and(Column::MemberId.eq(member.0));
        Ok(self.db.act(caller, async |tx| tx.delete::<Entity>(own).await).await? == 1)
    }
}

/// Sessions that are neither over nor of an epoch that has passed; the newest `MAX_PAGE`.
async fn living(look: &impl Look, member: MemberId) -> Result<Vec<Model>, Fault> {
    let epoch = crate::member::get(look, member).await?.epoch;
    look.find::<Entity>()
        .filter(Column::MemberId.eq(member.0))
        .filter(Column::Epoch.eq(epoch))
        .filter(Column::ExpiresAt.gt(look.now().0))
        .order_by_desc(Column::SeenAt)
        .order_by_desc(Column::Id)
        .limit(MAX_PAGE)
        .all()
        .await
}

fn view(row: Model, current: SessionId) -> SessionView {
    SessionView {
        id: SessionId(row.id),
        ip: row.ip,
        user_agent: row.user_agent,
        host: Some(row.host).filter(|host| !host.is_empty()),
        created_at: Time(row.created_at),
        seen_at: Time(row.seen_at),
        current: row.id == current.0,
    }
}
