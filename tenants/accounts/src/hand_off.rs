//! Handing a person who proved at one of our hosts who they are over to another host, where they are signed in then.
//!
//! What would surprise you: a code is not written down when it is made, so that a page that only sends somebody on changes nothing; it is
//! authenticated, and the row that is written when it is spent keeps it from being spent twice. It names the browser that asked for it at
//! the other host (the hash of a cookie there), so a code that a stranger made, or stole on its way, opens nothing in any other browser.

use crate::{Accounts, SESSION_LIFE, SignedIn, member, session};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Fault, FaultKind, HandOffId, MemberId, SessionId, TenantId, Time};
use keys::Token;
use sea_orm::{ColumnTrait, QueryFilter, Set};
use std::time::Duration;
use store::{
    Caller, Origin, TenantTx,
    entity::{hand_off, session as session_table, tenant},
};
use uuid::Uuid;

/// A code works this long.
pub const HAND_OFF_LIFE: Duration = Duration::from_secs(30);
/// Bytes before the path: kind, tenant, member, session, id, end, browser.
const HEAD: usize = 1 + 4 * 16 + 8 + 32;
const MAC: usize = 32;
/// Bytes of a path to come to.
const MAX_NEXT: usize = 2_000;

/// Where to, in which browser, and to which page.
#[derive(Clone, Copy, Debug)]
pub struct HandOffTo<'a> {
    /// The host that the code is for; empty: the account host.
    pub host: &'a str,
    /// SHA-256 of the token in the cookie that the browser has there.
    pub browser: [u8; 32],
    /// A path of ours, checked by whoever asks.
    pub next: &'a str,
}

/// On what grounds somebody was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOffBy {
    /// A living session at the account host.
    Session(SessionId),
    /// A client certificate that was proven in a handshake.
    Certificate,
}

/// Somebody who was handed over.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub signed_in: SignedIn,
    pub next: String,
    pub by: HandOffBy,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum HandOffRefused {
    /// Over, spent, another host's, another browser's, or made up: nobody is told which.
    #[error("This way in is over, or it began in another browser. Open the page again; nothing was lost.")]
    NotGood,
    #[error(transparent)]
    Fault(#[from] Fault),
}

struct Code {
    by: HandOffBy,
    tenant: TenantId,
    member: MemberId,
    id: HandOffId,
    expires_at: Time,
    browser: [u8; 32],
    next: String,
}

impl Accounts {
    /// A code for somebody who is signed in at the account host; `None` for a caller that is nobody's session.
    pub fn hand_off(&self, caller: &Caller, to: HandOffTo<'_>) -> Option<String> {
        let (member, session) = member::signed_in(caller)?;
        Some(self.code(caller.tenant(), member, HandOffBy::Session(session), to))
    }

    /// A code for a member who proved who they are by a client certificate. Whether it is theirs must be known before.
    pub fn hand_off_by_certificate(&self, tenant: TenantId, member: MemberId, to: HandOffTo<'_>) -> String {
        self.code(tenant, member, HandOffBy::Certificate, to)
    }

    fn code(&self, tenant: TenantId, member: MemberId, by: HandOffBy, to: HandOffTo<'_>) -> String {
        let now = self.db.clock().now();
        let next = if to.next.len() > MAX_NEXT { "/" } else { to.next }.to_owned();
        let id = HandOffId::new(now, self.db.chance());
        let code = Code { by, tenant, member, id, expires_at: now.plus(HAND_OFF_LIFE), browser: to.browser, next };
        code.sealed(&self.key(), to.host)
    }

    /// Spends a code at `host`, in the browser whose cookie there is `browser`, and signs its member in there. `of`: the tenant whose host
    /// it is; `known`: the browser's device cookie.
    pub async fn arrive(
        &self,
        code: &str,
        (host, of): (&str, Option<TenantId>),
        browser: &Token,
        known: Option<&Token>,
        origin: Origin,
    ) -> Result<Arrived, HandOffRefused> {
        let code = Code::opened(&self.key(), host, code).ok_or(HandOffRefused::NotGood)?;
        let fits = keys::same(&code.browser, &browser.hash()) && of.is_none_or(|of| of == code.tenant);
        if !fits || code.expires_at <= self.db.clock().now() {
            return Err(HandOffRefused::NotGood);
        }
        let caller = self.db.front_desk().system(code.tenant).with_origin(origin.clone());
        let spent = self.db.act(&caller, async |tx| spend(tx, &code, host, known).await).await;
        let tokens = match spent {
            Ok(tokens) => tokens,
            Err(HandOffRefused::Fault(fault)) if fault.kind() == FaultKind::Unique => return Err(HandOffRefused::NotGood),
            Err(refused) => return Err(refused),
        };
        let caller = self.db.front_desk().session_at(&tokens.session, host, origin).await?.ok_or(HandOffRefused::NotGood)?;
        let signed_in = SignedIn { token: tokens.session, device: tokens.device, caller };
        Ok(Arrived { signed_in, next: code.next, by: code.by })
    }

    fn key(&self) -> [u8; 32] {
        self.db.roots().derive("hand-off")
    }
}

async fn spend(tx: &TenantTx, code: &Code, host: &str, known: Option<&Token>) -> Result<session::Tokens, HandOffRefused> {
    let active = tx.own::<tenant::Entity>().await?.is_some_and(|tenant| tenant.state == "active");
    let member = member::find(tx, code.member).await?.filter(|member| active && member.state == "active");
    let member = member.ok_or(HandOffRefused::NotGood)?;
    let until = match code.by {
        HandOffBy::Session(id) => lives_until(tx, id, code.member, member.epoch).await?.ok_or(HandOffRefused::NotGood)?,
        HandOffBy::Certificate => tx.now().plus(SESSION_LIFE),
    };
    // The key of the row: the second one to spend the code is refused by the database.
    tx.insert(hand_off::ActiveModel {
        id: Set(code.id.0),
        host: Set(host.to_owned()),
        spent_at: Set(tx.now().0),
        expires_at: Set(code.expires_at.0),
        ..Default::default()
    })
    .await?;
    // A certificate is a factor; a session that came from another has to step up anew.
    let factor_at = (code.by == HandOffBy::Certificate).then(|| tx.now());
    if host.is_empty() {
        return Ok(session::open(tx, code.member, member.epoch, factor_at, known).await?);
    }
    let session = session::open_at(tx, code.member, member.epoch, factor_at, (host, until)).await?;
    Ok(session::Tokens { session, device: known.cloned().unwrap_or_else(|| Token::random(tx.chance())) })
}

/// When the session ends that the code was made in; `None` if it has ended, or is not the account host's.
async fn lives_until(tx: &TenantTx, id: SessionId, member: MemberId, epoch: i64) -> Result<Option<Time>, Fault> {
    use session_table::Column;
    let own = tx.find::<session_table::Entity>().filter(Column::Id.eq(id.0)).filter(Column::MemberId.eq(member.0));
    let row = own.filter(Column::Epoch.eq(epoch)).filter(Column::Host.eq("")).filter(Column::ExpiresAt.gt(tx.now().0)).one().await?;
    Ok(row.map(|row| Time(row.expires_at)))
}

impl Code {
    fn sealed(&self, key: &[u8; 32], host: &str) -> String {
        let (kind, session) = match self.by {
            HandOffBy::Session(id) => (1, id.0),
            HandOffBy::Certificate => (2, Uuid::nil()),
        };
        let mut bytes = vec![kind];
        for id in [self.tenant.0, self.member.0, session, self.id.0] {
            bytes.extend(id.as_bytes());
        }
        bytes.extend(self.expires_at.0.to_be_bytes());
        bytes.extend(self.browser);
        bytes.extend(self.next.as_bytes());
        let mac = keys::mac(key, &[host.as_bytes(), &bytes]);
        bytes.extend(mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None` if it is none of ours for this host.
    fn opened(key: &[u8; 32], host: &str, text: &str) -> Option<Code> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| (HEAD + MAC..=HEAD + MAC + MAX_NEXT).contains(&bytes.len()))?;
        let (said, mac) = bytes.split_at(bytes.len() - MAC);
        if !keys::same(&keys::mac(key, &[host.as_bytes(), said]), mac) {
            return None;
        }
        let id = |nth: usize| Uuid::from_slice(&said[1 + nth * 16..17 + nth * 16]).ok();
        let by = match said[0] {
            1 => HandOffBy::Session(SessionId(id(2)?)),
            2 => HandOffBy::Certificate,
            _ => return None,
        };
        let (end, browser) = (said[65..73].try_into().ok()?, said[73..HEAD].try_into().ok()?);
        let next = std::str::from_utf8(&said[HEAD..]).ok()?.to_owned();
        let (tenant, member, id) = (TenantId(id(0)?), MemberId(id(1)?), HandOffId(id(3)?));
        Some(Code { by, tenant, member, id, expires_at: Time(i64::from_be_bytes(end)), browser, next })
    }
}
