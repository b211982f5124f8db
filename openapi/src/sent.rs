//! `GET /v1/messages`: the sent list.

use crate::{
    Api,
    answer::Answer,
    ids::Id,
    problem::Problem,
    words::{At, StateWord},
};
use kernel::{Line, MessageId};
use messages::{SentQuery, SentRow, sent};
use poem_openapi::Object;
use serde::Serialize;
use store::Caller;

const MAX_SEARCH_CHARS: usize = 100;
/// Rows on a page unless told otherwise.
pub(crate) const PAGE: u64 = 50;

pub(crate) struct SentParams {
    pub(crate) search: Option<String>,
    pub(crate) state: Option<StateWord>,
    pub(crate) after: Option<Id<MessageId>>,
    pub(crate) limit: Option<u64>,
}

/// A page of sent messages, newest first.
#[derive(Object, Serialize)]
pub(crate) struct MessageList {
    messages: Vec<MessageSummary>,
    /// Give it back as `after` for the next page.
    next: Option<Id<MessageId>>,
}

/// One line of the sent list.
#[derive(Object, Serialize)]
pub(crate) struct MessageSummary {
    id: Id<MessageId>,
    subject: String,
    first_address: String,
    recipients: u64,
    attachments: u64,
    attachment_bytes: u64,
    has_password: bool,
    created_at: At,
    release_at: At,
    expires_at: At,
    /// When the newest change happened.
    changed_at: At,
    /// How many recipients stand where; states with nobody are left out.
    states: Vec<StateCount>,
    /// At least one recipient can still be taken back from.
    retractable: bool,
}

/// How many recipients stand in one state.
#[derive(Object, Serialize)]
pub(crate) struct StateCount {
    state: StateWord,
    recipients: u64,
}

pub(crate) async fn list(api: &Api, caller: &Caller, params: SentParams) -> Result<Answer<MessageList>, Problem> {
    let search = Line::<MAX_SEARCH_CHARS>::parse(&params.search.unwrap_or_default());
    let search = search.map_err(|bad| Problem::parameter("search", format!("The search {bad}.")))?.into_string();
    let query =
        SentQuery { search, state: params.state.map(|s| s.0), after: params.after.map(|id| id.0.0), limit: params.limit.unwrap_or(PAGE) };
    let page = api.post.db.read(caller, async |read| sent(read, &query).await).await?;
    let next = page.next.map(|id| Id(MessageId(id)));
    Ok(Answer(MessageList { messages: page.rows.into_iter().map(MessageSummary::from).collect(), next }))
}

impl From<SentRow> for MessageSummary {
    fn from(row: SentRow) -> MessageSummary {
        MessageSummary {
            retractable: row.retractable(),
            id: Id(row.id),
            subject: row.subject,
            first_address: row.first_address,
            recipients: row.recipients,
            attachments: row.attachments,
            attachment_bytes: row.attachment_bytes,
            has_password: row.has_password,
            created_at: At(row.created_at),
            release_at: At(row.release_at),
            expires_at: At(row.expires_at),
            changed_at: At(row.changed_at),
            states: row.states.into_iter().map(|(state, recipients)| StateCount { state: StateWord(state), recipients }).collect(),
        }
    }
}
