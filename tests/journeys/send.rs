use messages::{RecipientState, SendRefused};
use store::Origin;
use tests::{Town, letter_to, on_both};

#[tokio::test]
async fn a_notice_leaves_and_says_nothing_of_the_content() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let sent = town.send(&ana, letter_to(&["bob@example.org", "carol@example.org"])).await;
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Waiting; 2]);
        town.run_jobs().await;
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Notified; 2]);
        let notice = town.newest_to("bob@example.org");
        assert!(notice.text.contains("Ana Brandt") && notice.text.contains("https://mail.example.test/p/"));
        assert!(!notice.raw.contains("Wire instructions") && !notice.raw.contains("12-34"), "{}", notice.raw);
        assert_eq!(town.kinds(&ana, sent.id).await, ["submitted", "notice_relayed", "notice_relayed"]);
    })
    .await;
}

#[tokio::test]
async fn a_message_written_before_the_proof_of_address_leaves_after_it() {
    on_both(async |town: Town| {
        let ana = town.newcomer("ana@acme.example").await;
        let sent = town.send(&ana, letter_to(&["bob@example.org"])).await;
        assert!(sent.held);
        town.run_jobs().await;
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Waiting]);
        town.prove("ana@acme.example").await;
        town.run_jobs().await;
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Notified]);
    })
    .await;
}

#[tokio::test]
async fn the_same_idempotency_key_sends_once_and_another_request_under_it_is_refused() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let outline = letter_to(&["bob@example.org"]);
        let first = messages::submit(&town.post, &ana, &outline, Some(("k1", [1; 32]))).await.unwrap();
        let second = messages::submit(&town.post, &ana, &outline, Some(("k1", [1; 32]))).await.unwrap();
        assert_eq!((first.id, true), (second.id, second.repeated));
        let other = messages::submit(&town.post, &ana, &outline, Some(("k1", [2; 32]))).await;
        assert!(matches!(other, Err(SendRefused::KeyReused)));
        town.run_jobs().await;
        assert_eq!(town.mailbox.letters_to("bob@example.org").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_over_its_quota_is_refused_and_nothing_is_left_behind() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let hundred: Vec<String> = (0..100).map(|n| format!("r{n}@example.org")).collect();
        let to: Vec<&str> = hundred.iter().map(String::as_str).collect();
        for _ in 0..15 {
            town.send(&ana, letter_to(&to)).await;
        }
        let refused = messages::submit(&town.post, &ana, &letter_to(&["bob@example.org"]), None).await;
        assert!(matches!(refused, Err(SendRefused::Quota(_))), "{refused:?}");
        let listed = town
            .db()
            .read(&ana, async |read| messages::sent(read, &messages::SentQuery { limit: 100, ..Default::default() }).await)
            .await
            .unwrap();
        assert_eq!(listed.rows.len(), 15);
    })
    .await;
}

#[tokio::test]
async fn the_sent_list_pages_searches_and_filters() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        for n in 0..7 {
            let mut outline = letter_to(&[&format!("r{n}@example.org")]);
            outline.subject = format!("Subject 100%_{n}");
            town.clock().advance(std::time::Duration::from_millis(1));
            town.send(&ana, outline).await;
        }
        let page = async |query: messages::SentQuery| town.db().read(&ana, async |read| messages::sent(read, &query).await).await.unwrap();
        let first = page(messages::SentQuery { limit: 5, ..Default::default() }).await;
        let second = page(messages::SentQuery { limit: 5, after: first.next, ..Default::default() }).await;
        let subjects: Vec<String> = first.rows.iter().chain(&second.rows).map(|r| r.subject.clone()).collect();
        assert_eq!(subjects, (0..7).rev().map(|n| format!("Subject 100%_{n}")).collect::<Vec<_>>());
        assert_eq!(second.next, None);
        for (search, hits) in [("R3@EXAMPLE", 1), ("100%_", 7), ("100x_", 0), ("subject", 7)] {
            let found = page(messages::SentQuery { limit: 50, search: search.into(), ..Default::default() }).await;
            assert_eq!(found.rows.len(), hits, "{search}");
        }
        let opened = page(messages::SentQuery { limit: 50, state: Some(RecipientState::Opened), ..Default::default() }).await;
        assert!(opened.rows.is_empty());
    })
    .await;
}

#[tokio::test]
async fn another_tenants_message_is_not_there() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let eve = town.owner("eve@other.example").await;
        let sent = town.send(&ana, letter_to(&["bob@example.org"])).await;
        let found = town.db().read(&eve, async |read| messages::find_message(read, sent.id).await).await.unwrap();
        assert!(found.is_none());
        let retracted = town.db().act(&eve, async |tx| messages::retract(tx, sent.id, None).await).await;
        assert!(matches!(retracted, Err(messages::RetractRefused::NotFound)));
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Waiting]);
    })
    .await;
}

#[tokio::test]
async fn a_temporary_answer_is_tried_again_and_a_final_one_is_not() {
    on_both(async |town: Town| {
        use mail::{Outcome, Pause, SmtpAnswer};
        let ana = town.owner("ana@acme.example").await;
        let bob = "bob@example.org".parse().unwrap();
        town.mailbox.answer_next_to(&bob, Outcome::TryLater(Pause::Answered(SmtpAnswer::new(450, "greylisted", "mx.example.org"))));
        let sent = town.send(&ana, letter_to(&["bob@example.org"])).await;
        town.run_jobs().await;
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Waiting]);
        town.clock().advance(std::time::Duration::from_secs(120));
        town.mailbox.answer_next_to(&bob, Outcome::Failed(SmtpAnswer::new(550, "no such user", "mx.example.org")));
        town.run_jobs().await;
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Failed]);
        assert_eq!(town.kinds(&ana, sent.id).await, ["submitted", "notice_delayed", "notice_failed"]);
        assert!(town.newest_to("ana@acme.example").text.contains("no such user"));
    })
    .await;
}

#[tokio::test]
async fn a_link_with_one_character_changed_leads_nowhere() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        town.send(&ana, letter_to(&["bob@example.org"])).await;
        town.run_jobs().await;
        let text = town.newest_to("bob@example.org").text;
        let at = text.find("/p/").unwrap() + 3;
        let good = &text[at..at + 43];
        let changed = format!("{}{}", if good.starts_with('A') { 'B' } else { 'A' }, &good[1..]);
        let desk = town.db().front_desk();
        assert!(desk.pickup(&changed.parse().unwrap(), Origin::default()).await.unwrap().is_none());
        assert!(desk.pickup(&good.parse().unwrap(), Origin::default()).await.unwrap().is_some());
    })
    .await;
}
