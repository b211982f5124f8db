//! Mailed links: what they are for, how long they live, and reading one without using it.

use crate::{Accounts, jobs, member};
use kernel::{Fault, MailedLinkId, MemberId, Time};
use keys::Token;
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, Set};
use std::time::Duration;
use store::{
    Caller, Look, Origin, TenantTx,
    entity::{
        self,
        mailed_link::{ActiveModel, Column, Entity, Model},
    },
};

/// A link that proves an address works this long.
pub const PROVE_LINK_LIFE: Duration = Duration::from_secs(3 * 86_400);
/// A link that resets a password works this long.
pub const RESET_LINK_LIFE: Duration = Duration::from_secs(3_600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Claims that whoever uses it reads this address. It does not say who they are.
    ProveAddress,
    ResetPassword,
}

impl LinkPurpose {
    pub fn as_str(self) -> &'static str {
        match self {
            LinkPurpose::ProveAddress => "prove_address",
            LinkPurpose::ResetPassword => "reset_password",
        }
    }
    pub fn parse(text: &str) -> Option<LinkPurpose> {
        [LinkPurpose::ProveAddress, LinkPurpose::ResetPassword].into_iter().find(|purpose| purpose.as_str() == text)
    }
    /// How long such a link works.
    pub fn life(self) -> Duration {
        match self {
            LinkPurpose::ProveAddress => PROVE_LINK_LIFE,
            LinkPurpose::ResetPassword => RESET_LINK_LIFE,
        }
    }
}

/// A link that still works, for the page with the button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    pub purpose: LinkPurpose,
    pub email: String,
    /// The member's name.
    pub name: String,
    pub expires_at: Time,
}

impl Accounts {
    /// What a link is for; `None` if it is unknown, used or over. Changes nothing.
    pub async fn read_link(&self, token: &Token, origin: Origin) -> Result<Option<LinkView>, Fault> {
        Ok(self.living_link(token, origin).await?.map(|link| LinkView {
            purpose: link.purpose,
            email: link.member.email,
            name: link.member.name,
            expires_at: link.expires_at,
        }))
    }

    /// The link behind a token, if it still works and its member is active.
    pub(crate) async fn living_link(&self, token: &Token, origin: Origin) -> Result<Option<Living>, Fault> {
        let Some((caller, id)) = self.db.front_desk().mailed_link(token, origin).await? else { return Ok(None) };
        let found = self.db.read(&caller, async |read| living(read, id).await).await?;
        Ok(found.and_then(|(link, member)| {
            let purpose = LinkPurpose::parse(&link.purpose)?;
            Some(Living { caller, id, purpose, member, expires_at: Time(link.expires_at) })
        }))
    }
}

/// A link that works, and whose.
pub(crate) struct Living {
    pub caller: Caller,
    pub id: MailedLinkId,
    pub purpose: LinkPurpose,
    pub member: entity::member::Model,
    pub expires_at: Time,
}

impl Living {
    /// The caller is signed in as the link's member.
    pub fn is_of(&self, caller: &Caller) -> bool {
        let same_tenant = caller.tenant() == self.caller.tenant();
        member::signed_in(caller).is_some_and(|(id, _)| same_tenant && id.0 == self.member.id)
    }
}

/// The link's row and its member's, if the link is neither used nor over and the member is active.
pub(crate) async fn living(look: &impl Look, id: MailedLinkId) -> Result<Option<(Model, entity::member::Model)>, Fault> {
    let link = look.get::<Entity>(id.0).await?;
    let Some(link) = link.filter(|link| link.used_at.is_none() && link.expires_at > look.now().0) else { return Ok(None) };
    let member = member::find(look, MemberId(link.member_id)).await?.filter(|member| member.state == "active");
    Ok(member.map(|member| (link, member)))
}

/// Writes a link and leaves the mail for later. Only the SHA-256 of its token is kept: the mail's job derives it again.
pub(crate) async fn mail_link(tx: &TenantTx, member: MemberId, purpose: LinkPurpose) -> Result<MailedLinkId, Fault> {
    let now = tx.now();
    let over = Column::MemberId.eq(member.0).and(Column::ExpiresAt.lte(now.0));
    tx.delete::<Entity>(over).await?;
    let id = MailedLinkId::new(now, tx.chance());
    tx.insert(ActiveModel {
        id: Set(id.0),
        member_id: Set(member.0),
        purpose: Set(purpose.as_str().to_owned()),
        token_hash: Set(tx.keys().link_token(id).hash().to_vec()),
        created_at: Set(now.0),
        expires_at: Set(now.plus(purpose.life()).0),
        used_at: Set(None),
        ..Default::default()
    })
    .await?;
    jobs::mail_later(tx, id, purpose).await?;
    Ok(id)
}

/// Spends the link by one conditional update; false if another was first, or it is over.
pub(crate) async fn spend(tx: &TenantTx, id: MailedLinkId, purpose: LinkPurpose) -> Result<bool, Fault> {
    let now = tx.now().0;
    let spent = tx
        .update::<Entity>()
        .set(Column::UsedAt, now)
        .filter(Column::Id.eq(id.0))
        .filter(Column::Purpose.eq(purpose.as_str()))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .exec()
        .await?;
    Ok(spent == 1)
}

/// Spends whatever links of this purpose the member still has.
pub(crate) async fn spend_all(tx: &TenantTx, member: MemberId, purpose: LinkPurpose) -> Result<(), Fault> {
    tx.update::<Entity>()
        .set(Column::UsedAt, tx.now().0)
        .filter(Column::MemberId.eq(member.0))
        .filter(Column::Purpose.eq(purpose.as_str()))
        .filter(Column::UsedAt.is_null())
        .exec()
        .await?;
    Ok(())
}
