//! `GET /v1/messages/{id}/evidence`: the timeline, each fact with what it does not claim.

use crate::{
    Api,
    answer::Answer,
    ids::Id,
    problem::Problem,
    words::{At, Grounds, KindWord},
};
use evidence::{Fact as Recorded, timeline};
use kernel::{EvidenceId, MAX_PAGE, MessageId, RecipientId};
use messages::find_message;
use poem_openapi::Object;
use serde::Serialize;
use store::Caller;

pub(crate) struct TimelineParams {
    pub(crate) recipient: Option<Id<RecipientId>>,
    pub(crate) after: Option<i64>,
    pub(crate) limit: Option<u64>,
}

/// A page of a message's evidence, oldest first.
#[derive(Object, Serialize)]
pub(crate) struct Timeline {
    evidence: Vec<Fact>,
    /// Give it back as `after` for the next page.
    next: Option<i64>,
}

/// One recorded fact; it is never changed, and outlives the content.
#[derive(Object, Serialize)]
pub(crate) struct Fact {
    id: Id<EvidenceId>,
    /// Position in your chain of evidence.
    seq: i64,
    kind: KindWord,
    /// The event of ETSI EN 319 522-1, where one fits.
    event: Option<String>,
    /// The kind in words.
    title: String,
    /// What it proves, and what it does not.
    does_not_claim: String,
    at: At,
    /// `null`: concerns the message as a whole.
    recipient: Option<Id<RecipientId>>,
    /// Who, from where, on what grounds: `by`, `ip`, `user_agent`, `assurance`, `smtp`, `reason`, `file`, `sha256`…
    grounds: Grounds,
    /// SHA-256 over the fact and the hash before it, in hex.
    hash: String,
}

pub(crate) async fn read(api: &Api, caller: &Caller, id: MessageId, params: TimelineParams) -> Result<Answer<Timeline>, Problem> {
    let limit = params.limit.unwrap_or(MAX_PAGE);
    let (recipient, after) = (params.recipient.map(|r| r.0), params.after.unwrap_or(0));
    let mut facts = api
        .post
        .db
        .read(caller, async |read| {
            let facts = timeline(read, id, recipient, after, limit + 1).await?;
            // Every message has evidence from its first moment, so only an empty answer needs a second look.
            let there = !facts.is_empty() || find_message(read, id).await?.is_some();
            if there { Ok(facts) } else { Err(Problem::not_found()) }
        })
        .await?;
    let more = facts.len() as u64 > limit;
    facts.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = facts.last().filter(|_| more).map(|f| f.seq);
    Ok(Answer(Timeline { evidence: facts.into_iter().map(Fact::from).collect(), next }))
}

impl From<Recorded> for Fact {
    fn from(fact: Recorded) -> Fact {
        Fact {
            id: Id(fact.id),
            seq: fact.seq,
            kind: KindWord(fact.kind),
            event: fact.kind.etsi().map(str::to_owned),
            title: fact.kind.title().to_owned(),
            does_not_claim: fact.kind.does_not_claim().to_owned(),
            at: At(fact.at),
            recipient: fact.recipient.map(Id),
            grounds: Grounds(fact.grounds),
            hash: fact.hash,
        }
    }
}
