use crate::town::{Person, Town};
use poem::http::StatusCode;

/// The page after a form, with the sentence that the form left for it.
async fn after(town: &Town, person: &Person, path: &str, fields: &[(&str, &str)]) -> (String, crate::town::Answer) {
    let answer = town.post(person, path, fields).await;
    let flash = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let to = answer.to();
    let looker = Person { cookie: format!("{}; {flash}", person.cookie), form: String::new(), caller: person.caller.clone() };
    (to.clone(), town.get(&looker, &to).await)
}

#[tokio::test]
async fn an_unopened_message_is_taken_back_from_the_list() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.sent(&ana, "bob@example.org", "Wrong file", "r1").await;
    town.work().await;
    assert!(town.get(&ana, "/sent").await.shows("Take it back"));
    let (to, page) = after(&town, &ana, &format!("{path}/retract"), &[("back", "sent")]).await;
    assert_eq!(to, "/sent");
    assert!(page.shows("Taken back. It had not been opened.") && page.shows("state retracted") && !page.shows("Take it back"));
    let page = town.get(&ana, &path).await;
    assert!(page.shows("Retracted</b>") && page.shows("The content is destroyed") && !page.shows("Dear"));
    let (_, again) = after(&town, &ana, &format!("{path}/retract"), &[]).await;
    assert!(again.shows("Nothing changed"), "running it twice does no harm");
}

#[tokio::test]
async fn who_opened_keeps_it_and_the_rest_lose_it() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.sent(&ana, "bob@example.org, cy@example.org, di@example.org", "Offer", "r0").await;
    town.work().await;
    town.open("bob@example.org").await;
    let (_, page) = after(&town, &ana, &format!("{path}/retract"), &[]).await;
    assert!(page.shows("Taken back from 2, too late for 1."));
    assert!(page.shows("Retraction too late") && page.shows("state opened") && page.shows("state retracted"));
    let list = town.get(&ana, "/sent").await;
    assert!(list.shows("Opened 1 of 3") && list.shows("2 retracted"));
}

#[tokio::test]
async fn one_recipient_of_several_can_be_named() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.sent(&ana, "bob@example.org, cy@example.org", "Offer", "r0").await;
    let page = town.get(&ana, &path).await;
    let bob = crate::town::value(&page.body, "name=\"recipient\" value=\"").to_owned();
    let (_, page) = after(&town, &ana, &format!("{path}/retract"), &[("recipient", &bob)]).await;
    assert!(page.shows("Taken back. It had not been opened."));
    assert_eq!(page.body.matches("state retracted").count(), 1);
    assert_eq!(
        town.post(&ana, &format!("{path}/retract"), &[("recipient", "rcp_00000000000000000000000001")]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(town.post(&ana, &format!("{path}/retract"), &[("recipient", "x")]).await.status, StatusCode::NOT_FOUND);
}
