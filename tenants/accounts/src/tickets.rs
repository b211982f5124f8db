//! Tickets: who proved at one host of ours who they are takes one to another, where it counts once and for a short while.
//!
//! What would surprise you: a ticket carries the member's epoch, so a changed password ends it, too.

use crate::{Accounts, SignedIn, member, session, step_up};
use kernel::{Fault, MemberId, TicketId, Time};
use keys::Token;
use sea_orm::{ColumnTrait, Condition, ExprTrait, QueryFilter, Set};
use std::time::Duration;
use store::{
    Caller, Look, Origin, TenantTx,
    entity::{
        member::Model as Member,
        tenant,
        ticket::{ActiveModel, Column, Entity, Model},
    },
};

/// What a ticket is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketFor {
    /// Signing in, or stepping up a session of the same member. 30 seconds.
    SignIn,
    /// Showing a certificate that is to be theirs. 10 minutes.
    Enrolment,
}

impl TicketFor {
    fn text(self) -> &'static str {
        match self {
            TicketFor::SignIn => "sign_in",
            TicketFor::Enrolment => "enrolment",
        }
    }
    fn life(self) -> Duration {
        match self {
            TicketFor::SignIn => Duration::from_secs(30),
            TicketFor::Enrolment => Duration::from_secs(600),
        }
    }
}

/// A ticket that counts now.
#[derive(Clone, Debug)]
pub struct TicketView {
    pub id: TicketId,
    pub member: MemberId,
    pub name: String,
    pub email: String,
    pub tenant_name: String,
    /// The tenant's own, acting for nobody yet.
    pub caller: Caller,
    epoch: i64,
    factor_at: Time,
}

/// A ticket for a member who has just proven who they are.
pub async fn mint_ticket(tx: &TenantTx, member: &Member, purpose: TicketFor) -> Result<Token, Fault> {
    let now = tx.now();
    tx.delete::<Entity>(Column::EndsAt.lte(now.0)).await?;
    let token = Token::random(tx.chance());
    tx.insert(ActiveModel {
        id: Set(TicketId::new(now, tx.chance()).0),
        member_id: Set(member.id),
        purpose: Set(purpose.text().to_owned()),
        token_hash: Set(token.hash().to_vec()),
        epoch: Set(member.epoch),
        factor_at: Set(now.0),
        ends_at: Set(now.plus(purpose.life()).0),
        ..Default::default()
    })
    .await?;
    Ok(token)
}

/// Takes the ticket; `false`: somebody was first, or it is over.
pub async fn spend_ticket(tx: &TenantTx, ticket: &TicketView) -> Result<bool, Fault> {
    Ok(tx.delete::<Entity>(Column::Id.eq(ticket.id.0).and(Column::EndsAt.gt(tx.now().0))).await? == 1)
}

/// Ends the tickets by which `member`, or anybody of the tenant, could still sign in: what they were given for does not count any more. To be
/// called once that is written.
pub async fn end_sign_in_tickets(tx: &TenantTx, member: Option<MemberId>) -> Result<(), Fault> {
    let all = Condition::all().add(Column::Purpose.eq(TicketFor::SignIn.text()));
    tx.delete::<Entity>(all.add_option(member.map(|member| Column::MemberId.eq(member.0)))).await.map(|_| ())
}

impl Accounts {
    /// Whose ticket it is, if it counts: not over, the member and the tenant active, the password still the same. Changes nothing.
    pub async fn ticket(&self, token: &Token, purpose: TicketFor, origin: Origin) -> Result<Option<TicketView>, Fault> {
        let Some((caller, id)) = self.db.front_desk().ticket(token, origin).await? else { return Ok(None) };
        self.db.read(&caller, async |read| view(read, &caller, id, purpose).await).await
    }

    /// Signs in by the ticket; `None` if it does not count (any more).
    pub async fn sign_in_by_ticket(&self, token: &Token, device: Option<&Token>, origin: Origin) -> Result<Option<SignedIn>, Fault> {
        let Some(ticket) = self.ticket(token, TicketFor::SignIn, origin.clone()).await? else { return Ok(None) };
        let (member, epoch, factor_at) = (ticket.member, ticket.epoch, ticket.factor_at);
        let act = self.db.act::<_, Fault, _>(&ticket.caller, async |tx| match spend_ticket(tx, &ticket).await? {
            true => session::open(tx, member, epoch, Some(factor_at), device).await.map(Some),
            false => Ok(None),
        });
        match act.await? {
            Some(tokens) => self.walk_in(tokens, origin).await,
            None => Ok(None),
        }
    }

    /// Steps the caller's session up by a ticket of the same member; the browser goes on with the new token.
    pub async fn step_up_by_ticket(&self, caller: &Caller, token: &Token) -> Result<Option<Token>, Fault> {
        let Some((member, session)) = member::signed_in(caller) else { return Ok(None) };
        let ticket = self.ticket(token, TicketFor::SignIn, caller.origin().clone()).await?;
        let Some(ticket) = ticket.filter(|t| t.member == member && t.caller.tenant() == caller.tenant()) else { return Ok(None) };
        let fresh = Token::random(self.db.chance());
        let hash = fresh.hash();
        let act = self.db.act::<_, Fault, _>(caller, async |tx| {
            Ok(spend_ticket(tx, &ticket).await? && step_up::rise(tx, member, session, ticket.epoch, hash).await?)
        });
        Ok(act.await?.then_some(fresh))
    }
}

async fn view(look: &impl Look, caller: &Caller, id: TicketId, purpose: TicketFor) -> Result<Option<TicketView>, Fault> {
    let row = look.find::<Entity>().filter(Column::Id.eq(id.0)).filter(Column::Purpose.eq(purpose.text())).one().await?;
    let Some(row) = row.filter(|row: &Model| row.ends_at > look.now().0) else { return Ok(None) };
    let tenant = look.own::<tenant::Entity>().await?.filter(|tenant| tenant.state == "active");
    let member = member::find(look, MemberId(row.member_id)).await?.filter(|m| m.state == "active" && m.epoch == row.epoch);
    Ok(member.zip(tenant).map(|(member, tenant)| TicketView {
        id,
        member: MemberId(member.id),
        name: member.name,
        email: member.email,
        tenant_name: tenant.name,
        caller: caller.clone(),
        epoch: row.epoch,
        factor_at: Time(row.factor_at),
    }))
}
