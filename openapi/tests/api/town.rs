//! A site of its own for each test: SQLite in a temporary directory, a stopped clock, tenants with keys.

use crate::schema;
use accounts::{Accounts, SignUp};
use kernel::{EmailAddress, Site};
use keys::{Cost, PasswordHasher};
use messages::Post;
use openapi::Api;
use poem::{
    Body, Endpoint, EndpointExt, Request, Response,
    endpoint::BoxEndpoint,
    http::{HeaderMap, Method, StatusCode},
};
use quota::Limits;
use serde_json::Value;
use store::{Db, Origin, testing};

pub struct Town {
    pub db: Db,
    pub accounts: Accounts,
    door: BoxEndpoint<'static, Response>,
    pub document: Value,
    _house: testing::TestDatabase,
}

/// Somebody with an API key (or without).
#[derive(Clone)]
pub struct Somebody {
    pub caller: Option<store::Caller>,
    pub key: Option<String>,
}

/// An answer, read to the end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub json: Value,
}

pub fn business() -> Limits {
    Limits {
        sends: Some(1_500),
        recipients: Some(100),
        message_bytes: Some(1 << 30),
        stored_bytes: Some(50 << 30),
        life_days: Some(730),
        api_per_minute: Some(1_000),
        own_domains: Some(10),
    }
}

pub async fn town() -> Town {
    town_with(business()).await
}

/// Everybody who signs up here gets these limits.
pub async fn town_with(limits: Limits) -> Town {
    let house = testing::fresh_sqlite().await;
    let db = house.open(1).await.unwrap();
    let site = Site::new("https://mail.example", EmailAddress::parse("post@mail.example").unwrap());
    let hasher = PasswordHasher::new(Cost::Test, db.chance().clone());
    let post = Post { db: db.clone(), hasher: hasher.clone(), site: site.clone(), unasked: messages::UnaskedMail::UNLIMITED };
    let accounts = Accounts { db: db.clone(), hasher, site: site.clone(), sign_up_plan: "business".into(), sign_up_limits: limits };
    let document = serde_json::from_str(&openapi::document(&site)).unwrap();
    let egress = egress::Egress::new(egress::Rules::default()).unwrap();
    let certificates = client_certificates::ClientCertificates { accounts: accounts.clone(), egress, lists: Default::default() };
    let api = Api { post, domains: domains::Domains::unanswered(db.clone()), certificates, site };
    Town { db, accounts, door: openapi::api(api).boxed(), document, _house: house }
}

impl Town {
    pub async fn newcomer(&self, name: &str) -> Somebody {
        let form = SignUp { name: name.into(), email: format!("{name}@example.org"), password: "correct horse battery".into() };
        let caller = self.accounts.sign_up(&form, Origin::default()).await.unwrap().caller;
        let key = self.accounts.create_key(&caller, "test").await.unwrap();
        Somebody { caller: Some(caller), key: Some(key.secret) }
    }
    pub fn stranger(&self) -> Somebody {
        Somebody { caller: None, key: None }
    }
    pub async fn revoke_all(&self, who: &Somebody) {
        let caller = who.caller.as_ref().unwrap();
        for key in self.accounts.keys(caller).await.unwrap() {
            assert!(self.accounts.revoke_key(caller, key.id).await.unwrap());
        }
    }
    pub async fn get(&self, who: &Somebody, path: &str) -> Answer {
        self.call(who, Method::GET, path, &[], Body::empty()).await
    }
    pub async fn post(&self, who: &Somebody, path: &str, json: &Value) -> Answer {
        self.call(who, Method::POST, path, &[("content-type", "application/json")], Body::from_string(json.to_string())).await
    }
    pub async fn post_text(&self, who: &Somebody, path: &str, text: impl Into<String>) -> Answer {
        self.call(who, Method::POST, path, &[("content-type", "application/json")], Body::from_string(text.into())).await
    }
    /// Sends the request, and checks the answer against the document.
    pub async fn call(&self, who: &Somebody, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = Request::builder().method(method.clone()).uri(path.parse().unwrap());
        if let Some(key) = &who.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.door.call(request.body(body)).await.expect("the door answers every request itself");
        let answer = Answer::read(response).await;
        schema::check(&self.document, &method, path, &answer);
        answer
    }
    /// Sends a plain message; its answer.
    pub async fn sent(&self, who: &Somebody, to: &[&str], subject: &str) -> Answer {
        let answer = self.post(who, "/v1/messages", &serde_json::json!({"to": to, "subject": subject, "body": "Hello."})).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
        answer
    }
}

impl Answer {
    async fn read(response: Response) -> Answer {
        let (parts, body) = response.into_parts();
        let bytes = body.into_vec().await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, bytes, json }
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }
    pub fn id(&self) -> &str {
        self.json["id"].as_str().unwrap_or_default()
    }
    /// The last part of a problem's type.
    #[track_caller]
    pub fn problem(&self) -> &str {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.json);
        assert_eq!(self.json["status"], self.status.as_u16());
        self.json["type"].as_str().unwrap().strip_prefix("https://mail.example/problems/").unwrap()
    }
    pub fn pointers(&self) -> Vec<&str> {
        self.json["errors"].as_array().into_iter().flatten().filter_map(|e| e["pointer"].as_str()).collect()
    }
}
