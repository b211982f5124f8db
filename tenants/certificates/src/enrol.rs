//! Enrolling: a member says at the account host, stepped up, that the certificate they will show is theirs, and then shows it.
//!
//! What would surprise you: nobody can enrol a certificate by uploading it. It takes its key, in a handshake, and the member's ticket.

use crate::{BadCertificate, ClientCertificates, NotFound, Presented, SetRefused, authorities::must_be_stepped_up, whose};
use accounts::{TicketFor, TicketView};
use kernel::{ClientCaId, ClientCertificateId, Fault, MemberId, Time};
use keys::Token;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, Set};
use store::{
    Caller, Look, Origin, TenantTx,
    entity::{
        client_certificate::{ActiveModel, Column, Entity, Model},
        revoked_certificate,
    },
};

/// Certificates of one member that count.
pub const MAX_CERTIFICATES: u64 = 10;

#[derive(Clone, Debug)]
pub struct CertificateView {
    pub id: ClientCertificateId,
    pub subject: String,
    /// As other programs show it.
    pub serial: String,
    /// Any sound certificate of the same key counts, so a renewed one does, too.
    pub by_key: bool,
    /// Made here, by the tenant's own authority.
    pub issued: bool,
    pub not_after: Time,
    pub added_at: Time,
    pub last_used_at: Option<Time>,
    pub revoked_at: Option<Time>,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum EnrolRefused {
    #[error("What led here counts once, and for ten minutes. Begin again in the settings.")]
    Over,
    #[error("This certificate is enrolled already.")]
    Already,
    #[error("{limit} certificates are the most that one person can have. Revoke one first.")]
    TooMany { limit: u64 },
    #[error(transparent)]
    Bad(#[from] BadCertificate),
    #[error("Your browser sent no certificate.")]
    NoneSent,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ClientCertificates {
    /// A ticket to show a certificate with, for ten minutes.
    pub async fn begin_enrolment(&self, caller: &Caller) -> Result<Token, SetRefused> {
        let act = self.accounts.db.act(caller, async |tx| {
            must_be_stepped_up(tx).await?;
            let member = accounts::member_of(tx).await?.ok_or(SetRefused::StepUp)?;
            Ok(accounts::mint_ticket(tx, &member, TicketFor::Enrolment).await?)
        });
        act.await
    }

    /// For whom the ticket is; `None` if it does not count at this host (any more).
    pub async fn enrolment(&self, presented: &Presented, token: &Token, origin: Origin) -> Result<Option<TicketView>, Fault> {
        let Ok(host) = self.host_caller(presented, origin.clone()) else { return Ok(None) };
        let ticket = self.accounts.ticket(token, TicketFor::Enrolment, origin).await?;
        Ok(ticket.filter(|ticket| ticket.caller.tenant() == host.tenant()))
    }

    /// Spends the ticket: from now on this certificate (`by_key`: any of its key) signs the ticket's member in.
    pub async fn enrol(&self, presented: &Presented, token: &Token, by_key: bool, origin: Origin) -> Result<(), EnrolRefused> {
        let ticket = self.enrolment(presented, token, origin).await?.ok_or(EnrolRefused::Over)?;
        let act = self.accounts.db.act(&ticket.caller, async |tx| {
            let verified = whose::holds(tx, &self.lists, presented).await.map_err(of_not_found)?;
            if whose::enrolled(tx, &verified).await.map_err(of_not_found)?.is_some() {
                return Err(EnrolRefused::Already);
            }
            if tx.find::<Entity>().filter(living(ticket.member)).count().await? >= MAX_CERTIFICATES {
                return Err(EnrolRefused::TooMany { limit: MAX_CERTIFICATES });
            }
            if !accounts::spend_ticket(tx, &ticket).await? {
                return Err(EnrolRefused::Over);
            }
            let (facts, ca) = (&verified.facts, verified.authority);
            let row = Enrolled {
                member: ticket.member,
                ca: ca.0,
                issuer_key_hash: verified.issuer_key_hash,
                serial: &facts.serial,
                key_hash: facts.key_hash,
                by_key,
                issued: false,
                subject: &facts.subject,
                not_after: facts.not_after,
            };
            Ok(row.insert(tx).await?)
        });
        act.await
    }

    /// The caller's own, newest first; revoked ones last.
    pub async fn certificates(&self, caller: &Caller) -> Result<Vec<CertificateView>, Fault> {
        let Some(member) = caller.member() else { return Ok(Vec::new()) };
        let rows = self.accounts.db.read::<_, Fault, _>(caller, async |read| {
            let own = read.find::<Entity>().filter(Column::MemberId.eq(member.0));
            own.order_by_desc(Column::AddedAt).order_by_desc(Column::Id).limit(100).all().await
        });
        let mut views: Vec<_> = rows.await?.into_iter().map(view).collect();
        views.sort_by_key(|view| view.revoked_at.is_some());
        Ok(views)
    }

    /// Revokes one of the caller's own, for good. `false`: there is none such that counts. Needs no step-up, as ending a session needs none.
    pub async fn revoke(&self, caller: &Caller, id: ClientCertificateId) -> Result<bool, Fault> {
        let Some(member) = caller.member() else { return Ok(false) };
        let act = self.accounts.db.act::<_, Fault, _>(caller, async |tx| {
            let own = living(member).add(Column::Id.eq(id.0));
            let revoked = tx.update::<Entity>().set(Column::RevokedAt, tx.now().0).filter(own).exec().await? == 1;
            if revoked {
                accounts::end_sign_in_tickets(tx, Some(member)).await?;
            }
            Ok(revoked)
        });
        act.await
    }
}

/// One more certificate that counts.
pub(crate) struct Enrolled<'a> {
    pub member: MemberId,
    pub ca: sea_orm::prelude::Uuid,
    pub issuer_key_hash: [u8; 32],
    pub serial: &'a [u8],
    pub key_hash: [u8; 32],
    pub by_key: bool,
    pub issued: bool,
    pub subject: &'a str,
    pub not_after: Time,
}

impl Enrolled<'_> {
    pub async fn insert(&self, tx: &TenantTx) -> Result<(), Fault> {
        tx.insert(ActiveModel {
            id: Set(ClientCertificateId::new(tx.now(), tx.chance()).0),
            member_id: Set(self.member.0),
            ca_id: Set(self.ca),
            issuer_key_hash: Set(self.issuer_key_hash.to_vec()),
            serial: Set(self.serial.to_vec()),
            key_hash: Set(self.key_hash.to_vec()),
            by_key: Set(self.by_key),
            issued: Set(self.issued),
            subject: Set(self.subject.to_owned()),
            not_after: Set(self.not_after.0),
            added_at: Set(tx.now().0),
            last_used_at: Set(None),
            revoked_at: Set(None),
            ..Default::default()
        })
        .await
    }
}

/// What was revoked of this authority outlives it.
pub(crate) async fn keep_revoked(tx: &TenantTx, ca: ClientCaId) -> Result<(), Fault> {
    // All of them held, so that none is revoked between this and the end of the act.
    let all = tx.find::<Entity>().filter(Column::CaId.eq(ca.0)).for_update().all().await?;
    for row in all.into_iter().filter(|row| row.revoked_at.is_some()) {
        tx.insert(revoked_certificate::ActiveModel {
            id: Set(row.id),
            issuer_key_hash: Set(row.issuer_key_hash),
            serial: Set(row.serial),
            key_hash: Set(row.key_hash),
            by_key: Set(row.by_key),
            revoked_at: Set(row.revoked_at.unwrap_or_else(|| tx.now().0)),
            ..Default::default()
        })
        .await?;
    }
    Ok(())
}

pub(crate) fn living(member: MemberId) -> Condition {
    Condition::all().add(Column::MemberId.eq(member.0)).add(Column::RevokedAt.is_null())
}

fn of_not_found(why: NotFound) -> EnrolRefused {
    match why {
        NotFound::NoneSent => EnrolRefused::NoneSent,
        NotFound::Bad(bad) => EnrolRefused::Bad(bad),
        NotFound::Nobodys | NotFound::NoHost => EnrolRefused::Over,
        NotFound::Fault(fault) => EnrolRefused::Fault(fault),
    }
}

fn view(row: Model) -> CertificateView {
    CertificateView {
        id: ClientCertificateId(row.id),
        subject: row.subject,
        serial: crate::facts::colons(&row.serial),
        by_key: row.by_key,
        issued: row.issued,
        not_after: Time(row.not_after),
        added_at: Time(row.added_at),
        last_used_at: row.last_used_at.map(Time),
        revoked_at: row.revoked_at.map(Time),
    }
}
