//! A recipient's way to the message, and the ways it ends.

use super::town::{Town, to};
use messages::Outline;
use poem::http::{Method, StatusCode};
use std::time::Duration;

const BOB: &str = "bob@example.net";

#[tokio::test]
async fn a_recipient_opens_a_message_with_the_mailed_code_and_replies() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    town.send(&ana, to(BOB)).await;
    let (bob, link) = (town.visitor(), town.link(BOB, "/p/"));
    let door = bob.get(&link).await;
    assert!(door.body.contains("Ana Brandt") && !door.body.contains("Wire instructions"), "{}", door.body);

    let open = bob.submit_from(&link, &format!("{link}/open"), &[]).await;
    assert_eq!(open.location(), format!("{link}/code"));
    town.work().await;
    assert_eq!(bob.get(&format!("{link}/message")).await.location(), link);
    let no_code = bob.submit(&format!("{link}/code"), &[("code", "no")]).await;
    assert_eq!(no_code.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(no_code.body.contains("aria-invalid") && no_code.body.contains("role=\"alert\""));
    let code = town.code(BOB);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let page = bob.submit(&format!("{link}/code"), &[("code", wrong)]).await.location().to_owned();
    for _ in 0..6 {
        let told = bob.get(&page).await;
        assert!(told.body.contains("This code is not right. 4 tries are left.") && told.body.contains("aria-invalid"), "{}", told.body);
    }
    assert!(!bob.get(&format!("{link}/code")).await.body.contains("not right"));
    let at_once = bob.submit(&format!("{link}/code"), &[("code", wrong), ("here", "yes")]).await;
    assert_eq!(at_once.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(at_once.body.contains("3 tries are left"), "{}", at_once.body);
    let right = bob.submit(&format!("{link}/code"), &[("code", &code)]).await;
    assert_eq!(right.location(), format!("{link}/message"), "{}", right.body);

    let message = bob.get(&format!("{link}/message")).await;
    assert!(message.body.contains("Wire instructions") && message.body.contains("<strong>read</strong>"), "{}", message.body);
    assert_eq!(bob.get(&format!("{link}/code")).await.location(), format!("{link}/message"));
    assert!(bob.get(&link).await.body.contains("Go to the message"));

    let empty = bob.submit_from(&format!("{link}/message"), &format!("{link}/reply"), &[("reply", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let reply = bob.submit_from(&format!("{link}/message"), &format!("{link}/reply"), &[("reply", "Thank you.")]).await;
    assert_eq!(reply.location(), format!("{link}/message"));
    assert!(bob.get(&format!("{link}/message")).await.body.contains("You have replied."));

    let stranger = town.visitor();
    stranger.get(&link).await;
    assert_eq!(stranger.get(&format!("{link}/message")).await.location(), link, "the link alone opens nothing in another browser");
}

#[tokio::test]
async fn a_password_and_acceptance_come_after_the_code_and_the_sender_stays_unnamed_until_then() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    let outline =
        Outline { password: Some("blue horse 77".into()), hint: "the animal".into(), accept_first: true, hide_sender: true, ..to(BOB) };
    town.send(&ana, outline).await;
    let (bob, link) = (town.visitor(), town.link(BOB, "/p/"));
    for page in ["", "/refuse", "/block"] {
        assert!(!bob.get(&format!("{link}{page}")).await.body.contains("Ana"), "{page}");
    }
    bob.submit_from(&link, &format!("{link}/open"), &[]).await;
    town.work().await;
    assert!(!bob.get(&format!("{link}/code")).await.body.contains("the animal"), "the hint waits for the code");
    let proven = bob.submit(&format!("{link}/code"), &[("code", &town.code(BOB))]).await;
    assert_eq!(proven.location(), format!("{link}/password"));
    assert!(bob.get(&format!("{link}/password")).await.body.contains("the animal"));
    let wrong = bob.submit(&format!("{link}/password"), &[("password", "red horse")]).await;
    let told = bob.get(wrong.location()).await;
    assert!(told.body.contains("This password is not right. 4 tries are left.") && !told.body.contains("red horse"), "{}", told.body);
    let right = bob.submit(&format!("{link}/password"), &[("password", "blue horse 77")]).await;
    assert_eq!(right.location(), format!("{link}/accept"), "{}", right.body);
    let accept = bob.get(&format!("{link}/accept")).await;
    assert!(accept.body.contains("Do you accept") && !accept.body.contains("Ana Brandt"));
    let open = bob.submit(&format!("{link}/accept"), &[]).await;
    assert_eq!(open.location(), format!("{link}/message"), "{}", open.body);
    assert!(bob.get(&format!("{link}/message")).await.body.contains("Ana Brandt"));
}

#[tokio::test]
async fn ten_codes_a_day_are_mailed_and_the_page_says_when_there_are_more() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    town.send(&ana, to(BOB)).await;
    let (bob, link) = (town.visitor(), town.link(BOB, "/p/"));
    bob.submit_from(&link, &format!("{link}/open"), &[]).await;
    let again = async || {
        town.clock.advance(Duration::from_secs(3600));
        bob.submit_from(&format!("{link}/code"), &format!("{link}/code/again"), &[]).await
    };
    for _ in 0..9 {
        assert_eq!(again().await.location(), format!("{link}/code"));
    }
    let none = again().await;
    assert_eq!(none.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = none.header("retry-after").parse().unwrap();
    assert_eq!(wait, 14 * 3600 + 1, "a day after the first was mailed");
    assert!(none.body.contains("No more codes can be sent for this message today."), "{}", none.body);
    let says_so =
        |page: &str| page.contains("You need a new code") && !page.contains("We have mailed you") && !page.contains("name=\"code\"");
    assert!(says_so(&none.body), "the last one is over: {}", none.body);
    let other = town.visitor();
    town.clock.advance(Duration::from_secs(wait - 2));
    let none = other.submit_from(&link, &format!("{link}/open"), &[]).await;
    assert_eq!(none.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(says_so(&none.body), "none was mailed: {}", none.body);
    town.clock.advance(Duration::from_secs(2));
    assert_eq!(other.submit_from(&link, &format!("{link}/open"), &[]).await.location(), format!("{link}/code"));
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_message_and_say_so() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    town.send(&ana, Outline { password: Some("blue horse 77".into()), ..to(BOB) }).await;
    let (bob, link) = (town.visitor(), town.link(BOB, "/p/"));
    bob.submit_from(&link, &format!("{link}/open"), &[]).await;
    town.work().await;
    bob.submit(&format!("{link}/code"), &[("code", &town.code(BOB))]).await;
    let mut last = None;
    for _ in 0..5 {
        last = Some(bob.submit(&format!("{link}/password"), &[("password", "wrong")]).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status, StatusCode::FORBIDDEN);
    assert!(last.body.contains("This message is locked"), "{}", last.body);
    assert!(bob.get(&link).await.body.contains("This message is locked"));
}

#[tokio::test]
async fn a_refusal_ends_it_and_says_so() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    town.send(&ana, to(BOB)).await;
    let (bob, link) = (town.visitor(), town.link(BOB, "/p/"));
    bob.get(&link).await;
    assert!(bob.get(&format!("{link}/refuse")).await.body.contains("from which network address and with which browser"));
    let long = bob.submit(&format!("{link}/refuse"), &[("reason", &"x".repeat(600))]).await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(long.body.contains(&"x".repeat(600)), "what was typed comes back");
    let done = bob.submit(&format!("{link}/refuse"), &[("reason", "Not for me")]).await;
    let own = bob.get(done.location()).await;
    assert_eq!(own.status, StatusCode::GONE);
    assert!(own.body.contains("You refused it") && !own.body.contains("Was that not you?"), "nobody is asked about what they just did");
    let ended = bob.get(&link).await;
    assert_eq!(ended.status, StatusCode::GONE);
    assert!(ended.body.contains("This message was refused") && ended.body.contains("Was that not you?"));
    assert_eq!(bob.get(&format!("{link}/refuse")).await.location(), link);
}

#[tokio::test]
async fn a_message_taken_back_or_expired_says_so_on_every_page() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    let id = town.send(&ana, to(BOB)).await;
    let (bob, link) = (town.visitor(), town.link(BOB, "/p/"));
    let nonce = bob.get(&link).await.hidden("nonce").unwrap();
    town.web.post.db.act(&ana, async |tx| messages::retract(tx, id, None).await).await.unwrap();
    let late = bob.post(&format!("{link}/open"), &[("nonce", &nonce)]).await;
    assert_eq!(late.status, StatusCode::GONE);
    assert!(late.body.contains("took this message back"));
    assert!(bob.get(&link).await.body.contains("took this message back"));

    town.send(&ana, to("eve@example.net")).await;
    let link = town.link("eve@example.net", "/p/");
    town.clock.advance(Duration::from_secs(31 * 86_400));
    let expired = bob.get(&link).await;
    assert_eq!(expired.status, StatusCode::GONE);
    assert!(expired.body.contains("This message has expired"));
}

#[tokio::test]
async fn unknown_malformed_and_not_yet_are_one_page_byte_for_byte() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    let later = Outline { send_at: Some(town.clock.now().plus(Duration::from_secs(86_400))), ..to(BOB) };
    let id = town.send(&ana, later).await;
    let found = town.web.post.db.read(&ana, async |read| messages::find_message(read, id).await).await.unwrap().unwrap();
    let keys = town.web.post.db.read(&ana, async |read| Ok::<_, kernel::Fault>(read.keys().clone())).await.unwrap();
    let not_yet = keys.pickup_token(found.recipients[0].id);
    let mut changed = not_yet.to_string();
    changed.replace_range(0..1, if changed.starts_with('A') { "B" } else { "A" });
    let mut seen = Vec::new();
    for token in [not_yet.to_string(), changed, "short".into(), "%00".into()] {
        for page in ["", "/message", "/block", "/files/att_x/a"] {
            let answer = town.visitor().get(&format!("/p/{token}{page}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{token}{page}: {:?}", answer.headers);
            seen.push((answer.body, format!("{:?}", answer.headers)));
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
}

#[tokio::test]
async fn a_mail_program_stops_notices_in_one_click() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    town.send(&ana, to(BOB)).await;
    let link = town.link(BOB, "/p/");
    assert!(town.visitor().get(&format!("{link}/block")).await.body.contains("Stop notices from"));
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let done = town.visitor().ask(Method::POST, &format!("{link}/block"), &headers, Some("List-Unsubscribe=One-Click".into())).await;
    assert_eq!(done.status, StatusCode::OK);
    let before = town.mailbox.letters_to(BOB).len();
    town.send(&ana, to(BOB)).await;
    assert_eq!(town.mailbox.letters_to(BOB).len(), before, "no notice goes to whoever blocked the sender");
}
