//! API keys: made once, shown once, listed, revoked.
//!
//! The secret is `csk_` and the 43 characters of a 256-bit token; only the token's SHA-256 is kept.

use crate::{
    Accounts,
    member::{self, signed_in},
};
use kernel::{ApiKeyId, BadLine, Fault, Line, MAX_NAME_CHARS, MemberId, Time};
use keys::Token;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, Set};
use store::{
    Caller, NotAllowed, Right, TenantTx,
    entity::api_key::{ActiveModel, Column, Entity, Model},
};

/// Living keys of one member.
pub const MAX_API_KEYS: u64 = 50;

/// What every secret begins with, so that scanners of leaked secrets find ours.
const PREFIX: &str = "csk_";
/// Characters of the secret that stay visible, prefix included: 6 of its 43, which leaves 220 bits.
const SHOWN: usize = PREFIX.len() + 6;

/// A key just made. The secret is shown now and never again.
#[derive(Clone)]
pub struct NewKey {
    pub id: ApiKeyId,
    pub name: String,
    /// The secret's first characters, by which people tell keys apart.
    pub shown: String,
    pub secret: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyView {
    pub id: ApiKeyId,
    pub name: String,
    pub shown: String,
    pub created_at: Time,
    /// Right to the minute.
    pub last_used_at: Option<Time>,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyRefused {
    /// Belongs to the field `name`.
    #[error("The name {0}.")]
    Name(#[from] BadLine),
    #[error("You have {limit} keys already. Revoke one that is not used any more.")]
    TooMany { limit: u64 },
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error("Sign in to make an API key; a key cannot make another.")]
    NotSignedIn,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl KeyRefused {
    /// The form's field: `name`.
    pub fn field(&self) -> Option<&'static str> {
        matches!(self, KeyRefused::Name(_)).then_some("name")
    }
}

/// The token in the text of a bearer key; `None` for text that cannot be one of ours.
pub fn key_token(text: &str) -> Option<Token> {
    text.strip_prefix(PREFIX)?.parse().ok()
}

impl Accounts {
    /// Makes a key for the caller, who must be signed in.
    pub async fn create_key(&self, caller: &Caller, name: &str) -> Result<NewKey, KeyRefused> {
        let Some((member, _)) = signed_in(caller) else { return Err(KeyRefused::NotSignedIn) };
        caller.must(Right::MakeKey)?;
        let name = Line::<MAX_NAME_CHARS>::parse_some(name)?;
        self.db.act(caller, async |tx| create(tx, member, name.as_str()).await).await
    }
    /// The member's living keys, newest first.
    pub async fn keys(&self, caller: &Caller) -> Result<Vec<KeyView>, Fault> {
        let Some(member) = caller.member() else { return Ok(Vec::new()) };
        let newest = async |read: &store::TenantRead| {
            let living = read.find::<Entity>().filter(living(member));
            living.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).limit(MAX_API_KEYS).all().await
        };
        Ok(self.db.read::<_, Fault, _>(caller, newest).await?.into_iter().map(view).collect())
    }
    /// Ends a key of the caller's own; false if there is none such.
    pub async fn revoke_key(&self, caller: &Caller, id: ApiKeyId) -> Result<bool, Fault> {
        let Some((member, _)) = signed_in(caller) else { return Ok(false) };
        let revoked = self.db.act::<_, Fault, _>(caller, async |tx| {
            let own = living(member).add(Column::Id.eq(id.0));
            tx.update::<Entity>().set(Column::RevokedAt, tx.now().0).filter(own).exec().await
        });
        Ok(revoked.await? == 1)
    }
}

async fn create(tx: &TenantTx, member: MemberId, name: &str) -> Result<NewKey, KeyRefused> {
    // The member's row is the lock under which keys are counted.
    member::lock(tx, member).await?;
    if tx.find::<Entity>().filter(living(member)).count().await? >= MAX_API_KEYS {
        return Err(KeyRefused::TooMany { limit: MAX_API_KEYS });
    }
    let token = Token::random(tx.chance());
    let secret = format!("{PREFIX}{token}");
    let key = NewKey { id: ApiKeyId::new(tx.now(), tx.chance()), name: name.to_owned(), shown: secret[..SHOWN].to_owned(), secret };
    tx.insert(ActiveModel {
        id: Set(key.id.0),
        member_id: Set(member.0),
        name: Set(key.name.clone()),
        shown: Set(key.shown.clone()),
        token_hash: Set(token.hash().to_vec()),
        created_at: Set(tx.now().0),
        last_used_at: Set(None),
        revoked_at: Set(None),
        ..Default::default()
    })
    .await?;
    Ok(key)
}

/// Ends every key of the member.
pub(crate) async fn revoke_all(tx: &TenantTx, member: MemberId) -> Result<u64, Fault> {
    tx.update::<Entity>().set(Column::RevokedAt, tx.now().0).filter(living(member)).exec().await
}

/// Keys of the member that were not revoked.
fn living(member: MemberId) -> Condition {
    Condition::all().add(Column::MemberId.eq(member.0)).add(Column::RevokedAt.is_null())
}

fn view(row: Model) -> KeyView {
    KeyView {
        id: ApiKeyId(row.id),
        name: row.name,
        shown: row.shown,
        created_at: Time(row.created_at),
        last_used_at: row.last_used_at.map(Time),
    }
}
