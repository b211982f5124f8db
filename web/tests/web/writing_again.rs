use crate::town::{Town, value};
use kernel::EmailAddress;
use mail::{Outcome, SmtpAnswer};

#[tokio::test]
async fn a_message_that_did_not_arrive_is_written_again_once_however_often_the_button_is_pressed() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let refused = SmtpAnswer { code: 550, text: "no such user".into(), server: String::new() };
    town.mailbox.answer_next_to(&EmailAddress::parse("bob@exmaple.org").unwrap(), Outcome::Failed(refused));
    let path = town.sent(&ana, "bob@exmaple.org, cy@example.org", "Offer", "r0").await;
    town.work().await;
    assert!(town.get(&ana, &path).await.shows("Write it again"));
    let again = format!("{path}/again");
    let draft = town.post(&ana, &again, &[]).await.to();
    assert_eq!(town.post(&ana, &again, &[]).await.to(), draft);
    let page = town.get(&ana, &draft).await;
    assert!(page.shows(">\nbob@exmaple.org</textarea>") && page.shows("value=\"Offer\"") && page.shows("Dear **Bob**"), "{}", page.body);
    assert!(page.shows("value=\"r0\" checked") && page.shows("placeholder=\"30\" value=\"30\""));

    let typed = [("to", "bob@example.org"), ("subject", "Mine now"), ("revision", value(&page.body, "name=\"revision\" value=\""))];
    town.multipart(&ana, &draft, &typed, &[]).await.to();
    assert_eq!(town.post(&ana, &again, &[]).await.to(), draft);
    assert!(town.get(&ana, &draft).await.shows("value=\"Mine now\""), "what was typed since is not overwritten");
    let send = format!("{draft}/send");
    let sent = town.multipart(&ana, &send, &[("to", "bob@example.org"), ("subject", "Mine now"), ("body", "Dear Bob")], &[]).await;
    assert!(sent.to().starts_with("/messages/"));
    assert_ne!(town.post(&ana, &again, &[]).await.to(), draft, "that one is a message");
}

#[tokio::test]
async fn what_cannot_be_shown_cannot_be_written_again() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.sent(&ana, "bob@example.org", "Offer", "r1").await;
    town.post(&ana, &format!("{path}/retract"), &[]).await.to();
    assert!(!town.get(&ana, &path).await.shows("Write it again"));
    assert_eq!(town.post(&ana, &format!("{path}/again"), &[]).await.to(), path);
    assert!(town.get(&ana, "/drafts").await.shows("No drafts"));
}
