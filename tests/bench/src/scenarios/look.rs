//! Looking: the sent list as a page (a signed-in browser, fifty rows), and one message over the API.

use super::{Again, Stage, bearer, get, send};
use crate::{Result, client::Client};
use serde_json::Value;

pub fn sent_list(stage: &Stage<'_>) -> Again {
    let cookie = format!("Cookie: __Host-session={}\r\n", stage.offices[0].session);
    Again { request: get("/sent", stage.host(), &cookie) }
}

pub async fn one_message(stage: &Stage<'_>) -> Result<Again> {
    let office = &stage.offices[0];
    let mut client = Client::open(stage.host()).await?;
    let answer = client.expect(&send::request(office, stage.host(), None), 201).await?;
    let accepted: Value = serde_json::from_slice(answer.body)?;
    let id = accepted["id"].as_str().ok_or("no id")?;
    Ok(Again { request: get(&format!("/v1/messages/{id}"), stage.host(), &bearer(office)) })
}
