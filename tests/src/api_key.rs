//! A program with an API key.

use crate::{Answer, Ask, Body, Door};
use poem::http::Method;
use serde_json::{Value, json};
use std::net::IpAddr;

#[derive(Clone)]
pub struct ApiKey {
    pub door: Door,
    pub address: IpAddr,
    pub secret: String,
}

impl ApiKey {
    pub fn new(door: Door, address: IpAddr, secret: &str) -> ApiKey {
        ApiKey { door, address, secret: secret.to_owned() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.door.ask(self.request(Method::GET, path)).await
    }
    pub async fn post(&self, path: &str, json: &Value) -> Answer {
        self.door.ask(self.request(Method::POST, path).body("application/json", json.to_string())).await
    }
    pub async fn delete(&self, path: &str) -> Answer {
        self.door.ask(self.request(Method::DELETE, path)).await
    }
    /// Uploads a whole file, or the beginning of one (`?size=` in `path`).
    pub async fn upload(&self, path: &str, body: Body) -> Answer {
        self.door.ask(Ask { body, ..self.request(Method::POST, path) }).await
    }
    pub async fn go_on(&self, path: &str, body: Body) -> Answer {
        self.door.ask(Ask { body, ..self.request(Method::PUT, path) }).await
    }
    /// A request that carries the key.
    pub fn request(&self, method: Method, path: &str) -> Ask {
        Ask::new(method, path, self.address).header("authorization", &format!("Bearer {}", self.secret))
    }

    /// The least that sends; answers the message's id.
    pub async fn send(&self, to: &[&str]) -> String {
        self.send_as(json!({ "to": to, "subject": "Wire instructions", "body": "Dear *Bob*,\nthe account is 12-34." })).await
    }
    pub async fn send_as(&self, message: Value) -> String {
        let answer = self.post("/v1/messages", &message).await.is(201);
        answer.json()["id"].as_str().expect("a message has an id").to_owned()
    }
    pub async fn retract(&self, message: &str) -> Value {
        self.post(&format!("/v1/messages/{message}/retraction"), &json!({})).await.is(200).json()
    }

    /// Where each recipient stands, in the order given.
    pub async fn states(&self, message: &str) -> Vec<String> {
        let recipients = self.get(&format!("/v1/messages/{message}/recipients")).await.is(200).json();
        words(&recipients["recipients"], "state")
    }
    /// The kinds of evidence of one message, oldest first.
    pub async fn kinds(&self, message: &str) -> Vec<String> {
        words(&self.evidence(message).await, "kind")
    }
    pub async fn evidence(&self, message: &str) -> Value {
        self.get(&format!("/v1/messages/{message}/evidence")).await.is(200).json()["evidence"].take()
    }
}

fn words(list: &Value, name: &str) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("{list} is no list"));
    list.iter().map(|one| one[name].as_str().expect("a word").to_owned()).collect()
}
