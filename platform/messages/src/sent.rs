//! The sent list: newest first, searched by subject or address, filtered by state.
//!
//! What would surprise you: a page is cut by id, never by offset, so its cost does not grow with the list.

use crate::{Cursor, Page, RecipientState};
use kernel::{Fault, MessageId, Time};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Func, LikeExpr},
};
use std::collections::HashMap;
use store::{
    TenantRead,
    entity::{message, recipient},
};
use uuid::Uuid;

const MAX_SEARCH_CHARS: usize = 100;

#[derive(Clone, Debug, Default)]
pub struct SentQuery {
    /// In subject or address; at most 100 characters count.
    pub search: String,
    pub state: Option<RecipientState>,
    pub after: Cursor,
    pub limit: u64,
}

#[derive(Clone, Debug)]
pub struct SentRow {
    pub id: MessageId,
    pub subject: String,
    pub first_address: String,
    pub recipients: u64,
    pub attachments: u64,
    pub attachment_bytes: u64,
    pub has_password: bool,
    pub created_at: Time,
    pub release_at: Time,
    pub expires_at: Time,
    /// How many recipients stand where, in the order of `RecipientState::ALL`, none with 0.
    pub states: Vec<(RecipientState, u64)>,
    /// When the newest change happened.
    pub changed_at: Time,
}

impl SentRow {
    pub fn retractable(&self) -> bool {
        self.states.iter().any(|(s, _)| s.is_open())
    }
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    subject: String,
    password_salt: Option<Vec<u8>>,
    recipients: i64,
    attachments: i64,
    attachment_bytes: i64,
    created_at: i64,
    release_at: i64,
    expires_at: i64,
}

#[derive(FromQueryResult)]
struct To {
    message_id: Uuid,
    position: i64,
    address: String,
    state: String,
    changed_at: i64,
}

pub async fn sent(read: &TenantRead, query: &SentQuery) -> Result<Page<SentRow>, Fault> {
    use message::Column as M;
    let limit = query.limit.clamp(1, kernel::MAX_PAGE);
    let mut find = read.find::<message::Entity>().filter(wanted(read, query));
    if let Some(after) = query.after {
        find = find.filter(M::Id.lt(after));
    }
    let columns =
        [M::Id, M::Subject, M::PasswordSalt, M::Recipients, M::Attachments, M::AttachmentBytes, M::CreatedAt, M::ReleaseAt, M::ExpiresAt];
    let rows = find.order_by_desc(M::Id).limit(limit + 1).into_model::<Row>(&columns).all().await?;
    let page = Page::cut(rows, limit as usize, |row| row.id);
    let mut to = recipients_of(read, &page.rows).await?;
    Ok(page.map(|row| {
        let to = to.remove(&row.id).unwrap_or_default();
        sent_row(row, to)
    }))
}

fn wanted(read: &TenantRead, query: &SentQuery) -> Condition {
    let mut condition = Condition::all();
    if let Some(state) = query.state {
        condition = condition.add(message::Column::Id.in_subquery(messages_with(read, recipient::Column::State.eq(state.as_str()))));
    }
    let search: String = query.search.trim().chars().filter(|c| !c.is_control()).take(MAX_SEARCH_CHARS).collect::<String>().to_lowercase();
    if !search.is_empty() {
        let like = || LikeExpr::new(format!("%{}%", escaped(&search))).escape('\\');
        let address = Expr::expr(Func::lower(Expr::col((recipient::Entity, recipient::Column::Address)))).like(like());
        let subject = Expr::expr(Func::lower(Expr::col((message::Entity, message::Column::Subject)))).like(like());
        condition = condition.add(Condition::any().add(subject).add(message::Column::Id.in_subquery(messages_with(read, address))));
    }
    condition
}

/// Ids of messages one of whose recipients meets the condition; carries the tenant itself, as every query does.
fn messages_with(read: &TenantRead, condition: impl sea_orm::sea_query::IntoCondition) -> sea_orm::sea_query::SelectStatement {
    recipient::Entity::find()
        .select_only()
        .column(recipient::Column::MessageId)
        .filter(recipient::Column::TenantId.eq(read.tenant().0))
        .filter(condition)
        .into_query()
}

fn escaped(search: &str) -> String {
    search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

async fn recipients_of(read: &TenantRead, page: &[Row]) -> Result<HashMap<Uuid, Vec<To>>, Fault> {
    use recipient::Column as R;
    let mut out: HashMap<Uuid, Vec<To>> = HashMap::new();
    if page.is_empty() {
        return Ok(out);
    }
    let ids: Vec<Uuid> = page.iter().map(|r| r.id).collect();
    let columns = [R::MessageId, R::Position, R::Address, R::State, R::ChangedAt];
    let rows = read.find::<recipient::Entity>().filter(R::MessageId.is_in(ids)).into_model::<To>(&columns).all().await?;
    for row in rows {
        out.entry(row.message_id).or_default().push(row);
    }
    Ok(out)
}

fn sent_row(row: Row, to: Vec<To>) -> SentRow {
    let count = |state: RecipientState| to.iter().filter(|t| t.state == state.as_str()).count() as u64;
    let states = RecipientState::ALL.into_iter().map(|s| (s, count(s))).filter(|(_, n)| *n > 0).collect();
    let changed_at = to.iter().map(|t| t.changed_at).max().unwrap_or(row.created_at);
    let whole = |n: i64| u64::try_from(n).unwrap_or(0);
    SentRow {
        id: MessageId(row.id),
        subject: row.subject,
        first_address: to.into_iter().min_by_key(|t| t.position).map(|t| t.address).unwrap_or_default(),
        recipients: whole(row.recipients),
        attachments: whole(row.attachments),
        attachment_bytes: whole(row.attachment_bytes),
        has_password: row.password_salt.is_some(),
        created_at: Time(row.created_at),
        release_at: Time(row.release_at),
        expires_at: Time(row.expires_at),
        states,
        changed_at: Time(changed_at),
    }
}
