//! `GET /v1/account`: whose key this is, what the plan allows and what is used.

use crate::{Api, answer::Answer, ids::Id, problem::Problem, words::At};
use kernel::{Fault, TenantId};
use poem_openapi::Object;
use quota::{Usage, usage};
use serde::Serialize;
use store::{Caller, entity::tenant};

/// Your tenant, its plan and its usage. A limit of `null` is unlimited, `0` is none.
#[derive(Object, Serialize)]
pub(crate) struct Account {
    id: Id<TenantId>,
    name: String,
    plan: String,
    /// Sends (a message to one recipient each) of this month.
    sends_limit: Option<i64>,
    sends_used: i64,
    /// When the next month's sends come.
    sends_reset_at: At,
    /// Bytes of content kept at any one time.
    stored_bytes_limit: Option<i64>,
    stored_bytes: i64,
    /// Recipients of one message.
    recipients_limit: Option<i64>,
    /// Bytes of one message, text and files together.
    message_bytes_limit: Option<i64>,
    /// Days that content may be kept.
    life_days_limit: Option<i64>,
    /// Requests to this API a minute.
    api_per_minute: Option<i64>,
    /// Host names of your own (`/v1/domains`).
    own_domains_limit: Option<i64>,
}

pub(crate) async fn read(api: &Api, caller: &Caller) -> Result<Answer<Account>, Problem> {
    let (row, usage) = api
        .post
        .db
        .read(caller, async |read| {
            let row = read.own::<tenant::Entity>().await?;
            Ok::<_, Fault>((row.ok_or_else(|| Fault::other("the caller's tenant is not there"))?, usage(read).await?))
        })
        .await?;
    Ok(Answer(account(row, &usage)))
}

fn account(row: tenant::Model, usage: &Usage) -> Account {
    let limits = &usage.limits;
    Account {
        id: Id(TenantId(row.tenant_id)),
        name: row.name,
        plan: row.plan,
        sends_limit: limits.sends,
        sends_used: usage.sends_used,
        sends_reset_at: At(usage.period_ends_at),
        stored_bytes_limit: limits.stored_bytes,
        stored_bytes: usage.stored_bytes,
        recipients_limit: limits.recipients,
        message_bytes_limit: limits.message_bytes,
        life_days_limit: limits.life_days,
        api_per_minute: limits.api_per_minute,
        own_domains_limit: limits.own_domains,
    }
}
