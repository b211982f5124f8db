//! Signing in with e-mail and password.
//!
//! What would surprise you: the number of password computations is always the same, whether the address is unknown, has
//! one membership or five. Signing up founds a tenant for any address, so a count that followed the memberships would
//! tell a stranger who signed up an address of yours that you are here too.

use crate::{
    Accounts, SignedIn,
    brakes::{SIGN_IN_PER_ACCOUNT, SIGN_IN_PER_DEVICE, SIGN_IN_PER_NETWORK, network},
    member, refused, session,
};
use kernel::{EmailAddress, Fault, MAX_PASSWORD_CHARS, MemberId, TenantId, Time};
use keys::{Busy, Token};
use store::{
    Caller, Look, Origin,
    entity::{self, tenant},
};

/// Memberships of one address that a password is tried against: proven ones first, then the newest. Also the number of
/// computations of a sign-in that names no tenant.
const MEMBERSHIPS_TRIED: usize = 5;

#[derive(Clone, Debug)]
pub enum SignIn {
    Done(SignedIn),
    /// The password fits several tenants: ask which, by id and name, and come again with the id.
    Choose(Vec<(TenantId, String)>),
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum SignInRefused {
    /// Unknown address or wrong password: one sentence for all of them.
    #[error("E-mail address or password is not right.")]
    Wrong,
    /// Said after the right password alone, so it tells strangers nothing.
    #[error(
        "This account is suspended: it can neither be signed in to nor send. Messages that it has sent can still be picked up. Ask whoever runs this site."
    )]
    Suspended,
    #[error("{}", refused::slow_down(*.until))]
    SlowDown { until: Time },
    #[error("{}", refused::BUSY)]
    Busy,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Busy> for SignInRefused {
    fn from(_: Busy) -> Self {
        SignInRefused::Busy
    }
}

impl Accounts {
    /// Signs in; `tenant` where the person has chosen one of several. `device` is what the browser says it is known by.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        tenant: Option<TenantId>,
        device: Option<&Token>,
        origin: Origin,
    ) -> Result<SignIn, SignInRefused> {
        let address = EmailAddress::parse(email).ok();
        // What is no address is nobody's account: each network's own slips count together, and no stranger's with them.
        let account = address.as_ref().map_or_else(|| format!("no address, {}", network(&origin)), EmailAddress::folded);
        if let Some(until) = self.held(SIGN_IN_PER_NETWORK, &network(&origin)).await? {
            return Err(SignInRefused::SlowDown { until });
        }
        let held = self.held(SIGN_IN_PER_ACCOUNT, &account).await?;
        let members = match (&address, held) {
            (Some(address), None) => self.to_try(address, tenant, &origin).await?,
            (None, None) => Vec::new(),
            (address, Some(until)) => match self.known_to(address.as_ref(), tenant, device, &origin).await? {
                known if known.is_empty() => return Err(SignInRefused::SlowDown { until }),
                known => known,
            },
        };
        let mut fitting = self.fitting(members, password, if tenant.is_some() { 1 } else { MEMBERSHIPS_TRIED }).await?;
        let before = fitting.len();
        fitting.retain(|member| !member.suspended);
        match fitting.len() {
            0 if before > 0 => Err(SignInRefused::Suspended),
            0 => Err(SignInRefused::Wrong),
            1 => self.enter(fitting.remove(0), device, origin).await.map(SignIn::Done),
            _ => Ok(SignIn::Choose(fitting.into_iter().map(|m| (m.caller.tenant(), m.tenant_name)).collect())),
        }
    }

    /// The active memberships of an address, most likely first, of one tenant if it is named.
    pub(crate) async fn memberships(
        &self,
        address: &EmailAddress,
        tenant: Option<TenantId>,
        origin: &Origin,
    ) -> Result<Vec<Membership>, Fault> {
        let mut members = self.to_try(address, tenant, origin).await?;
        members.retain(|member| !member.suspended);
        Ok(members)
    }

    /// The same with the suspended ones after them.
    async fn to_try(&self, address: &EmailAddress, tenant: Option<TenantId>, origin: &Origin) -> Result<Vec<Membership>, Fault> {
        let mut found = self.db.front_desk().members_with(address, origin.clone()).await?;
        found.retain(|(caller, ..)| tenant.is_none_or(|tenant| caller.tenant() == tenant));
        let mut members = Vec::new();
        for (caller, id, tenant_name) in found {
            if let Some((row, suspended)) = self.db.read(&caller, async |read| standing(read, id).await).await? {
                members.push(Membership { caller, id, tenant_name, row, suspended });
            }
        }
        members.sort_by_key(|m| (m.suspended, m.row.email_proven_at.is_none(), std::cmp::Reverse(m.row.created_at)));
        members.truncate(MEMBERSHIPS_TRIED);
        Ok(members)
    }

    /// The memberships that this browser is known to and has guesses of its own left at.
    async fn known_to(
        &self,
        address: Option<&EmailAddress>,
        tenant: Option<TenantId>,
        device: Option<&Token>,
        origin: &Origin,
    ) -> Result<Vec<Membership>, Fault> {
        let (Some(address), Some(token)) = (address, device) else { return Ok(Vec::new()) };
        let devices = self.db.front_desk().devices(token, address).await?;
        if devices.is_empty() {
            return Ok(Vec::new());
        }
        let mut known = Vec::new();
        for member in self.memberships(address, tenant, origin).await? {
            let device = devices.iter().find(|(tenant, id, _)| (*tenant, *id) == (member.caller.tenant(), member.id));
            if let Some((.., device)) = device
                && self.held(SIGN_IN_PER_DEVICE, &device.to_string()).await?.is_none()
            {
                known.push(member);
            }
        }
        Ok(known)
    }

    /// Those whose password this is, after exactly `computations` of them.
    async fn fitting(&self, members: Vec<Membership>, password: &str, computations: usize) -> Result<Vec<Membership>, Busy> {
        // A password that is too long to be anybody's costs what any other does.
        let typed = if password.chars().count() > MAX_PASSWORD_CHARS { "" } else { password };
        let mut members = members.into_iter();
        let mut fitting = Vec::new();
        for _ in 0..computations {
            let member = members.next();
            let right = self.verify(member.as_ref().map(|m| m.row.password_hash.as_str()), typed).await?;
            fitting.extend(member.filter(|_| right));
        }
        Ok(fitting)
    }

    /// A session under the epoch at which the password was right.
    async fn enter(&self, member: Membership, device: Option<&Token>, origin: Origin) -> Result<SignedIn, SignInRefused> {
        let (id, epoch) = (member.id, member.row.epoch);
        let tokens = self.db.act(&member.caller, async |tx| session::open(tx, id, epoch, Some(tx.now()), device).await).await?;
        self.walk_in(tokens, origin).await?.ok_or(SignInRefused::Wrong)
    }
}

/// One membership of an address.
pub(crate) struct Membership {
    /// The tenant's own, for reading and for opening the session.
    pub caller: Caller,
    pub id: MemberId,
    pub tenant_name: String,
    pub row: entity::member::Model,
    /// Member or tenant.
    pub suspended: bool,
}

/// The member, and whether they or the tenant are suspended; `None` if they are anything else than that or active.
async fn standing(look: &impl Look, id: MemberId) -> Result<Option<(entity::member::Model, bool)>, Fault> {
    let tenant = look.own::<tenant::Entity>().await?;
    let (Some(tenant), Some(member)) = (tenant, member::find(look, id).await?) else { return Ok(None) };
    let states = [member.state.as_str(), tenant.state.as_str()];
    let known = states.iter().all(|state| ["active", "suspended"].contains(state));
    let suspended = states.contains(&"suspended");
    Ok(known.then_some((member, suspended)))
}
