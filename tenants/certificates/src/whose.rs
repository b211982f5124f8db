//! Whose a certificate is: a member who enrolled it, or one whose proven address it carries where the tenant's administrator said so.
//!
//! What would surprise you: the common name never counts, and a certificate that was revoked here stays revoked, whatever its authority
//! says of it.

use crate::{BadCertificate, ClientCertificates, Facts, Presented, Verified, authorities, crl::Lists, host::tenant_of, verify::verify};
use accounts::TicketFor;
use kernel::{ClientCertificateId, EmailAddress, Fault, MemberId};
use keys::Token;
use sea_orm::{ColumnTrait, Condition, QueryFilter};
use std::slice;
use store::{
    Caller, Look, Origin, TenantTx,
    entity::{
        client_certificate::{Column, Entity, Model},
        member,
    },
};

/// The member behind a certificate.
#[derive(Clone, Debug)]
pub struct Found {
    pub member: MemberId,
    pub name: String,
    pub email: String,
    pub facts: Facts,
}

/// Why nobody is signed in by it; a sentence for whoever sits there.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotFound {
    #[error("Your browser sent no certificate.")]
    NoneSent,
    #[error(transparent)]
    Bad(#[from] BadCertificate),
    #[error(
        "This certificate is sound, but nobody here has said that it is theirs. If it is yours, sign in with your password and enrol it in the settings, under “Certificates”."
    )]
    Nobodys,
    #[error("There is nothing at this address any more.")]
    NoHost,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ClientCertificates {
    /// Who would be signed in. Changes nothing.
    pub async fn whose(&self, presented: &Presented, origin: Origin) -> Result<Found, NotFound> {
        let caller = self.host_caller(presented, origin)?;
        let db = &self.accounts.db;
        db.read(&caller, async |read| {
            let verified = holds(read, &self.lists, presented).await?;
            let (member, _) = member_of(read, &verified).await?;
            Ok(found(member, verified))
        })
        .await
    }

    /// A ticket that signs its member in at the account host, once and within half a minute.
    pub async fn ticket(&self, presented: &Presented, origin: Origin) -> Result<Token, NotFound> {
        let caller = self.host_caller(presented, origin)?;
        self.accounts
            .db
            .act(&caller, async |tx| {
                // Looked at, held, and looked at again: what is taken away meanwhile ends the tickets that it finds.
                let authority = holds(tx, &self.lists, presented).await?.authority;
                authorities::hold(tx, authority).await?;
                let verified = holds(tx, &self.lists, presented).await?;
                let (member, enrolled) = member_of(tx, &verified).await?;
                if let Some(id) = enrolled
                    && !used(tx, id).await?
                {
                    return Err(BadCertificate::Revoked.into());
                }
                Ok(accounts::mint_ticket(tx, &member, TicketFor::SignIn).await?)
            })
            .await
    }

    /// The host's tenant, acting for nobody yet.
    pub(crate) fn host_caller(&self, presented: &Presented, origin: Origin) -> Result<Caller, NotFound> {
        let tenant = tenant_of(&self.accounts.site, &presented.host).ok_or(NotFound::NoHost)?;
        Ok(self.accounts.db.front_desk().system(tenant).with_origin(origin))
    }
}

/// The certificate, if it holds for this tenant now.
pub(crate) async fn holds(look: &impl Look, lists: &Lists, presented: &Presented) -> Result<Verified, NotFound> {
    if presented.chain.is_empty() {
        return Err(NotFound::NoneSent);
    }
    let (mut all, now) = (authorities::ready(look).await?, look.now());
    // Anybody can show anything; only for what an authority stands behind are its lists read.
    for authority in &mut all {
        if verify(&presented.chain, slice::from_ref(authority), now).is_ok() {
            authority.lists = authorities::lists_of(look, authority, lists).await?;
        }
    }
    Ok(verify(&presented.chain, &all, now)?)
}

async fn member_of(look: &impl Look, verified: &Verified) -> Result<(member::Model, Option<ClientCertificateId>), NotFound> {
    if let Some(row) = enrolled(look, verified).await? {
        let member = active(look, Condition::all().add(member::Column::Id.eq(row.member_id))).await?;
        return Ok((member, Some(ClientCertificateId(row.id))));
    }
    if !verified.maps_by_address {
        return Err(NotFound::Nobodys);
    }
    let folded = verified.facts.addresses.iter().filter_map(|address| EmailAddress::parse(address).ok()).map(|address| address.folded());
    let theirs = Condition::all().add(member::Column::EmailFolded.is_in(folded)).add(member::Column::EmailProvenAt.is_not_null());
    Ok((active(look, theirs).await?, None))
}

/// What was enrolled of this certificate or its key; a refusal if that was revoked.
pub(crate) async fn enrolled(look: &impl Look, of: &Verified) -> Result<Option<Model>, NotFound> {
    enrolled_as(look, &of.issuer_key_hash, &of.facts.serial, &of.facts.key_hash).await
}

pub(crate) async fn enrolled_as(look: &impl Look, issuer: &[u8], serial: &[u8], key: &[u8]) -> Result<Option<Model>, NotFound> {
    macro_rules! this_or_its_key {
        ($table:ident) => {{
            use store::entity::$table::Column;
            let this = Condition::all().add(Column::IssuerKeyHash.eq(issuer)).add(Column::Serial.eq(serial));
            let its_key = Condition::all().add(Column::KeyHash.eq(key)).add(Column::ByKey.eq(true));
            look.find::<store::entity::$table::Entity>().filter(Condition::any().add(this).add(its_key))
        }};
    }
    let rows = this_or_its_key!(client_certificate).limit(10).all().await?;
    if rows.iter().any(|row| row.revoked_at.is_some()) || this_or_its_key!(revoked_certificate).count().await? > 0 {
        return Err(BadCertificate::Revoked.into());
    }
    Ok(rows.into_iter().next())
}

/// The one active member; nobody where there are several or none.
async fn active(look: &impl Look, which: Condition) -> Result<member::Model, NotFound> {
    let mut rows = look.find::<member::Entity>().filter(which).filter(member::Column::State.eq("active")).limit(2).all().await?;
    match (rows.pop(), rows.pop()) {
        (Some(one), None) => Ok(one),
        _ => Err(NotFound::Nobodys),
    }
}

/// Records its use; `false`: it was revoked meanwhile.
pub(crate) async fn used(tx: &TenantTx, id: ClientCertificateId) -> Result<bool, Fault> {
    let counts = Condition::all().add(Column::Id.eq(id.0)).add(Column::RevokedAt.is_null());
    Ok(tx.update::<Entity>().set(Column::LastUsedAt, tx.now().0).filter(counts).exec().await? == 1)
}

fn found(member: member::Model, verified: Verified) -> Found {
    Found { member: MemberId(member.id), name: member.name, email: member.email, facts: verified.facts }
}
