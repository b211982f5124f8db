//! `POST /v1/messages/{id}/retraction`: take a message back.

use crate::{Api, answer::Answer, ids::Id, problem::Problem, problem_body::FieldProblem, strict_json::JsonRequest};
use kernel::{MAX_RECIPIENTS, MessageId, RecipientId};
use messages::retract as take_back;
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use store::Caller;

/// From whom to take it back. An empty body means everybody.
#[derive(Object, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetractionRequest {
    /// Only from these; everybody unless told.
    #[oai(validator(min_items = 1, max_items = 100))]
    recipients: Option<Vec<Id<RecipientId>>>,
}

impl JsonRequest for RetractionRequest {
    fn when_empty() -> Option<Self> {
        Some(RetractionRequest::default())
    }
}

/// What became of it, recipient by recipient.
#[derive(Object, Serialize)]
pub(crate) struct Retraction {
    /// Taken back by this request, before it was opened.
    retracted: Vec<Id<RecipientId>>,
    /// Had opened or refused it before: it stays as it is, and the attempt is recorded.
    too_late: Vec<Id<RecipientId>>,
    /// Had ended before, by expiry or an earlier retraction.
    ended: Vec<Id<RecipientId>>,
}

pub(crate) async fn retract(api: &Api, caller: &Caller, id: MessageId, request: RetractionRequest) -> Result<Answer<Retraction>, Problem> {
    let only: Option<Vec<RecipientId>> = request.recipients.map(|ids| ids.into_iter().map(|id| id.0).collect());
    if only.as_ref().is_some_and(|ids| ids.is_empty() || ids.len() > MAX_RECIPIENTS) {
        let detail = format!("Name 1 to {MAX_RECIPIENTS} recipients, or leave the list out to take it back from everybody.");
        return Err(Problem::fields(vec![FieldProblem { pointer: Some("/recipients".to_owned()), parameter: None, detail }]));
    }
    let outcome = api.post.db.act(caller, async |tx| take_back(tx, id, only.as_deref()).await).await?;
    let ids = |ids: Vec<RecipientId>| ids.into_iter().map(Id).collect();
    Ok(Answer(Retraction { retracted: ids(outcome.retracted), too_late: ids(outcome.too_late), ended: ids(outcome.ended) }))
}
