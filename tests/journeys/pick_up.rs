use messages::{DoorState, PickupRefused, Proof, RecipientState, Step};
use std::time::Duration;
use tests::{Town, letter_to, on_both};

#[tokio::test]
async fn the_mailed_code_opens_the_message_and_looking_does_not() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let mut outline = letter_to(&["bob@example.org"]);
        outline.notify_opened = true;
        let sent = town.send(&ana, outline).await;
        town.run_jobs().await;
        let (bob, cookie) = (town.visitor("bob@example.org").await, town.cookie());
        let door = town.db().read(&bob, async |read| messages::door(read).await).await.unwrap().unwrap();
        assert_eq!((door.state, door.sender.unwrap().0.as_str()), (DoorState::Sealed, "Ana Brandt"));
        messages::link_fetched(&town.post, &bob).await.unwrap();
        messages::link_fetched(&town.post, &bob).await.unwrap();
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Notified]);
        assert!(matches!(messages::gesture(&town.post, &bob, &cookie).await, Ok(Step::Code { .. })));
        assert!(messages::content(&town.post, &bob, &cookie).await.unwrap().is_none());
        town.run_jobs().await;
        let code = town.code("bob@example.org");
        assert_eq!(messages::prove_code(&town.post, &bob, &cookie, &code).await.unwrap(), Step::Open);
        let content = messages::content(&town.post, &bob, &cookie).await.unwrap().unwrap();
        assert_eq!(content.text, "Dear *Bob*,\nthe account is 12-34.");
        assert!(messages::content(&town.post, &bob, &town.cookie()).await.unwrap().is_none(), "another browser");
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Opened]);
        assert_eq!(
            town.kinds(&ana, sent.id).await,
            ["submitted", "notice_relayed", "link_fetched", "gesture", "code_sent", "code_proven", "handed_over"]
        );
        town.run_jobs().await;
        assert!(town.newest_to("ana@acme.example").text.contains("203.0.113.24"));
        messages::reply(&town.post, &bob, &cookie, "Thank you").await.unwrap();
        let replies = town.db().read(&ana, async |read| messages::replies(read, None, None, 10).await).await.unwrap();
        let text = town.db().act(&ana, async |tx| messages::reply_text(tx, replies.rows[0].id).await).await.unwrap().unwrap().1;
        assert_eq!(text, "Thank you");
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn five_wrong_passwords_lock_and_tell_both_and_the_sender_can_unlock() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let mut outline = letter_to(&["bob@example.org"]);
        outline.password = Some("our first dog".into());
        outline.hint = "who barked".into();
        let sent = town.send(&ana, outline).await;
        assert!(matches!(messages::body(&town.post, &ana, sent.id).await.unwrap(), Some(messages::Body::Sealed)));
        town.run_jobs().await;
        let (bob, cookie) = (town.visitor("bob@example.org").await, town.cookie());
        messages::gesture(&town.post, &bob, &cookie).await.unwrap();
        town.run_jobs().await;
        let code = town.code("bob@example.org");
        let step = messages::prove_code(&town.post, &bob, &cookie, &code).await.unwrap();
        assert_eq!(step, Step::Password { hint: Some("who barked".into()), tries_left: 5 });
        for left in (1..5).rev() {
            let wrong = messages::give_password(&town.post, &bob, &cookie, "guess").await;
            assert!(matches!(wrong, Err(PickupRefused::WrongPassword { tries_left }) if tries_left == left), "{wrong:?}");
        }
        let last = messages::give_password(&town.post, &bob, &cookie, "guess").await;
        assert!(matches!(last, Err(PickupRefused::Closed(DoorState::Locked))), "{last:?}");
        let right = messages::give_password(&town.post, &bob, &cookie, "our first dog").await;
        assert!(matches!(right, Err(PickupRefused::Closed(DoorState::Locked))), "the right one comes too late: {right:?}");
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Locked]);
        let before = (town.mailbox.letters_to("ana@acme.example").len(), town.mailbox.letters_to("bob@example.org").len());
        town.run_jobs().await;
        let after = (town.mailbox.letters_to("ana@acme.example").len(), town.mailbox.letters_to("bob@example.org").len());
        assert_eq!((before.0 + 1, before.1 + 1), after, "both are told");
        let recipient = sent.recipients[0].id;
        town.db().act(&ana, async |tx| messages::unlock(tx, sent.id, recipient).await).await.unwrap();
        assert_eq!(messages::give_password(&town.post, &bob, &cookie, "our first dog").await.unwrap(), Step::Open);
        assert_eq!(messages::content(&town.post, &bob, &cookie).await.unwrap().unwrap().assurance, "R2");
    })
    .await;
}

#[tokio::test]
async fn wrong_codes_are_counted_and_a_new_code_makes_the_old_one_worthless() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        town.send(&ana, letter_to(&["bob@example.org"])).await;
        town.run_jobs().await;
        let (bob, cookie) = (town.visitor("bob@example.org").await, town.cookie());
        messages::gesture(&town.post, &bob, &cookie).await.unwrap();
        town.run_jobs().await;
        let first = town.code("bob@example.org");
        let wrong = if first == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            assert!(messages::prove_code(&town.post, &bob, &cookie, wrong).await.is_err());
        }
        assert!(matches!(messages::prove_code(&town.post, &bob, &cookie, &first).await, Err(PickupRefused::CodeSpent)));
        assert!(matches!(messages::resend_code(&town.post, &bob, &cookie).await, Err(PickupRefused::CodeTooSoon { .. })));
        town.clock().advance(Duration::from_secs(61));
        messages::resend_code(&town.post, &bob, &cookie).await.unwrap();
        town.run_jobs().await;
        assert!(matches!(messages::prove_code(&town.post, &bob, &cookie, &first).await, Err(PickupRefused::WrongCode { .. })));
        let second = town.code("bob@example.org");
        assert_eq!(messages::prove_code(&town.post, &bob, &cookie, &second).await.unwrap(), Step::Open);
    })
    .await;
}

#[tokio::test]
async fn a_sender_who_hides_is_unnamed_until_accepted() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let mut outline = letter_to(&["bob@example.org"]);
        (outline.hide_sender, outline.accept_first, outline.proof) = (true, true, Some(Proof::R0));
        let sent = town.send(&ana, outline).await;
        town.run_jobs().await;
        assert!(!town.newest_to("bob@example.org").raw.contains("Ana"));
        let (bob, cookie) = (town.visitor("bob@example.org").await, town.cookie());
        let door = town.db().read(&bob, async |read| messages::door(read).await).await.unwrap().unwrap();
        assert!(door.sender.is_none());
        assert_eq!(messages::gesture(&town.post, &bob, &cookie).await.unwrap(), Step::Accept);
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Notified]);
        assert_eq!(messages::accept(&town.post, &bob, &cookie).await.unwrap(), Step::Open);
        assert_eq!(messages::content(&town.post, &bob, &cookie).await.unwrap().unwrap().sender.0, "Ana Brandt");
        assert_eq!(town.kinds(&ana, sent.id).await, ["submitted", "notice_relayed", "accepted", "handed_over"]);
    })
    .await;
}

#[tokio::test]
async fn a_refused_message_is_closed_for_good() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let sent = town.send(&ana, letter_to(&["bob@example.org"])).await;
        town.run_jobs().await;
        let (bob, cookie) = (town.visitor("bob@example.org").await, town.cookie());
        town.db().act(&bob, async |tx| messages::refuse(tx, "not for me").await).await.unwrap();
        assert!(matches!(messages::gesture(&town.post, &bob, &cookie).await, Err(PickupRefused::Closed(DoorState::Refused))));
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Refused]);
        assert!(matches!(messages::body(&town.post, &ana, sent.id).await.unwrap(), Some(messages::Body::Shredded)));
        town.run_jobs().await;
        assert!(town.newest_to("ana@acme.example").text.contains("not for me"));
    })
    .await;
}

#[tokio::test]
async fn an_expired_message_loses_its_content_and_keeps_its_timeline() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let mut outline = letter_to(&["bob@example.org"]);
        outline.expires_days = Some(3);
        outline.remind_days = vec![1];
        let sent = town.send(&ana, outline).await;
        town.run_jobs().await;
        let bob = town.visitor("bob@example.org").await;
        town.clock().advance(Duration::from_secs(2 * 86_400 + 60));
        town.run_jobs().await;
        town.clock().advance(Duration::from_secs(86_400));
        town.run_jobs().await;
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Expired]);
        assert!(matches!(messages::body(&town.post, &ana, sent.id).await.unwrap(), Some(messages::Body::Shredded)));
        assert!(matches!(messages::gesture(&town.post, &bob, &town.cookie()).await, Err(PickupRefused::Closed(DoorState::Expired))));
        let kinds = town.kinds(&ana, sent.id).await;
        assert_eq!(kinds, ["submitted", "notice_relayed", "reminder_relayed", "expired_unopened", "shredded", "pickup_too_late"]);
    })
    .await;
}

#[tokio::test]
async fn a_blocked_sender_sends_no_more_notices() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        town.send(&ana, letter_to(&["bob@example.org"])).await;
        town.run_jobs().await;
        let bob = town.visitor("bob@example.org").await;
        town.db().act(&bob, async |tx| messages::block_sender(tx).await).await.unwrap();
        town.db().act(&bob, async |tx| messages::block_sender(tx).await).await.unwrap();
        let second = town.send(&ana, letter_to(&["Bob@example.org"])).await;
        town.run_jobs().await;
        assert_eq!(town.states(&ana, second.id).await, [RecipientState::Failed]);
        assert_eq!(town.mailbox.letters_to("bob@example.org").len(), 1);
    })
    .await;
}
