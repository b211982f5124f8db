//! `POST /v1/messages`: one recipient, 4 KiB; answered after the commit.

use super::{Stage, bearer, post};
use crate::{Result, client::Client, load::Journey, message, plant::Office};
use std::net::SocketAddr;

/// The offices take turns.
pub struct Send {
    requests: Vec<Vec<u8>>,
}

impl Send {
    pub fn from(stage: &Stage<'_>, offices: usize) -> Send {
        Send { requests: stage.offices.iter().take(offices).map(|office| request(office, stage.host(), None)).collect() }
    }
}

/// `proof`: `None` leaves it to the default, as the least request does.
pub fn request(office: &Office, host: SocketAddr, proof: Option<&str>) -> Vec<u8> {
    let mut json = serde_json::json!({ "to": [message::TO], "subject": message::SUBJECT, "body": message::body() });
    if let Some(proof) = proof {
        json["proof"] = proof.into();
    }
    let headers = format!("{}Content-Type: application/json\r\n", bearer(office));
    post("/v1/messages", host, &headers, &json.to_string())
}

impl Journey for Send {
    async fn go(&self, client: &mut Client, turn: usize) -> Result<()> {
        client.expect(&self.requests[turn % self.requests.len()], 201).await.map(|_| ())
    }
}
