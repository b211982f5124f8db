use crate::town::Town;
use futures_util::StreamExt;
use poem::http::{StatusCode, header};
use std::time::Duration;

#[tokio::test]
async fn the_register_says_what_happened_and_what_it_does_not_prove() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.sent(&ana, "bob@example.org, cy@example.org", "Offer", "r0").await;
    town.work().await;
    town.open("bob@example.org").await;
    let page = town.get(&ana, &path).await;
    for text in [
        "Notice relayed</b>",
        "It does not say that anyone saw it.",
        "Opened</b> (R0)",
        "from 203.0.113.24, Firefox on Windows",
        "· ETSI EN 319 522: ContentHandover",
        "It does not say that it was read.",
    ] {
        assert!(page.shows(text), "{text}");
    }
    // One recipient's own register leaves the other's entries out.
    let cy =
        page.body.rsplit("?recipient=").find(|rest| rest.contains(">cy@example.org</a>")).unwrap().split('#').next().unwrap().to_owned();
    let own = town.get(&ana, &format!("{path}?recipient={cy}")).await;
    assert!(own.shows("show everyone") && own.shows("Submitted</b>") && !own.shows("Firefox on Windows"));
    let part = town.get(&ana, &format!("{path}/timeline")).await;
    assert!(!part.shows("<header") && part.shows("Firefox on Windows"));
    assert_eq!(town.get(&ana, &format!("{path}?recipient=rcp_00000000000000000000000001")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_open_page_hears_of_a_change() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.sent(&ana, "bob@example.org", "Offer", "r0").await;
    town.work().await;
    let page = town.get(&ana, &path).await;
    let events = crate::town::value(&page.body, "data-events=\"").to_owned();
    let answer = town.site.get(events).header(header::COOKIE, &ana.cookie).send().await;
    answer.assert_status_is_ok();
    let mut stream = answer.0.into_body().into_bytes_stream();
    let mut next = async || {
        tokio::time::timeout(Duration::from_secs(4), stream.next())
            .await
            .map(|piece| String::from_utf8(piece.unwrap().unwrap().to_vec()).unwrap())
    };
    assert_eq!(next().await.unwrap(), "retry: 3000\n\n");
    let (heard, _) = tokio::join!(next(), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        town.post(&ana, &format!("{path}/retract"), &[]).await.to()
    });
    assert!(heard.expect("sooner than the next look, after 5 s").starts_with("event: changed\n"));
}

/// Version of the part of that id, as the page's script compares it.
fn version<'a>(part: &'a str, id: &str) -> &'a str {
    crate::town::value(&part[part.find(&format!("id=\"{id}\"")).unwrap()..], "data-version=\"")
}

#[tokio::test]
async fn what_an_open_page_fetches_has_no_dead_button_and_every_reply() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.sent(&ana, "bob@example.org", "Offer", "r0").await;
    town.work().await;
    let before = town.get(&ana, &path).await;
    assert!(before.shows("Take it back") && !before.shows("Replies</h2>"));
    let (bob, cookie) = town.open("bob@example.org").await;
    let opened = town.get(&ana, &format!("{path}/timeline")).await;
    assert!(!opened.shows("Take it back"), "nobody is left to take it back from");
    assert_ne!(version(&before.body, "head"), version(&opened.body, "head"));
    assert_eq!(version(&before.body, "content"), version(&opened.body, "content"), "what did not change stays as it is");
    assert_eq!(version(&before.body, "replies"), version(&opened.body, "replies"));
    messages::reply(&town.post, &bob, &cookie, "I accept.").await.unwrap();
    let replied = town.get(&ana, &format!("{path}/timeline")).await;
    assert!(replied.shows("href=\"/received/rpl_"));
    assert_ne!(version(&opened.body, "replies"), version(&replied.body, "replies"));
}

#[tokio::test]
async fn an_open_page_learns_that_the_content_is_gone() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.sent(&ana, "bob@example.org", "Offer", "r0").await;
    let before = town.get(&ana, &path).await;
    town.post(&ana, &format!("{path}/retract"), &[]).await;
    town.work().await;
    let after = town.get(&ana, &format!("{path}/timeline")).await;
    assert!(after.shows("The content is destroyed") && !after.shows("Take it back"));
    assert_ne!(version(&before.body, "content"), version(&after.body, "content"));
}

#[tokio::test]
async fn a_sixth_window_of_one_session_is_not_followed() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.sent(&ana, "bob@example.org", "Offer", "r0").await;
    let ask = async || town.site.get(format!("{path}/events")).header(header::COOKIE, &ana.cookie).send().await;
    let mut open = Vec::new();
    for _ in 0..5 {
        let answer = ask().await;
        answer.assert_status_is_ok();
        open.push(answer);
    }
    ask().await.assert_status(StatusCode::TOO_MANY_REQUESTS);
    open.pop();
    ask().await.assert_status_is_ok();
}

#[tokio::test]
async fn a_script_that_follows_without_a_session_is_told_so() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.sent(&ana, "bob@example.org", "Offer", "r0").await;
    let answer = crate::town::read(town.site.get(format!("{path}/events")).send().await).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE) && !answer.headers.contains_key(header::LOCATION));
}

#[tokio::test]
async fn a_reply_is_listed_new_until_it_is_read() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    assert!(town.get(&ana, "/received").await.shows("No replies yet"));
    let path = town.sent(&ana, "bob@example.org", "Offer", "r0").await;
    town.work().await;
    let (bob, cookie) = town.open("bob@example.org").await;
    messages::reply(&town.post, &bob, &cookie, "I **accept** <script>alert(1)</script>").await.unwrap();
    let list = town.get(&ana, "/received").await;
    assert!(list.shows("bob@example.org") && list.shows("state new"));
    assert!(town.get(&ana, &path).await.shows("Replies</h2>"));
    let path = format!("/received/{}", crate::town::value(&list.body, "href=\"/received/"));
    let reply = town.get(&ana, &path).await;
    assert!(reply.shows("<strong>accept</strong>") && !reply.shows("<script>alert") && reply.shows("Reply to “Offer”"));
    assert!(town.get(&ana, "/received").await.shows("state new"), "looking alone changes nothing");
    assert!(reply.shows(&format!("action=\"{path}/read\"")));
    assert_eq!(town.post(&ana, &format!("{path}/read"), &[]).await.to(), "/received");
    assert!(!town.get(&ana, "/received").await.shows("state new"));
    assert!(!town.get(&ana, &path).await.shows("Mark as read"));
    let again = town.script(&ana, &format!("{path}/read"), &[]).await;
    assert_eq!((again.status, again.json()["read"].as_bool()), (StatusCode::OK, Some(true)), "twice is once");
    let unknown = "/received/rpl_00000000000000000000000001/read";
    assert_eq!(town.post(&ana, unknown, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn mail_carries_a_subject_only_where_its_sender_lets_it() {
    for shown in [false, true] {
        let town = Town::new().await;
        let ana = town.person("ana@example.org").await;
        let mut form =
            vec![("to", "bob@example.org"), ("subject", "Your diagnosis"), ("body", "x"), ("proof", "r0"), ("notify_opened", "on")];
        form.extend(shown.then_some(("show_subject", "on")));
        town.multipart(&ana, "/drafts?then=send", &form, &[]).await.to();
        town.work().await;
        let (bob, cookie) = town.open("bob@example.org").await;
        messages::reply(&town.post, &bob, &cookie, "Thank you").await.unwrap();
        town.work().await;
        let told = town.mailbox.letters_to("ana@example.org");
        let about = |word: &str| told.iter().find(|letter| letter.subject.starts_with(word)).unwrap_or_else(|| panic!("{word}"));
        for letter in [about("Opened by bob@example.org: "), about("Reply from bob@example.org: ")] {
            assert_eq!(format!("{}{}{}", letter.subject, letter.text, letter.html).contains("diagnosis"), shown, "{}", letter.subject);
        }
    }
}

#[tokio::test]
async fn the_settings_say_what_the_plan_gives_and_what_is_used() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    town.sent(&ana, "bob@example.org", "Offer", "r0").await;
    let page = town.get(&ana, "/settings").await;
    for line in
        ["<dt>Sends this month</dt><dd>1 of 1,000", "<dt>Content stored</dt><dd>", " of 128 MiB", "<dt>Domains of your own</dt><dd>0 of 10"]
    {
        assert!(page.shows(line), "{line}");
    }
}

#[tokio::test]
async fn a_site_that_can_ask_for_no_certificate_says_why_and_offers_nothing() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    assert!(town.get(&ana, "/settings").await.shows("They cannot be asked for at this site."));
    let page = town.get(&ana, "/settings/certificates").await;
    assert!(page.shows("Nobody can be asked for a certificate at this site.") && page.shows("http://127.0.0.1:8080"));
    let main = page.body.split("<main").nth(1).unwrap();
    assert!(!main.contains("<form") && !main.contains("<button"), "{main}");
}

#[tokio::test]
async fn the_list_is_searched_and_filtered() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    town.sent(&ana, "bob@example.org", "Tax return", "r0").await;
    town.sent(&ana, "cy@example.net", "Wire & instructions", "r0").await;
    town.work().await;
    town.open("cy@example.net").await;
    let by_subject = town.get(&ana, "/sent?q=tax").await;
    assert!(by_subject.shows("Tax return") && !by_subject.shows("Wire"));
    let by_address = town.get(&ana, "/sent?q=EXAMPLE.net").await;
    assert!(by_address.shows("Wire &#38; instructions") && !by_address.shows("Tax return"));
    let opened = town.get(&ana, "/sent?state=opened").await;
    assert!(opened.shows("Wire") && !opened.shows("Tax return") && opened.shows("value=\"opened\" selected"));
    assert!(town.get(&ana, "/sent?q=%22%3E%3Cscript%3E").await.shows("No message fits"));
    for strange in ["/sent?state=x&after=y", "/sent?q=%FF&q=%00", "/sent?after=msg_00000000000000000000000000"] {
        assert_eq!(town.get(&ana, strange).await.status, StatusCode::OK, "{strange}");
    }
}
