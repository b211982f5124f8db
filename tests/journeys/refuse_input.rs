use messages::{Draft, DraftRefused, DraftText, Outline, Proof, SendRefused};
use tests::{Town, letter_to, on_both};

fn wrong(change: impl FnOnce(&mut Outline)) -> Vec<(String, String)> {
    let mut outline = letter_to(&["bob@example.org"]);
    change(&mut outline);
    let errors = Draft::parse(&outline, store::testing::START).err().unwrap_or_default();
    errors.into_iter().map(|e| (e.pointer(), e.sentence)).collect()
}

#[test]
fn each_wrong_field_is_named_with_a_sentence() {
    let pointers = |change: fn(&mut Outline)| wrong(change).into_iter().map(|(p, _)| p).collect::<Vec<_>>();
    assert!(pointers(|_| {}).is_empty());
    assert_eq!(pointers(|o| o.to = vec![]), ["/to"]);
    assert_eq!(pointers(|o| o.to = vec!["a@example.org".into(), "j.ortiz@example".into()]), ["/to/1"]);
    assert_eq!(pointers(|o| o.to = (0..101).map(|n| format!("r{n}@example.org")).collect()), ["/to"]);
    assert_eq!(pointers(|o| o.to = vec!["bob@example.org".into(), "BOB@example.org".into()]), ["/to/1"]);
    assert_eq!(pointers(|o| o.subject = String::new()), ["/subject"]);
    assert_eq!(pointers(|o| o.subject = "x".repeat(10 << 20)), ["/subject"]);
    assert_eq!(pointers(|o| o.subject = "a\r\nBcc: eve@example.org".into()), ["/subject"]);
    assert_eq!(pointers(|o| o.to = vec!["bob@example.org\r\nBcc: eve@example.org".into()]), ["/to/0"]);
    assert_eq!(pointers(|o| o.body = "x".repeat(2 << 20)), ["/body"]);
    assert_eq!(pointers(|o| o.proof = Some(Proof::R2)), ["/password"]);
    assert_eq!(pointers(|o| (o.password, o.proof) = (Some("secret".into()), Some(Proof::R0))), ["/proof"]);
    assert_eq!(pointers(|o| (o.password, o.hint) = (Some("Secret".into()), "it is secret!".into())), ["/hint"]);
    assert_eq!(pointers(|o| o.hint = "no password".into()), ["/hint"]);
    assert_eq!(pointers(|o| o.expires_days = Some(0)), ["/expires_days"]);
    assert_eq!(pointers(|o| o.remind_days = vec![30]), ["/remind_days"]);
    assert_eq!(pointers(|o| o.send_at = Some(kernel::Time(0))), ["/send_at"]);
}

#[tokio::test]
async fn two_submits_of_one_draft_send_once() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let id = town.db().act(&ana, async |tx| messages::start_draft(tx, &DraftText::default()).await).await.unwrap();
        let outline = Outline { draft: Some(id), ..letter_to(&["bob@example.org"]) };
        let both = tokio::join!(messages::submit(&town.post, &ana, &outline, None), messages::submit(&town.post, &ana, &outline, None));
        let (first, second) = (both.0.unwrap(), both.1.unwrap());
        assert_eq!((first.id, second.id), (id, id));
        assert!(first.repeated != second.repeated);
        town.run_jobs().await;
        assert_eq!(town.mailbox.letters_to("bob@example.org").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_draft_keeps_what_was_typed_and_an_older_window_does_not_overwrite_it() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let text = DraftText { to: "bob@exam".into(), body: "half a sen".into(), ..DraftText::default() };
        let id = town.db().act(&ana, async |tx| messages::start_draft(tx, &text).await).await.unwrap();
        let newer = DraftText { body: "half a sentence".into(), ..text.clone() };
        let revision = town.db().act(&ana, async |tx| messages::save_draft(tx, id, &newer, Some(1)).await).await.unwrap();
        assert_eq!(revision, 2);
        let older = town.db().act(&ana, async |tx| messages::save_draft(tx, id, &text, Some(1)).await).await;
        assert!(matches!(older, Err(DraftRefused::Newer)));
        let kept = town.db().read(&ana, async |read| messages::draft(read, id).await).await.unwrap().unwrap();
        assert_eq!(kept.text, newer);
        assert!(town.db().act(&ana, async |tx| messages::discard_draft(tx, id).await).await.unwrap());
        let outline = Outline { draft: Some(id), ..letter_to(&["bob@example.org"]) };
        assert!(matches!(messages::submit(&town.post, &ana, &outline, None).await, Err(SendRefused::NoDraft)));
    })
    .await;
}
