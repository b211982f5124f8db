//! Sending, and sending again.

use crate::town::{business, town, town_with};
use poem::{Body, http::Method};
use quota::Limits;
use serde_json::json;
use std::{task::Poll, time::Duration};

#[tokio::test]
async fn the_least_that_sends_answers_id_and_recipients() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let answer = town.post(&ana, "/v1/messages", &json!({"to": ["bob@example.org"], "subject": " Hello ", "body": "Hello Bob."})).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    assert!(answer.id().starts_with("msg_"));
    assert_eq!(answer.header("location"), format!("/v1/messages/{}", answer.id()));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json["subject"], "Hello");
    assert_eq!(answer.json["recipients"][0]["address"], "bob@example.org");
    assert_eq!(answer.json["recipients"][0]["state"], "waiting");
    let read = town.get(&ana, answer.header("location")).await;
    assert_eq!(read.status, 200);
    assert_eq!((read.id(), &read.json["subject"], &read.json["proof"]), (answer.id(), &json!("Hello"), &json!("r1")));
}

#[tokio::test]
async fn every_option_reaches_the_message() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let all = json!({
        "to": ["bob@example.org", "eve@example.net"], "subject": "Wire", "body": "**now**", "proof": "r2", "password": "tulip 42", "hint": "the flower",
        "expires_days": 10, "remind_days": [3, 1], "accept_first": true, "hide_sender": true, "show_subject": true, "notify_opened": true,
        "send_at": "2026-11-24T17:14:02.123Z", "attachments": null
    });
    let sent = town.post(&ana, "/v1/messages", &all).await;
    assert_eq!(sent.status, 201, "{}", sent.json);
    assert_eq!(sent.json["release_at"], "2026-11-24T17:14:02.123Z");
    assert_eq!(sent.json["expires_at"], "2026-12-04T17:14:02.123Z");
    let read = town.get(&ana, sent.header("location")).await.json;
    for flag in ["has_password", "has_hint", "accept_first", "hide_sender", "show_subject", "notify_opened"] {
        assert_eq!(read[flag], true, "{flag}");
    }
    assert_eq!((&read["proof"], read["recipients"].as_array().unwrap().len()), (&json!("r2"), 2));
}

#[tokio::test]
async fn the_same_key_and_request_answer_the_first_result() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let send = async |key: &str, subject: &str| {
        let body = json!({"to": ["bob@example.org"], "subject": subject, "body": "x"}).to_string();
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        town.call(&ana, Method::POST, "/v1/messages", &headers, Body::from_string(body)).await
    };
    let (first, again, other) = (send("a b~1", "One").await, send("a b~1", "One").await, send("a b~1", "Two").await);
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(first.json, again.json);
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!((other.status.as_u16(), other.problem()), (422, "idempotency-key-reused"));
    assert_eq!(town.get(&ana, "/v1/account").await.json["sends_used"], 1);
    for bad in ["", &"x".repeat(201), "ä"] {
        assert_eq!(send(bad, "Three").await.problem(), "invalid-parameter", "{bad}");
    }
}

#[tokio::test]
async fn two_tenants_may_use_the_same_idempotency_key() {
    let town = town().await;
    let (ana, ben) = (town.newcomer("ana").await, town.newcomer("ben").await);
    let body = json!({"to": ["bob@example.org"], "subject": "x", "body": "x"}).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
    let a = town.call(&ana, Method::POST, "/v1/messages", &headers, Body::from_string(body.clone())).await;
    let b = town.call(&ben, Method::POST, "/v1/messages", &headers, Body::from_string(body)).await;
    assert_eq!((a.status.as_u16(), b.status.as_u16()), (201, 201));
    assert_ne!(a.id(), b.id());
}

#[tokio::test]
async fn the_days_before_a_message_leaves_count_towards_the_longest_life() {
    let town = town_with(Limits { life_days: Some(30), ..business() }).await;
    let ana = town.newcomer("ana").await;
    let later = async |send_at: &str, days: Option<i64>| {
        let body = json!({"to": ["bob@example.org"], "subject": "x", "body": "x", "send_at": send_at, "expires_days": days});
        town.post(&ana, "/v1/messages", &body).await
    };
    // It is 2026-11-23T17:14:02.123Z.
    for (send_at, days, end) in [
        ("2026-12-03T17:14:02.123Z", Some(20), "2026-12-23T17:14:02.123Z"),
        ("2026-12-03T17:14:02.123Z", None, "2026-12-23T17:14:02.123Z"),
        ("2026-12-03T09:00:00.000Z", None, "2026-12-23T09:00:00.000Z"),
        ("2026-12-22T17:14:02.123Z", None, "2026-12-23T17:14:02.123Z"),
    ] {
        let sent = later(send_at, days).await;
        assert_eq!((sent.status.as_u16(), &sent.json["expires_at"]), (201, &json!(end)), "{send_at} {days:?}: {}", sent.json);
    }
    for (send_at, days) in [("2026-12-03T17:14:02.123Z", Some(21)), ("2026-12-22T18:00:00.000Z", None), ("2027-11-20T17:14:02.123Z", None)]
    {
        let refused = later(send_at, days).await;
        assert_eq!(
            (refused.status.as_u16(), refused.problem(), &refused.json["limit"]),
            (403, "plan-limit", &json!(30)),
            "{send_at} {days:?}"
        );
        assert!(refused.json["detail"].as_str().unwrap().contains("the time before it leaves included"), "{}", refused.json);
    }
}

/// While the queue of passwords is full, whoever would get into it is told to come again; whoever is over the quota is told so at once.
#[tokio::test]
async fn a_message_over_the_quota_costs_no_work_for_its_password() {
    let town = town_with(Limits { sends: Some(1), ..business() }).await;
    let (ana, ben) = (town.newcomer("ana").await, town.newcomer("ben").await);
    town.sent(&ana, &["a@example.org"], "The last").await;
    let mut waiting = Vec::new();
    // Whoever was asked once and is not asked again keeps a place, but for the one who got its turn at once.
    for _ in 0..2 {
        for tenant in [&ana, &ben].map(|who| who.caller.as_ref().unwrap().tenant()) {
            loop {
                let mut one = Box::pin(town.accounts.hasher.stretch("somebody's", &[1; 16], tenant));
                match futures_util::poll!(&mut one) {
                    Poll::Ready(Err(_)) => break,
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending => waiting.push(one),
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let body = json!({"to": ["c@example.org"], "subject": "x", "body": "x", "password": "tulip 42"});
    let sends = async |who| town.post(who, "/v1/messages", &body).await.status.as_u16();
    assert_eq!((sends(&ben).await, sends(&ana).await), (503, 402));
}

#[tokio::test]
async fn a_used_up_allowance_is_402_with_its_numbers_and_costs_nothing() {
    let town = town_with(Limits { sends: Some(2), recipients: Some(3), life_days: Some(30), ..business() }).await;
    let ana = town.newcomer("ana").await;
    town.sent(&ana, &["a@example.org", "b@example.org"], "Two").await;
    let body = json!({"to": ["c@example.org"], "subject": "x", "body": "x"});
    let over = town.post(&ana, "/v1/messages", &body).await;
    assert_eq!((over.status.as_u16(), over.problem()), (402, "over-quota"));
    assert_eq!((&over.json["dimension"], &over.json["limit"], &over.json["used"]), (&json!("sends"), &json!(2), &json!(2)));
    assert!(over.json["resets_at"].is_string());
    let four = ["a@x.org", "b@x.org", "c@x.org", "d@x.org"];
    let many = town.post(&ana, "/v1/messages", &json!({"to": four, "subject": "x", "body": "x", "expires_days": 90})).await;
    assert_eq!((many.status.as_u16(), many.problem(), &many.json["limit"]), (403, "plan-limit", &json!(3)));
    assert_eq!(many.pointers(), ["/to", "/expires_days", "/to"], "every limit that is met: {}", many.json);
    let account = town.get(&ana, "/v1/account").await.json;
    assert_eq!((&account["sends_used"], &account["sends_limit"], &account["plan"]), (&json!(2), &json!(2), &json!("business")));
    assert_eq!(town.get(&ana, "/v1/messages").await.json["messages"].as_array().unwrap().len(), 1);
}
