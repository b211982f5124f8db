use crate::town::{Town, value};
use crate::uploading::put;
use poem::http::StatusCode;

#[tokio::test]
async fn looking_at_a_blank_page_keeps_nothing() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let page = town.get(&ana, "/compose").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.shows("Send certified") && page.shows("action=\"/drafts\""));
    assert!(town.get(&ana, "/drafts").await.shows("No drafts"));
}

#[tokio::test]
async fn a_draft_comes_back_as_typed() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let typed = [
        ("to", "bob@example"),
        ("subject", "<b>Half</b> & \"quoted\""),
        ("body", "\nfirst line"),
        ("hide_sender", "on"),
        ("remind_days", "7, 1"),
        ("password", "geheim"),
    ];
    let path = town.multipart(&ana, "/drafts", &typed, &[]).await.to();
    let page = town.get(&ana, &path).await;
    assert!(page.shows("value=\"&#60;b&#62;Half&#60;/b&#62; &#38; &#34;quoted&#34;\""));
    assert!(page.shows("bob@example</textarea>") && page.shows(">\n\nfirst line</textarea>"), "a leading line break stays");
    assert!(page.shows("name=\"hide_sender\" checked") && page.shows("sender hidden") && page.shows("7, 1"));
    assert!(!page.shows("geheim"), "the message password is never kept");
    assert!(town.get(&ana, "/drafts").await.shows("bob@example"));
}

#[tokio::test]
async fn a_script_saves_by_revision_and_learns_of_another_window() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let first = town.script(&ana, "/drafts", &[("subject", "one")]).await.json();
    let path = format!("/drafts/{}", first["id"].as_str().unwrap());
    assert_eq!(first["revision"], 1);
    let second = town.script(&ana, &path, &[("subject", "two"), ("revision", "1")]).await;
    assert_eq!((second.status, second.json()["revision"].as_i64()), (StatusCode::OK, Some(2)));

    let late = town.script(&ana, &path, &[("subject", "three"), ("revision", "1")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.json()["error"].as_str().unwrap().contains("another window"));
    for _ in 0..2 {
        let late = town.multipart(&ana, &path, &[("subject", "three"), ("revision", "1")], &[]).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        assert!(late.shows("value=\"three\""), "what was typed is still there");
        assert!(late.shows(&format!("<a href=\"{path}\" target=\"_blank\">the newer text</a>")) && late.shows("name=\"mine\""));
        assert_eq!(value(&late.body, "name=\"revision\" value=\""), "1", "saving again asks again");
    }
    assert!(town.get(&ana, &path).await.shows("value=\"two\""));
    let whole = [("to", "bob@example.org"), ("subject", "three"), ("body", "Dear Bob"), ("revision", "1")];
    let sent = town.multipart(&ana, &format!("{path}/send"), &whole, &[]).await;
    assert_eq!(sent.status, StatusCode::CONFLICT, "what was overtaken is not sent");
    assert!(sent.shows("the newer text") && sent.shows("Dear Bob"));
    assert!(!town.get(&ana, "/sent").await.shows("three"));
    let same = town.multipart(&ana, &path, &[("subject", "two"), ("revision", "1")], &[]).await;
    assert_eq!(same.status, StatusCode::SEE_OTHER, "the same text takes nothing away");
    let mine = town.multipart(&ana, &path, &[("subject", "three"), ("revision", "1"), ("mine", "yes")], &[]).await;
    assert_eq!(mine.status, StatusCode::SEE_OTHER);
    assert!(town.get(&ana, &path).await.shows("value=\"three\""));
}

#[tokio::test]
async fn a_file_of_another_window_goes_along_only_once_it_was_seen() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.multipart(&ana, "/drafts", &[("subject", "Two windows"), ("shown", "")], &[]).await.to();
    let revision = |page: &str| value(page, "name=\"revision\" value=\"").to_owned();
    let before = revision(&town.get(&ana, &path).await.body);
    let whole = |revision: &str, shown: &str| {
        ["to=bob@example.org", "subject=Two windows", "body=Dear Bob"]
            .map(|field| field.split_once('=').unwrap())
            .into_iter()
            .chain([("revision", revision), ("shown", shown)])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<Vec<_>>()
    };
    let file = [("name", "secret.pdf"), ("type", "application/pdf"), ("size", "6")];
    let begun = town.script(&ana, &format!("{path}/files"), &file).await.json();
    put(&town, &ana, &format!("{path}/files/{}", begun["id"].as_str().unwrap()), 0, b"secret").await;
    let send = async |fields: Vec<(String, String)>, files: &[(&str, &[u8])]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        town.multipart(&ana, &format!("{path}/send"), &fields, files).await
    };
    let unseen = send(whole(&before, ""), &[("own.pdf", b"own")]).await;
    assert_eq!(unseen.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", unseen.body);
    assert!(unseen.shows("“secret.pdf” was attached in another window") && !unseen.shows("“own.pdf” was attached"));
    let shown = value(&unseen.body, "name=\"shown\" value=\"").to_owned();
    assert_eq!(shown.split(' ').count(), 2, "{shown}");
    assert!(send(whole(&revision(&unseen.body), &shown), &[]).await.to().starts_with("/messages/"));
}

#[tokio::test]
async fn a_blank_page_sent_again_goes_on_with_its_draft() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let once = value(&town.get(&ana, "/compose").await.body, "name=\"once\" value=\"").to_owned();
    let first = [("to", "nobody"), ("subject", "first"), ("once", once.as_str())];
    for _ in 0..2 {
        let failed = town.multipart(&ana, "/drafts?then=send", &first, &[]).await;
        assert_eq!(failed.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let drafts = town.get(&ana, "/drafts").await;
    assert_eq!(drafts.body.matches("class=\"subject\"").count(), 1, "reloading the answer begins no second draft");
    let path = format!("/drafts/{}", value(&drafts.body, "class=\"subject\" href=\"/drafts/"));

    town.multipart(&ana, &path, &[("to", "nobody"), ("subject", "newer")], &[]).await;
    town.multipart(&ana, "/drafts", &first, &[]).await;
    assert!(town.get(&ana, &path).await.shows("value=\"newer\""), "what was written since is not overwritten by the old page");
    let changed = [("to", "nobody"), ("subject", "changed after going back"), ("once", once.as_str())];
    let other = town.multipart(&ana, "/drafts", &changed, &[]).await.to();
    assert!(town.get(&ana, &other).await.shows("changed after going back"));
    assert!(town.get(&ana, &path).await.shows("value=\"newer\""), "nor by what the old page says now: that is another draft");

    town.post(&ana, &format!("{path}/discard"), &[]).await;
    assert_ne!(town.multipart(&ana, "/drafts", &first, &[]).await.to(), path, "a discarded draft does not come back");
}

#[tokio::test]
async fn a_discarded_draft_is_gone_and_what_is_typed_into_it_is_not() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.multipart(&ana, "/drafts", &[("subject", "x")], &[]).await.to();
    assert_eq!(town.post(&ana, &format!("{path}/discard"), &[]).await.to(), "/drafts");
    assert_eq!(town.get(&ana, &path).await.status, StatusCode::NOT_FOUND);
    let again = town.multipart(&ana, &path, &[("subject", "typed for an hour")], &[]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(again.shows("typed for an hour") && again.shows("not here any more"));
}

#[tokio::test]
async fn fifty_one_drafts_are_two_pages() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    for n in 0..51 {
        town.script(&ana, "/drafts", &[("subject", &format!("number {n:02}"))]).await;
        town.db.clock().advance(std::time::Duration::from_millis(5));
    }
    let first = town.get(&ana, "/drafts").await;
    assert!(first.shows("number 50") && !first.shows("number 00"));
    let second = town.get(&ana, value(&first.body, "rel=\"next\" href=\"")).await;
    assert!(second.shows("number 00") && !second.shows("number 01"));
}
