//! `/v1/domains`: the tenant's own domains, step by step.

use crate::{
    Api,
    answer::{Answer, NoContent},
    ids::Id,
    problem::Problem,
    problem_body::FieldProblem,
    problem_kind::Kind,
    strict_json::JsonRequest,
    words::At,
};
use ::domains::{DomainRefused, DomainView, Record, Seen, Step};
use kernel::{DomainId, Time};
use poem_openapi::{ApiResponse, Enum, Object};
use serde::{Deserialize, Serialize};
use store::Caller;

/// A domain to add.
#[derive(Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDomain {
    /// A host name, such as `post.acme.example`.
    #[oai(validator(min_length = 1, max_length = 253))]
    name: String,
}

impl JsonRequest for NewDomain {}

/// What is to be done next: `prove` (make the TXT record), `taken` (somebody else has the name), `point` (let it lead to the site), `elsewhere` (it was live, and leads elsewhere since `at`, so that links mailed with it lead nowhere), `excluded` (CAA records keep our CA away), `ordered` (the certificate is on its way), `order_failed` (it is tried again at `at`), `live` (people can use it; the certificate is good until `at`), `losing` (the proof is missing, and it goes off at `at`), `lost` (it is off, and others may prove it from `at`).
#[derive(Clone, Copy, Debug, Enum, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepWord {
    Prove,
    Taken,
    Point,
    Elsewhere,
    Excluded,
    Ordered,
    OrderFailed,
    Live,
    Losing,
    Lost,
}

/// A record to make in DNS.
#[derive(Object, Serialize)]
pub(crate) struct DnsRecord {
    /// `TXT`, `CNAME`, `A`, `AAAA` or `CAA`.
    r#type: String,
    /// The whole name.
    name: String,
    /// As a zone file has it; the name that a CNAME leads to ends with a dot.
    value: String,
}

/// What the last look at DNS found.
#[derive(Object, Serialize)]
pub(crate) struct SeenInDns {
    /// TXT records at the place of the proof.
    texts: Vec<String>,
    /// Every resolver saw the proof.
    proven: bool,
    /// The name that it is an alias of.
    alias: Option<String>,
    addresses: Vec<String>,
    /// It leads to where the site is.
    points: bool,
    /// CAs that CAA records name; empty: all may certify it.
    caa: Vec<String>,
    /// What could not be looked at.
    trouble: Option<String>,
}

/// A host name of the tenant's own.
#[derive(Object, Serialize)]
pub(crate) struct Domain {
    id: Id<DomainId>,
    /// As DNS has it.
    name: String,
    step: StepWord,
    /// The time that the step speaks of.
    at: Option<At>,
    /// What the certification authority said to the last order that came to nothing.
    said: Option<String>,
    /// The records that it takes, which have to stay: the TXT record that proves it; the CNAME that lets it lead to the site, or, where it is the registered domain itself, A and AAAA records as soon as `looked_at` is there; and at step `excluded` the CAA record that allows our certification authority.
    records: Vec<DnsRecord>,
    seen: SeenInDns,
    added_at: At,
    looked_at: Option<At>,
}

/// The tenant's domains by name.
#[derive(Object, Serialize)]
pub(crate) struct DomainList {
    domains: Vec<Domain>,
}

#[derive(ApiResponse)]
pub(crate) enum Added {
    /// It is looked at from now on; nothing else changes before it is proven.
    #[oai(status = 201)]
    Created(Answer<Domain>),
}

pub(crate) async fn list(api: &Api, caller: &Caller) -> Result<Answer<DomainList>, Problem> {
    let views = api.domains.list(caller).await?;
    Ok(Answer(DomainList { domains: views.into_iter().map(|view| domain(api, view)).collect() }))
}

pub(crate) async fn add(api: &Api, caller: &Caller, new: NewDomain) -> Result<Added, Problem> {
    Ok(Added::Created(Answer(domain(api, api.domains.add(caller, &new.name).await?))))
}

pub(crate) async fn read(api: &Api, caller: &Caller, id: DomainId) -> Result<Answer<Domain>, Problem> {
    let view = api.domains.get(caller, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Answer(domain(api, view)))
}

pub(crate) async fn look(api: &Api, caller: &Caller, id: DomainId) -> Result<NoContent, Problem> {
    if api.domains.look_again(caller, id).await? { Ok(NoContent::Done) } else { Err(Problem::not_found()) }
}

pub(crate) async fn remove(api: &Api, caller: &Caller, id: DomainId) -> Result<NoContent, Problem> {
    if api.domains.remove(caller, id).await? { Ok(NoContent::Done) } else { Err(Problem::not_found()) }
}

fn domain(api: &Api, view: DomainView) -> Domain {
    let (step, at, said) = step(&view.step);
    let records = api.domains.records(&view);
    Domain {
        id: Id(view.id),
        step,
        at: at.map(At),
        said,
        records: records.into_iter().map(|Record { kind, name, value }| DnsRecord { r#type: kind.to_owned(), name, value }).collect(),
        name: view.name.to_string(),
        seen: seen(view.seen),
        added_at: At(view.added_at),
        looked_at: view.looked_at.map(At),
    }
}

fn seen(seen: Seen) -> SeenInDns {
    let Seen { texts, proven, alias, addresses, points, caa, trouble, .. } = seen;
    SeenInDns { texts, proven, alias, addresses, points, caa, trouble }
}

fn step(step: &Step) -> (StepWord, Option<Time>, Option<String>) {
    match step {
        Step::Prove => (StepWord::Prove, None, None),
        Step::Taken => (StepWord::Taken, None, None),
        Step::Point => (StepWord::Point, None, None),
        Step::Elsewhere { since } => (StepWord::Elsewhere, Some(*since), None),
        Step::Excluded => (StepWord::Excluded, None, None),
        Step::Ordered => (StepWord::Ordered, None, None),
        Step::OrderFailed { trouble, next_at } => (StepWord::OrderFailed, Some(*next_at), Some(trouble.said.clone())),
        Step::Live { until } => (StepWord::Live, Some(*until), None),
        Step::Losing { off_at } => (StepWord::Losing, Some(*off_at), None),
        Step::Lost { free_at } => (StepWord::Lost, Some(*free_at), None),
    }
}

impl From<DomainRefused> for Problem {
    fn from(refused: DomainRefused) -> Problem {
        let sentence = refused.to_string();
        match refused {
            DomainRefused::Already(_) | DomainRefused::TooMany | DomainRefused::NoCertificates => Problem::new(Kind::Conflict, sentence),
            DomainRefused::Quota(refused) => refused.into(),
            DomainRefused::NotAllowed(_) => Problem::new(Kind::NotAllowed, sentence),
            DomainRefused::Fault(fault) => fault.into(),
            _ => Problem::fields(vec![FieldProblem { pointer: Some("/name".to_owned()), parameter: None, detail: sentence }]),
        }
    }
}
