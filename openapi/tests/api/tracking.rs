//! Lists, evidence, retraction, and the wall between tenants.

use crate::town::{Answer, town};
use poem::{Body, http::Method};
use serde_json::json;

const ABSENT_MESSAGE: &str = "msg_01jd7q00000000000000000000";
const ABSENT_RECIPIENT: &str = "rcp_01jd7q00000000000000000000";

#[tokio::test]
async fn the_list_has_pages_search_and_states() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    for subject in ["One", "Two", "Three"] {
        town.sent(&ana, &["bob@example.org"], subject).await;
        town.db.clock().advance(std::time::Duration::from_millis(5));
    }
    let subjects =
        |a: &Answer| a.json["messages"].as_array().unwrap().iter().map(|m| m["subject"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let first = town.get(&ana, "/v1/messages?limit=2").await;
    assert_eq!(subjects(&first), ["Three", "Two"]);
    let next = first.json["next"].as_str().unwrap();
    let second = town.get(&ana, &format!("/v1/messages?limit=2&after={next}")).await;
    assert_eq!((subjects(&second), second.json["next"].is_null()), (vec!["One".to_owned()], true));
    assert_eq!(subjects(&town.get(&ana, "/v1/messages?search=two").await), ["Two"]);
    assert_eq!(subjects(&town.get(&ana, "/v1/messages?state=waiting").await).len(), 3);
    assert_eq!(subjects(&town.get(&ana, "/v1/messages?state=opened").await).len(), 0);
    assert_eq!(first.json["messages"][0]["states"], json!([{"state": "waiting", "recipients": 1}]));
}

#[tokio::test]
async fn evidence_names_its_kind_and_what_it_does_not_claim() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let sent = town.sent(&ana, &["bob@example.org"], "One").await;
    town.post_text(&ana, &format!("{}/retraction", sent.header("location")), "").await;
    let timeline = town.get(&ana, &format!("{}/evidence", sent.header("location"))).await.json;
    let kinds: Vec<_> = timeline["evidence"].as_array().unwrap().iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds.first(), kinds.contains(&"retracted")), (Some(&"submitted"), true), "{kinds:?}");
    let submitted = &timeline["evidence"][0];
    assert_eq!(submitted["event"], "SubmissionAcceptance");
    assert!(submitted["does_not_claim"].as_str().unwrap().contains("does not say"));
    assert_eq!(submitted["hash"].as_str().unwrap().len(), 64);
    assert!(submitted["grounds"]["by"].as_str().unwrap().starts_with("key_"));
    let page = town.get(&ana, &format!("{}/evidence?limit=1", sent.header("location"))).await.json;
    let rest = town.get(&ana, &format!("{}/evidence?after={}", sent.header("location"), page["next"])).await.json;
    assert_eq!(rest["evidence"].as_array().unwrap().len(), kinds.len() - 1);
    let bob = sent.json["recipients"][0]["id"].as_str().unwrap();
    assert_eq!(town.get(&ana, &format!("{}/evidence?recipient={bob}", sent.header("location"))).await.status, 200);
}

#[tokio::test]
async fn a_retraction_says_who_it_reached_and_can_be_repeated() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let sent = town.sent(&ana, &["bob@example.org", "eve@example.org"], "One").await;
    let path = format!("{}/retraction", sent.header("location"));
    let (bob, eve) = (&sent.json["recipients"][0]["id"], &sent.json["recipients"][1]["id"]);
    let one = town.post(&ana, &path, &json!({"recipients": [bob]})).await;
    assert_eq!((one.status.as_u16(), &one.json["retracted"]), (200, &json!([bob])), "{}", one.json);
    let rest = town.call(&ana, Method::POST, &path, &[], Body::empty()).await;
    assert_eq!((&rest.json["retracted"], &rest.json["ended"]), (&json!([eve]), &json!([bob])));
    let again = town.post(&ana, &path, &json!({})).await;
    assert_eq!((again.status.as_u16(), again.json["ended"].as_array().unwrap().len()), (200, 2));
    let states = town.get(&ana, &format!("{}/recipients", sent.header("location"))).await.json;
    assert_eq!((&states["recipients"][0]["state"], &states["recipients"][1]["state"]), (&json!("retracted"), &json!("retracted")));
    assert_eq!(town.post(&ana, &path, &json!({"recipients": []})).await.pointers(), ["/recipients"]);
    assert_eq!(town.post(&ana, &path, &json!({"recipients": ["bob"]})).await.pointers(), ["/recipients/0"]);
    assert_eq!(town.post(&ana, &path, &json!({"recipients": [ABSENT_RECIPIENT]})).await.problem(), "not-found");
    assert!(town.get(&ana, sent.header("location")).await.json["retracted_at"].is_string());
}

#[tokio::test]
async fn a_neighbours_message_is_absent_byte_for_byte() {
    let town = town().await;
    let (ana, ben) = (town.newcomer("ana").await, town.newcomer("ben").await);
    let sent = town.sent(&ben, &["bob@example.org"], "Bens secret").await;
    let bob = sent.json["recipients"][0]["id"].as_str().unwrap();
    let file = town.call(&ben, Method::POST, "/v1/attachments?name=a.txt", &[], Body::from_string("abc".into())).await;
    let ids =
        [(sent.id(), bob, file.id()), (ABSENT_MESSAGE, ABSENT_RECIPIENT, "att_01jd7q00000000000000000000"), ("msg_x", "rcp_x", "../x")];
    let mut answers = Vec::new();
    for (message, recipient, file) in ids {
        let mut bytes = Vec::new();
        for (method, path) in [
            (Method::GET, format!("/v1/messages/{message}")),
            (Method::GET, format!("/v1/messages/{message}/recipients")),
            (Method::GET, format!("/v1/messages/{message}/evidence")),
            (Method::POST, format!("/v1/messages/{message}/retraction")),
            (Method::POST, format!("/v1/messages/{message}/recipients/{recipient}/unlocking")),
            (Method::GET, format!("/v1/messages/{message}/attachments")),
            (Method::GET, format!("/v1/messages/{message}/attachments/{}", file.replace('/', "%2F"))),
            (Method::DELETE, format!("/v1/messages/{message}/attachments/{}", file.replace('/', "%2F"))),
            (Method::PUT, format!("/v1/attachments/{}?offset=0", file.replace('/', "%2F"))),
            (Method::GET, format!("/v1/attachments/{}", file.replace('/', "%2F"))),
            (Method::GET, format!("/v1/replies/{}", message.replace("msg_", "rpl_"))),
        ] {
            let answer = town.call(&ana, method.clone(), &path, &[], Body::empty()).await;
            assert_eq!(answer.problem(), "not-found", "{method} {path}");
            bytes.push((answer.headers, answer.bytes));
        }
        answers.push(bytes);
    }
    assert!(answers[0] == answers[1] && answers[1] == answers[2]);
    let states = town.get(&ben, sent.header("location")).await.json;
    assert_eq!(states["recipients"][0]["state"], "waiting");
    assert!(!town.get(&ana, "/v1/messages").await.json.to_string().contains("Bens secret"));
}

#[tokio::test]
async fn replies_are_listed_and_empty_at_first() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    assert_eq!(town.get(&ana, "/v1/replies?limit=5").await.json, json!({"replies": [], "next": null}));
}

#[tokio::test]
async fn only_a_locked_recipient_can_be_given_new_tries() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let sent = town.sent(&ana, &["bob@example.org"], "One").await;
    let path = format!("{}/recipients/{}/unlocking", sent.header("location"), sent.json["recipients"][0]["id"].as_str().unwrap());
    assert_eq!(town.call(&ana, Method::POST, &path, &[], Body::empty()).await.problem(), "conflict");
}
