//! The authorities that a tenant accepts: added, given rules, removed.
//!
//! What would surprise you: the host that asks for certificates comes with the first authority and goes with the last; handshakes hear of
//! it from a table in memory, which follows what is written here.

use crate::{
    ClientCertificates, SetRefused,
    authority::{self, Authority, Uploaded},
    crl::Lists,
    facts,
    host::host_of,
    watch,
};
use kernel::{ClientCaId, Fault, Time};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, Set};
use std::time::Duration;
use store::{
    Caller, Look, Right, TenantTx,
    entity::client_ca::{ActiveModel, Column, Entity, Model},
};

pub const MAX_AUTHORITIES: u64 = 10;
const MAX_GRACE_HOURS: i64 = 30 * 24;
const MAX_URL_CHARS: usize = 500;

/// What an authority may do here, and where its list of revoked certificates is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Its certificates name members by their e-mail address.
    pub maps_by_address: bool,
    /// Empty: revocation is not asked about.
    pub crl_url: String,
    /// How long a list counts beyond its own end.
    pub crl_grace_hours: i64,
}

#[derive(Clone, Debug)]
pub struct AuthorityView {
    pub id: ClientCaId,
    pub subject: String,
    /// SHA-256, as other programs show it.
    pub fingerprint: String,
    pub not_after: Time,
    /// Made here.
    pub own: bool,
    pub rules: Rules,
    /// Until when the list that we have counts, grace included.
    pub list_good_until: Option<Time>,
    /// What went wrong with the last look for a list; empty if nothing did.
    pub list_said: String,
}

impl ClientCertificates {
    /// Those that the caller's tenant accepts, oldest first.
    pub async fn authorities(&self, caller: &Caller) -> Result<Vec<AuthorityView>, Fault> {
        Ok(self.accounts.db.read(caller, async |read| rows(read).await).await?.into_iter().map(view).collect())
    }

    /// Accepts the authority of a PEM text from the commit on.
    pub async fn add_authority(&self, caller: &Caller, pem: &str, rules: &Rules) -> Result<ClientCaId, SetRefused> {
        caller.must(Right::SetCertificates)?;
        let rules = sound(rules)?;
        let uploaded = Uploaded::parse(pem, self.accounts.db.clock().now())?;
        self.accounts.db.act(caller, async |tx| self.put(tx, &uploaded, &rules, None).await).await
    }

    /// Changes what an authority may do.
    pub async fn set_rules(&self, caller: &Caller, id: ClientCaId, rules: &Rules) -> Result<(), SetRefused> {
        caller.must(Right::SetCertificates)?;
        let rules = sound(rules)?;
        self.accounts
            .db
            .act(caller, async |tx| {
                must_be_stepped_up(tx).await?;
                let before = find(tx, id).await?.ok_or(SetRefused::NotFound)?;
                let mut update = tx
                    .update::<Entity>()
                    .set(Column::MapsByAddress, rules.maps_by_address)
                    .set(Column::CrlGraceHours, rules.crl_grace_hours)
                    .filter(Column::Id.eq(id.0));
                let moved = before.crl_url != rules.crl_url;
                if moved {
                    update = update
                        .set(Column::CrlUrl, rules.crl_url.clone())
                        .set(Column::Crl, None::<Vec<u8>>)
                        .set(Column::CrlNextAt, None::<i64>)
                        .set(Column::CrlSaid, "");
                }
                update.exec().await?;
                if before.maps_by_address && !rules.maps_by_address {
                    accounts::end_sign_in_tickets(tx, None).await?;
                }
                if moved { watch::begin(tx, id, &rules.crl_url).await } else { Ok(()) }.map_err(SetRefused::from)
            })
            .await
    }

    /// Accepts nothing of it any more; the certificates enrolled under it go with it.
    pub async fn remove_authority(&self, caller: &Caller, id: ClientCaId) -> Result<(), SetRefused> {
        caller.must(Right::SetCertificates)?;
        self.accounts
            .db
            .act(caller, async |tx| {
                must_be_stepped_up(tx).await?;
                match tx.delete::<Entity>(Column::Id.eq(id.0)).await? {
                    0 => Err(SetRefused::NotFound),
                    _ => {
                        accounts::end_sign_in_tickets(tx, None).await?;
                        self.publish(tx).await
                    }
                }
            })
            .await
    }

    /// One more authority of this tenant; `key_sealed` where it is our own.
    pub(crate) async fn put(
        &self,
        tx: &TenantTx,
        uploaded: &Uploaded,
        rules: &Rules,
        own: Option<(ClientCaId, Vec<u8>)>,
    ) -> Result<ClientCaId, SetRefused> {
        must_be_stepped_up(tx).await?;
        let there = rows(tx).await?;
        if there.iter().any(|row| row.fingerprint == uploaded.fingerprint) {
            return Err(SetRefused::Already);
        }
        if there.len() as u64 >= MAX_AUTHORITIES {
            return Err(SetRefused::TooMany { limit: MAX_AUTHORITIES });
        }
        let (id, key_sealed) = match own {
            Some((id, sealed)) => (id, Some(sealed)),
            None => (ClientCaId::new(tx.now(), tx.chance()), None),
        };
        tx.insert(ActiveModel {
            id: Set(id.0),
            fingerprint: Set(uploaded.fingerprint.to_vec()),
            subject: Set(uploaded.subject.clone()),
            chain: Set(authority::to_pem(&uploaded.chain)),
            not_after: Set(uploaded.not_after.0),
            key_sealed: Set(key_sealed),
            maps_by_address: Set(rules.maps_by_address),
            crl_url: Set(rules.crl_url.clone()),
            crl_grace_hours: Set(rules.crl_grace_hours),
            crl: Set(None),
            crl_next_at: Set(None),
            crl_looked_at: Set(None),
            crl_said: Set(String::new()),
            added_at: Set(tx.now().0),
            ..Default::default()
        })
        .await?;
        watch::begin(tx, id, &rules.crl_url).await?;
        self.publish(tx).await?;
        Ok(id)
    }

    /// Tells handshakes which authorities the tenant's host speaks of, or that there is no such host any more.
    async fn publish(&self, tx: &TenantTx) -> Result<(), SetRefused> {
        let host = host_of(&self.accounts.site, tx.tenant()).ok_or(SetRefused::NoName)?;
        let mut roots = Vec::new();
        for row in rows(tx).await? {
            for der in authority::of_pem(&row.chain).map_err(|bad| Fault::other(format!("an authority that was kept: {bad}")))? {
                let read = facts::read(&der).map_err(|bad| Fault::other(format!("an authority that was kept: {bad}")))?;
                roots.extend_from_slice(read.subject().as_raw());
            }
        }
        Ok(tx.ask_for_certificates(&host, roots).await?)
    }
}

pub(crate) async fn must_be_stepped_up(look: &impl Look) -> Result<(), SetRefused> {
    if accounts::stepped_up(look).await? { Ok(()) } else { Err(SetRefused::StepUp) }
}

/// Whether the tenant accepts any.
pub(crate) async fn any(look: &impl Look) -> Result<bool, Fault> {
    Ok(look.find::<Entity>().count().await? > 0)
}

pub(crate) async fn rows(look: &impl Look) -> Result<Vec<Model>, Fault> {
    look.find::<Entity>().order_by_asc(Column::AddedAt).order_by_asc(Column::Id).limit(MAX_AUTHORITIES).all().await
}

pub(crate) async fn find(look: &impl Look, id: ClientCaId) -> Result<Option<Model>, Fault> {
    look.get::<Entity>(id.0).await
}

/// Until this act ends nobody removes the authority or changes its rules (PostgreSQL; on SQLite an act is alone anyway).
pub(crate) async fn hold(tx: &TenantTx, id: ClientCaId) -> Result<(), Fault> {
    tx.hold::<Entity>(id.0).await.map(|_| ())
}

/// As it is verified against.
pub(crate) fn ready(row: Model, lists: &Lists) -> Result<Authority, Fault> {
    let chain = authority::of_pem(&row.chain).map_err(|bad| Fault::other(format!("an authority that was kept: {bad}")))?;
    let list = lists.of(&row, grace(row.crl_grace_hours));
    Ok(Authority { id: ClientCaId(row.id), chain, maps_by_address: row.maps_by_address, crl_url: row.crl_url, list })
}

fn view(row: Model) -> AuthorityView {
    let grace = grace(row.crl_grace_hours);
    AuthorityView {
        id: ClientCaId(row.id),
        subject: row.subject,
        fingerprint: authority::fingerprint_words(&row.fingerprint),
        not_after: Time(row.not_after),
        own: row.key_sealed.is_some(),
        list_good_until: row.crl_next_at.map(|next| Time(next).plus(grace)),
        list_said: row.crl_said,
        rules: Rules { maps_by_address: row.maps_by_address, crl_url: row.crl_url, crl_grace_hours: row.crl_grace_hours },
    }
}

fn grace(hours: i64) -> Duration {
    Duration::from_secs(u64::try_from(hours).unwrap_or(0) * 3_600)
}

fn sound(rules: &Rules) -> Result<Rules, SetRefused> {
    let url = rules.crl_url.trim();
    let plain = url.chars().all(|c| c.is_ascii_graphic());
    match url {
        "" => {}
        _ if url.len() > MAX_URL_CHARS => return Err(SetRefused::ListAddress("is longer than 500 characters")),
        _ if !plain => return Err(SetRefused::ListAddress("has a character in it that no address has")),
        _ if !url.starts_with("http://") && !url.starts_with("https://") => {
            return Err(SetRefused::ListAddress("must begin with http:// or https://"));
        }
        _ => {}
    }
    if !(0..=MAX_GRACE_HOURS).contains(&rules.crl_grace_hours) {
        return Err(SetRefused::Grace { most: MAX_GRACE_HOURS });
    }
    Ok(Rules { crl_url: url.to_owned(), ..rules.clone() })
}
