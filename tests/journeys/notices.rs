//! Notices and reminders on their way: what each answer of a mail server makes of them.

use mail::{Outcome, Pause, SmtpAnswer};
use std::time::Duration;
use tests::{ApiKey, Town, on_both};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const BOB: &str = "bob@example.org";

fn busy() -> Outcome {
    Outcome::TryLater(Pause::Answered(SmtpAnswer::new(450, "4.2.0 later", "mx.example.org")))
}
fn no_such_user() -> Outcome {
    Outcome::Failed(SmtpAnswer::new(550, "5.1.1 no such user", "mx.example.org"))
}
fn broke() -> Outcome {
    Outcome::Unknown("the connection broke after the final dot".into())
}

/// What the next letters to Bob meet.
fn meets(town: &Town, outcomes: impl IntoIterator<Item = Outcome>) {
    for outcome in outcomes {
        town.mailbox.answer_next_to(&BOB.parse().unwrap(), outcome);
    }
}

async fn sender(town: &Town) -> ApiKey {
    town.member("ana@acme.example").await.key("watch").await
}

/// Sent and relayed, and the day of the reminder has come; the message's id.
async fn on_the_day(town: &Town, key: &ApiKey, to: &[&str]) -> String {
    let message =
        serde_json::json!({ "to": to, "subject": "Lease", "body": "Sign it.", "expires_days": 10, "remind_days": [7], "proof": "r0" });
    let sent = key.send_as(message).await;
    town.run_jobs().await;
    town.clock.advance(3 * DAY);
    sent
}

#[tokio::test]
async fn a_reminder_refused_for_good_is_recorded_and_the_others_get_theirs() {
    on_both(async |town: Town| {
        let key = sender(&town).await;
        let sent = on_the_day(&town, &key, &[BOB, "carol@example.org"]).await;
        meets(&town, [no_such_user()]);
        assert_eq!(town.run_jobs().await, 3, "one job for the day, and one a recipient");
        let kinds = key.kinds(&sent).await;
        assert_eq!(kinds[..3], ["submitted", "notice_relayed", "notice_relayed"]);
        assert!(kinds[3..].contains(&"reminder_failed".into()) && kinds[3..].contains(&"reminder_relayed".into()), "{kinds:?}");
        assert_eq!(key.states(&sent).await, ["notified"; 2], "the notices before were relayed");
        let carols = town.mailbox.letters_to("carol@example.org").pop().unwrap();
        assert!(carols.subject.contains("in 7 days"), "{}", carols.subject);
        town.clock.advance(DAY);
        assert_eq!(town.run_jobs().await, 0, "it is not tried again");
    })
    .await;
}

#[tokio::test]
async fn a_reminder_is_tried_as_long_as_a_notice_and_says_the_days_that_are_left() {
    on_both(async |town: Town| {
        let key = sender(&town).await;
        let sent = on_the_day(&town, &key, &[BOB]).await;
        meets(&town, std::iter::repeat_with(busy).take(12));
        for _ in 0..12 {
            town.run_jobs().await;
            town.clock.advance(6 * HOUR);
        }
        assert_eq!(key.kinds(&sent).await[2..], ["reminder_delayed"]);
        town.run_jobs().await;
        assert_eq!(key.kinds(&sent).await[2..], ["reminder_delayed", "reminder_relayed"]);
        let reminder = town.mailbox.letters_to(BOB).pop().unwrap();
        assert!(reminder.subject.contains("in 4 days"), "{}", reminder.subject);
        assert!(reminder.message_id.contains(".reminder7@"), "{}", reminder.message_id);
    })
    .await;
}

#[tokio::test]
async fn reminders_end_with_what_they_remind_of() {
    on_both(async |town: Town| {
        let key = sender(&town).await;
        let sent = on_the_day(&town, &key, &[BOB]).await;
        meets(&town, [busy()]);
        town.run_jobs().await;
        key.retract(&sent).await;
        let before = town.letters_to(BOB);
        town.clock.advance(DAY);
        town.run_jobs().await;
        assert_eq!(town.letters_to(BOB), before, "nobody is reminded of what was taken back");
    })
    .await;
}

#[tokio::test]
async fn each_time_that_a_notice_may_have_arrived_is_recorded_and_delays_once() {
    on_both(async |town: Town| {
        let key = sender(&town).await;
        meets(&town, [busy(), broke(), busy(), broke()]);
        let sent = key.send(&[BOB]).await;
        for _ in 0..5 {
            town.run_jobs().await;
            town.clock.advance(6 * HOUR);
        }
        assert_eq!(key.kinds(&sent).await[1..], ["notice_delayed", "notice_unknown", "notice_unknown", "notice_relayed"]);
        let ids: Vec<String> = town.mailbox.letters_to(BOB).into_iter().map(|letter| letter.message_id).collect();
        assert_eq!((ids.len(), ids.iter().all(|id| *id == ids[0])), (3, true), "under one Message-ID: {ids:?}");
    })
    .await;
}

#[tokio::test]
async fn five_days_count_from_the_first_try() {
    on_both(async |town: Town| {
        let key = sender(&town).await;
        meets(&town, std::iter::repeat_with(busy).take(100));
        let sent = key.send(&[BOB]).await;
        town.clock.advance(6 * DAY);
        let first_try = town.clock.now();
        town.run_jobs().await;
        assert_eq!(key.states(&sent).await, ["waiting"], "no worker ran for six days, which are no tries");
        while key.states(&sent).await == ["waiting"] {
            town.clock.advance(HOUR);
            town.run_jobs().await;
        }
        let tried = town.clock.now().since(first_try);
        assert!(tried > 5 * DAY && tried <= 5 * DAY + 7 * HOUR, "{tried:?}");
        assert_eq!(key.kinds(&sent).await[1..], ["notice_delayed", "notice_failed"]);
        assert!(town.newest_to("ana@acme.example").text.contains("not taken for five days"));
    })
    .await;
}

#[tokio::test]
async fn a_code_that_is_not_taken_is_called_so() {
    on_both(async |town: Town| {
        let key = sender(&town).await;
        let sent = key.send(&[BOB]).await;
        town.run_jobs().await;
        assert_eq!(town.recipient(BOB).open().await.step(), "code");
        meets(&town, [busy(), busy(), no_such_user()]);
        for _ in 0..3 {
            town.run_jobs().await;
            town.clock.advance(Duration::from_secs(15));
        }
        let kinds = key.kinds(&sent).await;
        assert_eq!(kinds[kinds.len() - 3..], ["gesture", "code_delayed", "code_failed"]);
        assert_eq!(key.states(&sent).await, ["notified"]);
    })
    .await;
}

async fn first_tenant_is(town: &Town, state: &str) {
    let desk = town.app.db.front_desk();
    let tenant = desk.tenants(None, 1).await.unwrap()[0].id;
    assert!(desk.set_tenant_state(tenant, state).await.unwrap());
}

#[tokio::test]
async fn notices_and_reminders_of_a_suspended_tenant_wait() {
    on_both(async |town: Town| {
        let key = sender(&town).await;
        on_the_day(&town, &key, &[BOB]).await;
        key.send(&["dan@example.org"]).await;
        first_tenant_is(&town, "suspended").await;
        for _ in 0..60 {
            town.run_jobs().await;
            town.clock.advance(HOUR);
        }
        assert_eq!((town.letters_to(BOB), town.letters_to("dan@example.org")), (1, 0));
        first_tenant_is(&town, "active").await;
        town.clock.advance(HOUR);
        town.run_jobs().await;
        assert_eq!((town.letters_to(BOB), town.letters_to("dan@example.org")), (2, 1));
    })
    .await;
}

#[tokio::test]
async fn recipients_of_a_suspended_tenant_go_on_picking_up() {
    on_both(async |town: Town| {
        sender(&town).await.send(&[BOB]).await;
        town.run_jobs().await;
        first_tenant_is(&town, "suspended").await;
        let bob = town.recipient(BOB);
        assert_eq!(bob.open().await.step(), "code");
        town.run_jobs().await;
        assert_eq!(bob.type_code(&town.code(BOB)).await.step(), "message");
        town.run_jobs().await;
    })
    .await;
}
