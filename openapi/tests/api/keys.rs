//! Who gets in, and how often.

use crate::town::{Somebody, business, town, town_with};
use poem::{Body, http::Method};
use quota::Limits;
use std::time::Duration;

#[tokio::test]
async fn strangers_get_401_everywhere_and_learn_nothing() {
    let town = town().await;
    let mut answers = Vec::new();
    for path in ["/v1/messages", "/v1/messages/msg_x", "/v1/nothing", "/v1/", "/v1/account?x=1"] {
        let answer = town.get(&town.stranger(), path).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (401, "unauthorized"), "{path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"api\"");
        answers.push(answer.bytes);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn unknown_malformed_and_revoked_keys_are_the_same_401() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    assert_eq!(town.get(&ana, "/v1/account").await.status, 200);
    town.revoke_all(&ana).await;
    town.db.clock().advance(Duration::from_secs(5));
    let unknown = format!("csk_{}", "A".repeat(43));
    let mut answers = Vec::new();
    for key in [ana.key.clone().unwrap(), unknown, "csk_".into(), "hunter2".into(), "x".repeat(100_000)] {
        let answer = town.get(&Somebody { caller: None, key: Some(key) }, "/v1/account").await;
        assert_eq!(answer.problem(), "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"api\", error=\"invalid_token\"");
        answers.push(answer.bytes);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn the_plans_requests_a_minute_are_kept_tenant_by_tenant() {
    let town = town_with(Limits { api_per_minute: Some(5), ..business() }).await;
    let (ana, ben) = (town.newcomer("ana").await, town.newcomer("ben").await);
    for _ in 0..5 {
        assert_eq!(town.get(&ana, "/v1/account").await.status, 200);
    }
    let sixth = town.get(&ana, "/v1/account").await;
    assert_eq!((sixth.status.as_u16(), sixth.problem(), sixth.header("retry-after")), (429, "too-many-requests", "12"));
    assert_eq!((&sixth.json["dimension"], &sixth.json["limit"]), (&"api_per_minute".into(), &5.into()));
    assert_eq!(town.get(&ben, "/v1/account").await.status, 200);
    town.db.clock().advance(Duration::from_secs(12));
    assert_eq!(town.get(&ana, "/v1/account").await.status, 200);
    assert_eq!(town.get(&ana, "/v1/account").await.status, 429);
}

#[tokio::test]
async fn a_plan_without_the_api_is_told_so() {
    let town = town_with(Limits { api_per_minute: Some(0), ..business() }).await;
    let ana = town.newcomer("ana").await;
    let answer = town.get(&ana, "/v1/account").await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (403, "plan-limit"));
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let answer = town.call(&ana, Method::HEAD, "/v1/account", &[], Body::empty()).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.len()), (200, 0));
}
