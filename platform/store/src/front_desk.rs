//! The front desk: the one file that looks at rows without knowing the tenant yet. It turns a credential into a `Caller`.
//!
//! On PostgreSQL row-level security holds here too: a transaction shows the one row whose credential it presents, and is then
//! pointed at that row's tenant for the rest.

use crate::{
    Caller, Db, Names, Origin, Role, TenantTx, Who,
    caller::Checked,
    connection::Connection,
    credentials::{Addressee, Known},
    entity::{TenantOwned, api_key, device, mailed_link, member, recipient, session, tenant, ticket},
    herald::News,
    postgres::Reach,
};
use kernel::{
    ApiKeyId, DeviceId, EmailAddress, Fault, MailedLinkId, MemberId, MessageId, RecipientId, SessionId, TenantId, TicketId, Time,
};
use keys::{Token, WrappedTenantKey};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select, Set};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// A session that was not used for this long is over.
pub const SESSION_IDLE: Duration = Duration::from_secs(14 * 24 * 3600);
/// Use of a session or key is written down at most this often.
const TOUCH: Duration = Duration::from_secs(60);
/// Members with the same address, one a tenant, that sign-in looks at.
const MAX_MEMBERSHIPS: u64 = 50;

/// Turns credentials into callers.
pub struct FrontDesk<'d> {
    db: &'d Db,
}

/// A tenant as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    pub id: TenantId,
    pub name: String,
    /// active, suspended, closed.
    pub state: String,
    pub plan: String,
    pub created_at: Time,
    /// The first owner's address; empty if there is none.
    pub owner_email: String,
}

impl<'d> FrontDesk<'d> {
    pub(crate) fn new(db: &'d Db) -> FrontDesk<'d> {
        FrontDesk { db }
    }
    pub(crate) fn db(&self) -> &'d Db {
        self.db
    }

    /// A browser that is signed in at the account host: session alive, member and tenant active, epoch equal. Revocation in this
    /// process is seen at once, elsewhere within a second.
    pub async fn session(&self, token: &Token, origin: Origin) -> Result<Option<Caller>, Fault> {
        self.session_at(token, "", origin).await
    }

    /// The same at another host; the session of one is none at any other.
    pub async fn session_at(&self, token: &Token, host: &str, origin: Origin) -> Result<Option<Caller>, Fault> {
        let hash = token.hash();
        let known = match self.remembered(&hash) {
            Some(known) => known,
            None => match Box::pin(self.look_up_session(hash)).await? {
                Some(known) => self.remember(hash, known),
                None => return Ok(None),
            },
        };
        let now = self.db.clock().now();
        let over = known.expires_at.is_none_or(|end| end <= now) || now.since(known.seen_at) >= SESSION_IDLE;
        if over || *known.host != *host {
            return Ok(None);
        }
        if now.since(known.seen_at) >= TOUCH {
            Box::pin(self.touch(hash, &known, now)).await;
        }
        Ok(Some(Caller::new(known.tenant, known.who, origin).found_good(Checked { at: now, as_of: known.as_of, names: known.names })))
    }

    /// An API key: not revoked, member and tenant active.
    pub async fn api_key(&self, token: &Token, origin: Origin) -> Result<Option<Caller>, Fault> {
        let hash = token.hash();
        let known = match self.remembered(&hash) {
            Some(known) => known,
            None => match Box::pin(self.look_up_key(hash)).await? {
                Some(known) => self.remember(hash, known),
                None => return Ok(None),
            },
        };
        let now = self.db.clock().now();
        if !matches!(known.who, Who::Key { .. }) {
            return Ok(None);
        }
        if now.since(known.seen_at) >= TOUCH {
            Box::pin(self.touch(hash, &known, now)).await;
        }
        Ok(Some(Caller::new(known.tenant, known.who, origin).found_good(Checked { at: now, as_of: known.as_of, names: known.names })))
    }

    /// Whether a text that is no API key now is one of a member or tenant that is not active. Only who has the key learns it.
    pub async fn is_key_of_suspended(&self, token: &Token) -> Result<bool, Fault> {
        let hash = token.hash();
        let find = api_key::Entity::find().filter(api_key::Column::TokenHash.eq(hash.to_vec()));
        self.db
            .across_read(&Reach::Credential(hash), async |rows| {
                let Some(key) = one(rows, find).await?.filter(|key| key.revoked_at.is_none()) else { return Ok(false) };
                Ok(active_member(rows, TenantId(key.tenant_id), key.member_id).await?.is_none())
            })
            .await
    }

    /// A pickup link. Works whatever the tenant's state: recipients never pay.
    pub async fn pickup(&self, token: &Token, origin: Origin) -> Result<Option<Caller>, Fault> {
        let hash = token.hash();
        let addressee = match self.db.credentials().addressee(&hash) {
            Some(addressee) => addressee,
            None => match Box::pin(self.look_up_link(hash)).await? {
                Some(addressee) => addressee,
                None => return Ok(None),
            },
        };
        let who = Who::Recipient { id: addressee.recipient, message: addressee.message };
        Ok(Some(Caller::new(addressee.tenant, who, origin)))
    }

    /// A link mailed to a member; spent or not, expired or not is for the room to decide.
    pub async fn mailed_link(&self, token: &Token, origin: Origin) -> Result<Option<(Caller, MailedLinkId)>, Fault> {
        let hash = token.hash();
        let find = mailed_link::Entity::find().filter(mailed_link::Column::TokenHash.eq(hash.to_vec()));
        let row = self.db.across_read(&Reach::Credential(hash), async |rows| one(rows, find).await).await?;
        Ok(row.map(|l| (Caller::new(TenantId(l.tenant_id), Who::System, origin), MailedLinkId(l.id))))
    }

    /// A ticket from another host of ours; spent or not, over or not is for the room to decide.
    pub async fn ticket(&self, token: &Token, origin: Origin) -> Result<Option<(Caller, TicketId)>, Fault> {
        let hash = token.hash();
        let find = ticket::Entity::find().filter(ticket::Column::TokenHash.eq(hash.to_vec()));
        let row = self.db.across_read(&Reach::Credential(hash), async |rows| one(rows, find).await).await?;
        Ok(row.map(|t| (Caller::new(TenantId(t.tenant_id), Who::System, origin), TicketId(t.id))))
    }

    /// Whom this browser is known to, among those with this address; suspended members too. Found by the token alone, and by it the
    /// address: how long it takes does not tell somebody who is known elsewhere whether an address has an account.
    pub async fn devices(&self, token: &Token, email: &EmailAddress) -> Result<Vec<(TenantId, MemberId, DeviceId)>, Fault> {
        let (hash, now) = (token.hash(), self.db.clock().now());
        let find = device::Entity::find().filter(device::Column::TokenHash.eq(hash.to_vec())).filter(device::Column::ExpiresAt.gt(now.0));
        let find = find.order_by_desc(device::Column::CreatedAt).limit(MAX_MEMBERSHIPS);
        self.db
            .across_read(&Reach::Credential(hash), async |rows| {
                let mut found = Vec::new();
                for device in all(rows, find).await? {
                    let tenant = TenantId(device.tenant_id);
                    enter(rows, tenant).await?;
                    let member = of_tenant::<member::Entity>(tenant).filter(member::Column::Id.eq(device.member_id));
                    if one(rows, member).await?.is_some_and(|member| member.email_folded == email.folded()) {
                        found.push((tenant, MemberId(device.member_id), DeviceId(device.id)));
                    }
                }
                Ok(found)
            })
            .await
    }

    /// Everybody with this address, with a caller (System) and the tenant's name, for signing in. Suspended members and tenants
    /// are among them: the room decides, at the same cost for all. Proven ones come first, then the newest, so that a crowd of
    /// strangers who signed up somebody's address does not hide that person's own account.
    pub async fn members_with(&self, email: &EmailAddress, origin: Origin) -> Result<Vec<(Caller, MemberId, String)>, Fault> {
        let folded = email.folded();
        let find = member::Entity::find().filter(member::Column::EmailFolded.eq(&folded));
        let find = find.order_by(member::Column::EmailProvenAt.is_null(), Order::Asc).order_by_desc(member::Column::CreatedAt);
        let find = find.order_by_asc(member::Column::TenantId).limit(MAX_MEMBERSHIPS);
        self.db
            .across_read(&Reach::Email(folded), async |rows| {
                let mut found = Vec::new();
                for member in all(rows, find).await? {
                    let id = TenantId(member.tenant_id);
                    let name = tenant_of(rows, id).await?.map(|t| t.name).unwrap_or_default();
                    found.push((Caller::new(id, Who::System, origin.clone()), MemberId(member.id), name));
                }
                Ok(found)
            })
            .await
    }

    /// Founds a tenant with a key of its own and runs `f` as its System caller, all in one act.
    pub async fn found<T, E, F>(&self, name: &str, plan: &str, origin: Origin, f: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut TenantTx) -> Result<T, E> + Clone,
        E: From<Fault>,
    {
        let (now, chance) = (self.db.clock().now(), self.db.chance());
        let id = TenantId::new(now, chance);
        let (key, wrapped) = self.db.roots().new_tenant_key(id, chance);
        let row = tenant::ActiveModel {
            tenant_id: Set(id.0),
            name: Set(name.to_owned()),
            state: Set("active".to_owned()),
            plan: Set(plan.to_owned()),
            key_version: Set(wrapped.version),
            key_wrapped: Set(wrapped.bytes),
            created_at: Set(now.0),
        };
        let founder = Caller::new(id, Who::System, origin);
        let founding = async move |tx: &mut TenantTx| {
            tx.insert(row).await?;
            f(tx).await
        };
        self.db.act_with_key(&founder, Some(key), founding).await
    }

    /// For jobs and the operator's commands.
    pub fn system(&self, tenant: TenantId) -> Caller {
        Caller::new(tenant, Who::System, Origin::default())
    }

    /// Tenants in the order of their ids, after `after`.
    pub async fn tenants(&self, after: Option<TenantId>, limit: u64) -> Result<Vec<TenantRow>, Fault> {
        let find = tenant::Entity::find().filter(tenant::Column::TenantId.gt(after.map_or(Uuid::nil(), |t| t.0)));
        let find = find.order_by_asc(tenant::Column::TenantId).limit(limit);
        self.db
            .across_read(&Reach::Operator, async |rows| {
                let mut found = Vec::new();
                for row in all(rows, find).await? {
                    let owner_email = first_owner(rows, TenantId(row.tenant_id)).await?;
                    found.push(tenant_row(row, owner_email));
                }
                Ok(found)
            })
            .await
    }

    /// A fault if the root keys do not open the oldest and the newest tenant's key: they are another database's.
    pub async fn check_roots(&self) -> Result<(), Fault> {
        for order in [Order::Asc, Order::Desc] {
            let find = tenant::Entity::find().order_by(tenant::Column::TenantId, order);
            let Some(row) = self.db.across_read(&Reach::Operator, async |rows| one(rows, find).await).await? else { break };
            let wrapped = WrappedTenantKey { version: row.key_version, bytes: row.key_wrapped };
            self.db.roots().open_tenant_key(TenantId(row.tenant_id), &wrapped).map_err(|fault| {
                Fault::other(format!("the root key does not fit this database ({fault}): put the right root.key back from its backup"))
            })?;
        }
        self.db.certificates().check_roots().await
    }

    /// Suspends or restores; `false`: no such tenant.
    pub async fn set_tenant_state(&self, id: TenantId, state: &str) -> Result<bool, Fault> {
        let update = tenant::Entity::update_many().filter(tenant::Column::TenantId.eq(id.0));
        let update = update.col_expr(tenant::Column::State, state.into());
        let news = News { credentials: true, ..News::default() };
        self.db.across(&Reach::Operator, news, async |rows| rows.run(update.build(rows.backend())).await.map(|n| n == 1)).await
    }

    async fn look_up_link(&self, hash: [u8; 32]) -> Result<Option<Addressee>, Fault> {
        let find = recipient::Entity::find().filter(recipient::Column::TokenHash.eq(hash.to_vec()));
        let row = self.db.across_read(&Reach::Credential(hash), async |rows| one(rows, find).await).await?;
        let addressee =
            row.map(|r| Addressee { tenant: TenantId(r.tenant_id), recipient: RecipientId(r.id), message: MessageId(r.message_id) });
        if let Some(addressee) = addressee {
            self.db.credentials().put_addressee(hash, addressee);
        }
        Ok(addressee)
    }

    async fn look_up_session(&self, hash: [u8; 32]) -> Result<Option<Known>, Fault> {
        let as_of = self.db.herald().credentials();
        let find = session::Entity::find().filter(session::Column::TokenHash.eq(hash.to_vec()));
        self.db
            .across_read(&Reach::Credential(hash), async |rows| {
                let Some(session) = one(rows, find).await? else { return Ok(None) };
                let tenant = TenantId(session.tenant_id);
                let Some((member, names)) = active_member(rows, tenant, session.member_id).await? else { return Ok(None) };
                if member.epoch != session.epoch {
                    return Ok(None);
                }
                let Some(role) = Role::parse(&member.role) else { return Ok(None) };
                let (id, proven) = (MemberId(member.id), member.email_proven_at.is_some());
                let who = Who::Member { id, session: SessionId(session.id), role, proven };
                let (expires_at, seen_at) = (Some(Time(session.expires_at)), Time(session.seen_at));
                Ok(Some(Known { tenant, who, names, host: session.host.into(), expires_at, seen_at, as_of }))
            })
            .await
    }

    async fn look_up_key(&self, hash: [u8; 32]) -> Result<Option<Known>, Fault> {
        let as_of = self.db.herald().credentials();
        let find = api_key::Entity::find().filter(api_key::Column::TokenHash.eq(hash.to_vec()));
        self.db
            .across_read(&Reach::Credential(hash), async |rows| {
                let Some(key) = one(rows, find).await?.filter(|k| k.revoked_at.is_none()) else { return Ok(None) };
                let tenant = TenantId(key.tenant_id);
                let Some((member, names)) = active_member(rows, tenant, key.member_id).await? else { return Ok(None) };
                let Some(role) = Role::parse(&member.role) else { return Ok(None) };
                let (id, proven) = (ApiKeyId(key.id), member.email_proven_at.is_some());
                let who = Who::Key { id, member: MemberId(member.id), role, proven };
                Ok(Some(Known {
                    tenant,
                    who,
                    names,
                    host: "".into(),
                    expires_at: None,
                    seen_at: Time(key.last_used_at.unwrap_or(0)),
                    as_of,
                }))
            })
            .await
    }

    fn remembered(&self, hash: &[u8; 32]) -> Option<Known> {
        self.db.credentials().get(hash, self.db.herald().credentials())
    }
    fn remember(&self, hash: [u8; 32], known: Known) -> Known {
        self.db.credentials().put(hash, known.clone());
        known
    }

    /// Writes down that the credential was used. A database that cannot write must not keep people from reading.
    async fn touch(&self, hash: [u8; 32], known: &Known, now: Time) {
        let before = now.minus(TOUCH).0;
        let update = match &known.who {
            Who::Member { session, .. } => session::Entity::update_many()
                .filter(session::Column::TenantId.eq(known.tenant.0))
                .filter(session::Column::Id.eq(session.0))
                .filter(session::Column::SeenAt.lte(before))
                .col_expr(session::Column::SeenAt, now.0.into())
                .into_query(),
            Who::Key { id, .. } => api_key::Entity::update_many()
                .filter(api_key::Column::TenantId.eq(known.tenant.0))
                .filter(api_key::Column::Id.eq(id.0))
                .filter(api_key::Column::LastUsedAt.is_null().or(api_key::Column::LastUsedAt.lte(before)))
                .col_expr(api_key::Column::LastUsedAt, now.0.into())
                .into_query(),
            Who::Recipient { .. } | Who::System => return,
        };
        let reach = Reach::Tenant(known.tenant);
        let written = self
            .db
            .across(&reach, News::default(), async |rows| rows.run(sea_orm::StatementBuilder::build(&update, &rows.backend())).await);
        match written.await {
            Ok(_) => drop(self.remember(hash, Known { seen_at: now, ..known.clone() })),
            Err(fault) => tracing::warn!(%fault, tenant = %known.tenant, "the use of a credential was not written down"),
        }
    }
}

async fn one<E: EntityTrait>(rows: &Connection, find: Select<E>) -> Result<Option<E::Model>, Fault> {
    rows.one(find.limit(1).build(rows.backend())).await
}

async fn all<E: EntityTrait>(rows: &Connection, find: Select<E>) -> Result<Vec<E::Model>, Fault> {
    rows.all(find.build(rows.backend())).await
}

/// From here on the transaction sees this tenant's rows.
async fn enter(rows: &Connection, tenant: TenantId) -> Result<(), Fault> {
    match rows {
        Connection::Postgres(transaction) => transaction.reach(&Reach::Tenant(tenant)).await,
        Connection::Act(_) | Connection::Read(_) => Ok(()),
    }
}

fn of_tenant<E: TenantOwned>(tenant: TenantId) -> Select<E> {
    E::find().filter(E::TENANT.eq(tenant.0))
}

async fn tenant_of(rows: &Connection, id: TenantId) -> Result<Option<tenant::Model>, Fault> {
    enter(rows, id).await?;
    one(rows, of_tenant::<tenant::Entity>(id)).await
}

/// The member and what they and the tenant are called, if both are active.
async fn active_member(rows: &Connection, id: TenantId, member: Uuid) -> Result<Option<(member::Model, Arc<Names>)>, Fault> {
    let Some(tenant) = tenant_of(rows, id).await?.filter(|t| t.state == "active") else { return Ok(None) };
    let find = of_tenant::<member::Entity>(id).filter(member::Column::Id.eq(member)).filter(member::Column::State.eq("active"));
    Ok(one(rows, find).await?.map(|row| {
        let names = Names { member: row.name.clone(), tenant: tenant.name };
        (row, Arc::new(names))
    }))
}

async fn first_owner(rows: &Connection, id: TenantId) -> Result<String, Fault> {
    enter(rows, id).await?;
    let find = of_tenant::<member::Entity>(id).filter(member::Column::Role.eq(Role::Owner.as_str()));
    Ok(one(rows, find.order_by_asc(member::Column::Id)).await?.map(|m| m.email).unwrap_or_default())
}

fn tenant_row(row: tenant::Model, owner_email: String) -> TenantRow {
    let (id, created_at) = (TenantId(row.tenant_id), Time(row.created_at));
    TenantRow { id, name: row.name, state: row.state, plan: row.plan, created_at, owner_email }
}
