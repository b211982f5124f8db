//! A session: one signed-in browser. Its token is random, goes into the cookie, and only its SHA-256 is kept.
//!
//! What would surprise you: a session carries the member's epoch at the moment the password was checked. If the password
//! changed in between, the session is born dead.

use crate::{Accounts, device};
use kernel::{Fault, MemberId, SessionId, Time};
use keys::Token;
use sea_orm::{ColumnTrait, ExprTrait, Set};
use std::time::Duration;
use store::{Caller, Origin, TenantTx, entity::session};

/// A session ends after this, used or not.
pub const SESSION_LIFE: Duration = Duration::from_secs(30 * 86_400);

/// A new session; the tokens go into cookies and are nowhere else.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub token: Token,
    /// By which the account knows this browser again for `DEVICE_LIFE`, signed in or not.
    pub device: Token,
    pub caller: Caller,
}

/// A browser's two tokens.
pub(crate) struct Tokens {
    pub session: Token,
    pub device: Token,
}

/// Writes a session with a new token, and sweeps away those of the member that are over. `factor_at`: when a factor was given for it, if
/// one was; that counts as a step-up. `device`: what the browser is known by elsewhere already.
pub(crate) async fn open(
    tx: &TenantTx,
    member: MemberId,
    epoch: i64,
    factor_at: Option<Time>,
    device: Option<&Token>,
) -> Result<Tokens, Fault> {
    let session = open_at(tx, member, epoch, factor_at, ("", tx.now().plus(SESSION_LIFE))).await?;
    let device = device.cloned().unwrap_or_else(|| Token::random(tx.chance()));
    device::know(tx, member, &device).await?;
    Ok(Tokens { session, device })
}

/// The same for one host alone, until `expires_at`, and without the browser being known by it. Empty: the account host.
pub(crate) async fn open_at(
    tx: &TenantTx,
    member: MemberId,
    epoch: i64,
    factor_at: Option<Time>,
    (host, expires_at): (&str, Time),
) -> Result<Token, Fault> {
    let now = tx.now();
    let over = session::Column::MemberId.eq(member.0).and(session::Column::ExpiresAt.lte(now.0));
    tx.delete::<session::Entity>(over).await?;
    let token = Token::random(tx.chance());
    let origin = tx.caller().origin();
    tx.insert(session::ActiveModel {
        id: Set(SessionId::new(now, tx.chance()).0),
        member_id: Set(member.0),
        token_hash: Set(token.hash().to_vec()),
        epoch: Set(epoch),
        ip: Set(origin.ip.map(|ip| ip.to_string()).unwrap_or_default()),
        user_agent: Set(origin.user_agent.clone()),
        created_at: Set(now.0),
        seen_at: Set(now.0),
        expires_at: Set(expires_at.0),
        stepped_up_at: Set(factor_at.map(|at| at.0)),
        host: Set(host.to_owned()),
        ..Default::default()
    })
    .await?;
    Ok(token)
}

/// Ends every session of the member.
pub(crate) async fn end_all(tx: &TenantTx, member: MemberId) -> Result<u64, Fault> {
    tx.delete::<session::Entity>(session::Column::MemberId.eq(member.0)).await
}

impl Accounts {
    /// Walks in with a session just written, through the same door as every later request. `None`: it was born dead.
    pub(crate) async fn walk_in(&self, tokens: Tokens, origin: Origin) -> Result<Option<SignedIn>, Fault> {
        let caller = self.db.front_desk().session(&tokens.session, origin).await?;
        Ok(caller.map(|caller| SignedIn { token: tokens.session, device: tokens.device, caller }))
    }
}
