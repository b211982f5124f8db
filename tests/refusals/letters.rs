//! No field of any form gets a line of its own into the head of a letter. Looked at where it counts: at the mail server.

use mail::testing::Peer;
use tests::{Member, Town, on_both_over_smtp};

const EVIL: &str = "Ana\r\nBcc: eve@example.org\r\nX-Evil: yes";

#[tokio::test]
async fn a_line_break_in_a_field_never_becomes_a_header() {
    on_both_over_smtp(async |town: Town, peer: &Peer| {
        let stranger = town.browser();
        stranger.get("/sign-up").await.is(200);
        let password = ("password", tests::PASSWORD);
        for fields in [
            [("name", EVIL), ("email", "ana@acme.example"), password],
            [("name", "Ana"), ("email", "ana@acme.example\r\nBcc: eve@example.org"), password],
        ] {
            let page = stranger.press("/sign-up", &fields).await.is(422);
            assert!(page.shows("-wrong\">"), "{}", page.text());
        }
        stranger.get("/forgot").await.is(200);
        stranger.press("/forgot", &[("email", "ana@acme.example\r\nBcc: eve@example.org")]).await.is(422);

        let ana = town.member("ana@acme.example").await;
        ana.browser.get("/settings").await.is(200);
        let page = ana.browser.press("/settings/name", &[("name", EVIL)]).await.is(422);
        assert!(page.shows("id=\"name-wrong\""), "{}", page.text());
        ana.browser.press("/settings/keys", &[("key_name", EVIL)]).await.is(422);
        let to = "bob@example.org\r\nBcc: eve@example.org";
        assert!(ana.try_send(&[("to", to)], &[]).await.is(422).shows("id=\"to-wrong\""));
        ana.try_send(&[("to", "bob@example.org"), ("subject", EVIL)], &[]).await.is(422);

        // What may have line breaks gets none into a letter at all: the reason of a refusal, the text.
        send_and_refuse(&town, &ana).await;
        for raw in peer.letters() {
            let head = raw.split("\r\n\r\n").next().unwrap().to_lowercase();
            assert!(!head.lines().any(|line| line.starts_with("bcc") || line.starts_with("x-evil")), "{head}");
        }
        let rcpt: Vec<String> = peer.commands().into_iter().filter(|line| line.starts_with("RCPT")).collect();
        assert!(!rcpt.is_empty() && !rcpt.iter().any(|line| line.contains("eve")), "{rcpt:?}");
    })
    .await;
}

async fn send_and_refuse(town: &Town, ana: &Member) {
    ana.send(&[("to", "bob@example.org"), ("subject", "Übergabe"), ("body", EVIL), ("show_subject", "on")]).await;
    town.run_jobs().await;
    let bob = town.recipient("bob@example.org");
    bob.look().await.is(200);
    bob.refuse(EVIL).await.is(303);
    town.run_jobs().await;
    let letter = town.newest_to("ana@acme.example");
    assert!(letter.text.contains("They gave a reason"), "{}", letter.text);
    assert!(!letter.raw.contains("X-Evil"), "a stranger's words are not repeated in our mail: {}", letter.raw);
}
