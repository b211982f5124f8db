//! The authorities that a tenant accepts: added, given rules, removed.
//!
//! What would surprise you: the host that asks for certificates comes with the first authority and goes with the last; handshakes hear of
//! it from a table in memory, which follows what is written here.

use crate::{
    ClientCertificates, SetRefused,
    authority::{self, Authority, Uploaded},
    crl::{List, Lists},
    enrol, facts,
    host::host_of,
    watch,
};
use kernel::{ClientCaId, Fault, Time};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, Set};
use std::{collections::HashMap, time::Duration};
use store::{
    Caller, Look, Right, TenantTx,
    entity::{
        client_ca::{ActiveModel, Column, Entity, Model},
        client_ca_list,
    },
};

pub const MAX_AUTHORITIES: u64 = 10;
const MAX_GRACE_HOURS: i64 = 30 * 24;
const MAX_URL_CHARS: usize = 500;
/// Of one authority.
pub(crate) const MAX_LISTS: usize = 5;

/// What an authority may do here, and where its list of revoked certificates is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Its certificates name members by their e-mail address.
    pub maps_by_address: bool,
    /// Addresses of its lists of revoked certificates, and of those of authorities between. None: revocation is not asked about.
    pub lists: Vec<String>,
    /// How long a list counts beyond its own end.
    pub crl_grace_hours: i64,
}

/// A list of revoked certificates, as it stands.
#[derive(Clone, Debug)]
pub struct ListView {
    pub url: String,
    /// Until when the one that we have counts, grace included.
    pub good_until: Option<Time>,
    /// What went wrong with the last look; empty if nothing did.
    pub said: String,
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
    pub lists: Vec<ListView>,
}

impl ClientCertificates {
    /// Those that the caller's tenant accepts, oldest first.
    pub async fn authorities(&self, caller: &Caller) -> Result<Vec<AuthorityView>, Fault> {
        Ok(self.accounts.db.read(caller, async |read| with_lists(read).await).await?.into_iter().map(view).collect())
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
                tx.update::<Entity>()
                    .set(Column::MapsByAddress, rules.maps_by_address)
                    .set(Column::CrlGraceHours, rules.crl_grace_hours)
                    .filter(Column::Id.eq(id.0))
                    .exec()
                    .await?;
                if before.maps_by_address && !rules.maps_by_address {
                    accounts::end_sign_in_tickets(tx, None).await?;
                }
                Ok(set_lists(tx, id, &rules.lists).await?)
            })
            .await
    }

    /// Accepts nothing of it any more; the certificates enrolled under it go with it, and what was revoked stays revoked.
    pub async fn remove_authority(&self, caller: &Caller, id: ClientCaId) -> Result<(), SetRefused> {
        caller.must(Right::SetCertificates)?;
        self.accounts
            .db
            .act(caller, async |tx| {
                must_be_stepped_up(tx).await?;
                enrol::keep_revoked(tx, id).await?;
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
            crl_grace_hours: Set(rules.crl_grace_hours),
            added_at: Set(tx.now().0),
            ..Default::default()
        })
        .await?;
        set_lists(tx, id, &rules.lists).await?;
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

/// Each with its lists, in the order of their addresses.
async fn with_lists(look: &impl Look) -> Result<Vec<(Model, Vec<client_ca_list::Model>)>, Fault> {
    use client_ca_list::{Column, Entity};
    let mut lists: HashMap<_, Vec<_>> = HashMap::new();
    for list in look.find::<Entity>().order_by_asc(Column::Place).limit(MAX_AUTHORITIES * MAX_LISTS as u64).all().await? {
        lists.entry(list.ca_id).or_default().push(list);
    }
    let its = |row: Model| {
        let its = lists.remove(&row.id).unwrap_or_default();
        (row, its)
    };
    Ok(rows(look).await?.into_iter().map(its).collect())
}

/// The authority's lists are those of `urls` from now on; what was fetched from one that stays is kept.
async fn set_lists(tx: &TenantTx, ca: ClientCaId, urls: &[String]) -> Result<(), Fault> {
    use client_ca_list::{ActiveModel, Column, Entity};
    let of_this = || Condition::all().add(Column::CaId.eq(ca.0));
    let there = tx.find::<Entity>().filter(of_this()).limit(MAX_LISTS as u64).all().await?;
    tx.delete::<Entity>(of_this().add(Column::Url.is_not_in(urls))).await?;
    for (place, url) in (0_i64..).zip(urls) {
        match there.iter().find(|list| list.url == *url) {
            Some(list) if list.place == place => {}
            Some(list) => drop(tx.update::<Entity>().set(Column::Place, place).filter(Column::Id.eq(list.id)).exec().await?),
            None => {
                tx.insert(ActiveModel {
                    id: Set(kernel::new_uuid(tx.now(), tx.chance())),
                    ca_id: Set(ca.0),
                    place: Set(place),
                    url: Set(url.clone()),
                    der: Set(None),
                    next_at: Set(None),
                    looked_at: Set(None),
                    said: Set(String::new()),
                    ..Default::default()
                })
                .await?;
                watch::begin(tx, ca, url).await?;
            }
        }
    }
    Ok(())
}

/// All of them, as they are verified against; their lists come by [`lists_of`].
pub(crate) async fn ready(look: &impl Look) -> Result<Vec<Authority>, Fault> {
    let ready = |row: Model| {
        let chain = authority::of_pem(&row.chain).map_err(|bad| Fault::other(format!("an authority that was kept: {bad}")))?;
        let (id, grace) = (ClientCaId(row.id), grace(row.crl_grace_hours));
        Ok(Authority { id, chain, maps_by_address: row.maps_by_address, grace, lists: Vec::new() })
    };
    rows(look).await?.into_iter().map(ready).collect()
}

/// The lists of an authority, each of which may be long.
pub(crate) async fn lists_of(look: &impl Look, authority: &Authority, lists: &Lists) -> Result<Vec<Option<List>>, Fault> {
    use client_ca_list::{Column, Entity};
    let its = look.find::<Entity>().filter(Column::CaId.eq(authority.id.0)).limit(MAX_LISTS as u64).all().await?;
    Ok(its.iter().map(|list| lists.of(list, authority.grace)).collect())
}

fn view((row, lists): (Model, Vec<client_ca_list::Model>)) -> AuthorityView {
    let grace = grace(row.crl_grace_hours);
    let urls = lists.iter().map(|list| list.url.clone()).collect();
    let lists = lists.into_iter().map(|list| ListView {
        url: list.url,
        good_until: list.next_at.map(|next| Time(next).plus(grace)),
        said: list.said,
    });
    AuthorityView {
        id: ClientCaId(row.id),
        subject: row.subject,
        fingerprint: authority::fingerprint_words(&row.fingerprint),
        not_after: Time(row.not_after),
        own: row.key_sealed.is_some(),
        rules: Rules { maps_by_address: row.maps_by_address, lists: urls, crl_grace_hours: row.crl_grace_hours },
        lists: lists.collect(),
    }
}

fn grace(hours: i64) -> Duration {
    Duration::from_secs(u64::try_from(hours).unwrap_or(0) * 3_600)
}

fn sound(rules: &Rules) -> Result<Rules, SetRefused> {
    let mut lists: Vec<String> = Vec::new();
    for url in rules.lists.iter().map(|url| url.trim()).filter(|url| !url.is_empty()) {
        sound_address(url).map_err(SetRefused::ListAddress)?;
        if !lists.iter().any(|other| other == url) {
            lists.push(url.to_owned());
        }
    }
    if lists.len() > MAX_LISTS {
        return Err(SetRefused::TooManyLists);
    }
    if !(0..=MAX_GRACE_HOURS).contains(&rules.crl_grace_hours) {
        return Err(SetRefused::Grace { most: MAX_GRACE_HOURS });
    }
    Ok(Rules { lists, ..rules.clone() })
}

fn sound_address(url: &str) -> Result<(), &'static str> {
    match url {
        _ if url.len() > MAX_URL_CHARS => Err("is longer than 500 characters"),
        _ if !url.chars().all(|c| c.is_ascii_graphic()) => Err("has a character in it that no address has"),
        _ if !url.starts_with("http://") && !url.starts_with("https://") => Err("must begin with http:// or https://"),
        _ => Ok(()),
    }
}
