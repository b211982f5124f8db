//! What goes over the wire, against a server that misbehaves in every way a relay can.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use kernel::Time;
use mail::{
    Letter, Mailbox, Mailer, Outcome, Pause, Secret, SmtpConfig, SmtpRelay, Tls,
    testing::{CA_FILE, Do, Peer, Protection},
};
use mail_parser::MessageParser;
use std::sync::Arc;

fn letter() -> Letter {
    Letter {
        message_id: "rcp_01@mail.example.com".into(),
        from: Mailbox::new(Some("Ana Brandt"), "notices@mail.example.com".parse().unwrap()).unwrap(),
        to: "m.keller@example.org".parse().unwrap(),
        reply_to: None,
        subject: "A certified message is waiting for you".into(),
        text: "Hello\n".into(),
        html: "<p>Hello</p>\n".into(),
        list_unsubscribe: Some("https://mail.example.com/block/x".into()),
        date: Time(1_795_454_042_123),
        envelope_from: "bounce+01@mail.example.com".parse().unwrap(),
    }
}

fn config(peer: &Peer) -> SmtpConfig {
    SmtpConfig {
        hello_name: Some("countersign.test".into()),
        timeout_secs: 2,
        final_timeout_secs: 2,
        ..SmtpConfig::plain("127.0.0.1", peer.port)
    }
}

fn relay(config: &SmtpConfig) -> Mailer {
    Mailer::Smtp(Arc::new(SmtpRelay::new(config).unwrap()))
}

async fn deliver_to(peer: &Peer) -> Outcome {
    relay(&config(peer)).deliver(&letter()).await
}

fn answer_of(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Relayed(answer) | Outcome::Failed(answer) => Some(answer.to_string()),
        Outcome::TryLater(pause) => pause.answer().map(ToString::to_string),
        Outcome::Unknown(_) => None,
    }
}

#[tokio::test]
async fn a_letter_is_relayed_with_the_servers_own_words() {
    let peer = Peer::start(vec![]).await;
    let outcome = deliver_to(&peer).await;
    let Outcome::Relayed(answer) = &outcome else { panic!("{outcome:?}") };
    assert_eq!((answer.code, answer.text.as_str(), answer.server.as_str()), (250, "2.0.0 queued as 4XyZ", "peer.test"));
    assert_eq!(
        peer.commands(),
        ["EHLO countersign.test", "MAIL FROM:<bounce+01@mail.example.com>", "RCPT TO:<m.keller@example.org>", "DATA"]
    );
    assert_eq!(peer.letters(), [String::from_utf8(letter().to_bytes(None)).unwrap()]);
}

#[tokio::test]
async fn a_busy_server_at_connect_means_later() {
    let peer = Peer::start(vec![("connect", Do::Say("421 4.3.2 too busy\r\n"))]).await;
    let outcome = deliver_to(&peer).await;
    assert!(matches!(outcome, Outcome::TryLater(Pause::Answered(_))), "{outcome:?}");
    assert_eq!(answer_of(&outcome).as_deref(), Some("421 4.3.2 too busy"));
}

#[tokio::test]
async fn a_4xx_at_any_step_means_later_and_a_5xx_means_never() {
    for step in ["MAIL", "RCPT", "dot"] {
        let peer = Peer::start(vec![(step, Do::Say("450 4.2.0 greylisted\r\n"))]).await;
        let outcome = deliver_to(&peer).await;
        assert!(matches!(outcome, Outcome::TryLater(Pause::Answered(_))), "{step}: {outcome:?}");
        assert_eq!(answer_of(&outcome).as_deref(), Some("450 4.2.0 greylisted"));

        let peer = Peer::start(vec![(step, Do::Say("550-5.1.1 no such\r\n550 5.1.1 user here\r\n"))]).await;
        let outcome = deliver_to(&peer).await;
        assert!(matches!(outcome, Outcome::Failed(_)), "{step}: {outcome:?}");
        assert_eq!(answer_of(&outcome).as_deref(), Some("550 5.1.1 no such user here"));
    }
    let peer = Peer::start(vec![("DATA refused", Do::HangUp), ("DATA", Do::Say("554 5.7.1 no\r\n"))]).await;
    assert!(matches!(deliver_to(&peer).await, Outcome::Failed(_)));
    assert_eq!(peer.letters(), [""; 0]);
}

#[tokio::test]
async fn an_answer_that_is_no_utf8_is_understood_by_its_code() {
    for (step, said) in [("RCPT", &b"550 5.1.1 usuario inv\xe1lido\r\n"[..]), ("dot", b"550-inv\xe1lido\r\n550 5.1.1 \xff\xfe\r\n")] {
        let peer = Peer::start(vec![(step, Do::SayBytes(said))]).await;
        let outcome = deliver_to(&peer).await;
        let Outcome::Failed(answer) = &outcome else { panic!("{step}: {outcome:?}") };
        assert_eq!(answer.code, 550);
        assert!(answer.text.contains("inv?lido"), "{answer}");
    }
    let peer = Peer::start(vec![("dot", Do::SayBytes(b"250 aceptado, adi\xf3s\r\n"))]).await;
    let outcome = deliver_to(&peer).await;
    assert!(matches!(outcome, Outcome::Relayed(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_554_after_the_letter_is_final() {
    let peer = Peer::start(vec![("dot", Do::Say("554 5.7.1 looks like spam\r\n"))]).await;
    let outcome = deliver_to(&peer).await;
    assert!(matches!(&outcome, Outcome::Failed(answer) if answer.code == 554), "{outcome:?}");
}

#[tokio::test]
async fn a_refusal_of_our_set_up_is_not_the_recipients_fault() {
    for (step, words) in
        [("connect", "554 5.7.1 not you\r\n"), ("EHLO", "550 5.7.1 not that name\r\n"), ("MAIL", "530 5.7.0 sign in first\r\n")]
    {
        let peer = Peer::start(vec![(step, Do::Say(words))]).await;
        let outcome = deliver_to(&peer).await;
        assert!(matches!(outcome, Outcome::TryLater(Pause::SetUp(_))), "{step}: {outcome:?}");
        assert_eq!(answer_of(&outcome).as_deref(), Some(words.trim_end()));
    }
}

#[tokio::test]
async fn a_break_before_the_final_dot_means_later() {
    for step in ["connect", "EHLO", "MAIL", "RCPT", "DATA"] {
        let peer = Peer::start(vec![(step, Do::HangUp)]).await;
        let outcome = deliver_to(&peer).await;
        assert!(matches!(outcome, Outcome::TryLater(Pause::NoAnswer(_))), "{step}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_break_inside_a_long_letter_means_later() {
    let peer = Peer::start(vec![("letter", Do::HangUp)]).await;
    let long = Letter { text: "0123456789abcdef\n".repeat(1_000_000), ..letter() };
    let outcome = relay(&config(&peer)).deliver(&long).await;
    assert!(matches!(outcome, Outcome::TryLater(Pause::NoAnswer(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_break_after_the_final_dot_is_unknown() {
    let peer = Peer::start(vec![("dot", Do::HangUp)]).await;
    let outcome = deliver_to(&peer).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    assert_eq!(peer.letters().len(), 1);
    let peer = Peer::start(vec![("dot", Do::Sleep)]).await;
    let outcome = deliver_to(&peer).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_second_try_carries_the_same_message_id() {
    let peer = Peer::start(vec![("dot", Do::HangUp)]).await;
    let mailer = relay(&config(&peer));
    assert!(matches!(mailer.deliver(&letter()).await, Outcome::Unknown(_)));
    assert!(matches!(mailer.deliver(&letter()).await, Outcome::Relayed(_)));
    let letters = peer.letters();
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().all(|l| l.contains("\r\nMessage-ID: <rcp_01@mail.example.com>\r\n")));
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_configured_time_and_no_more() {
    let peer = Peer::start(vec![("RCPT", Do::Sleep)]).await;
    let started = tokio::time::Instant::now();
    let outcome = deliver_to(&peer).await;
    assert!(matches!(outcome, Outcome::TryLater(Pause::NoAnswer(_))), "{outcome:?}");
    assert!(started.elapsed().as_secs() < 10);
}

#[tokio::test]
async fn nobody_listening_means_later() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let outcome = relay(&SmtpConfig::plain("127.0.0.1", port)).deliver(&letter()).await;
    assert!(matches!(outcome, Outcome::TryLater(Pause::NoAnswer(_))), "{outcome:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let endless: &'static str = Box::leak(format!("250-{}\r\n", "x".repeat(1_000_000)).into_boxed_str());
    let peer = Peer::start(vec![("RCPT", Do::Say(endless))]).await;
    let outcome = deliver_to(&peer).await;
    assert!(matches!(outcome, Outcome::TryLater(Pause::NoAnswer(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_kept_connection_serves_again() {
    let peer = Peer::start(vec![]).await;
    let mailer = relay(&config(&peer));
    for _ in 0..3 {
        assert!(matches!(mailer.deliver(&letter()).await, Outcome::Relayed(_)));
    }
    let sessions = peer.sessions();
    assert_eq!((sessions.len(), sessions[0].letters.len()), (1, 3));
    assert_eq!(sessions[0].commands.iter().filter(|c| *c == "RSET").count(), 2);
}

#[tokio::test]
async fn a_refused_recipient_does_not_cost_the_connection() {
    let peer = Peer::start(vec![("RCPT", Do::Say("550 5.1.1 no\r\n"))]).await;
    let mailer = relay(&config(&peer));
    assert!(matches!(mailer.deliver(&letter()).await, Outcome::Failed(_)));
    assert!(matches!(mailer.deliver(&letter()).await, Outcome::Relayed(_)));
    assert_eq!(peer.sessions().len(), 1);
}

#[tokio::test]
async fn a_stale_kept_connection_is_replaced_without_anyone_noticing() {
    for (step, what) in
        [("RSET", Do::HangUp), ("RSET", Do::Say("421 4.4.2 idle\r\n")), ("MAIL", Do::HangUp), ("MAIL", Do::Say("421 4.4.2 idle\r\n"))]
    {
        let peer = Peer::start(vec![]).await;
        let mailer = relay(&config(&peer));
        assert!(matches!(mailer.deliver(&letter()).await, Outcome::Relayed(_)));
        peer.then(step, what);
        let outcome = mailer.deliver(&letter()).await;
        assert!(matches!(outcome, Outcome::Relayed(_)), "{step} {what:?}: {outcome:?}");
        assert_eq!((peer.sessions().len(), peer.letters().len()), (2, 2));
    }
}

#[tokio::test]
async fn a_kept_connection_that_breaks_after_data_is_not_tried_again_here() {
    for (step, unknown) in [("DATA", false), ("dot", true)] {
        let peer = Peer::start(vec![]).await;
        let mailer = relay(&config(&peer));
        mailer.deliver(&letter()).await;
        peer.then(step, Do::HangUp);
        let outcome = mailer.deliver(&letter()).await;
        assert_eq!(matches!(outcome, Outcome::Unknown(_)), unknown, "{outcome:?}");
        assert_eq!(matches!(outcome, Outcome::TryLater(Pause::NoAnswer(_))), !unknown, "{outcome:?}");
        assert_eq!(peer.sessions().len(), 1);
    }
}

#[tokio::test]
async fn no_more_connections_than_configured() {
    let peer = Peer::start(vec![]).await;
    let mailer = relay(&SmtpConfig { pool: 2, ..config(&peer) });
    let tries = (0..12).map(|_| {
        let mailer = mailer.clone();
        tokio::spawn(async move { mailer.deliver(&letter()).await })
    });
    for one in tries.collect::<Vec<_>>() {
        assert!(matches!(one.await.unwrap(), Outcome::Relayed(_)));
    }
    assert_eq!(peer.letters().len(), 12);
    assert!(peer.sessions().len() <= 2);
}

#[tokio::test]
async fn dots_and_carriage_returns_arrive_as_written() {
    let peer = Peer::start(vec![]).await;
    let text = ".\n..two\n.\r\n.\nbare\rreturn\n\n.\n";
    let written = Letter { text: text.into(), html: "<p>\n.\n</p>".into(), ..letter() };
    let outcome = relay(&config(&peer)).deliver(&written).await;
    assert!(matches!(outcome, Outcome::Relayed(_)), "{outcome:?}");
    let raw = &peer.letters()[0];
    assert!(!raw.contains("\r\n."), "nothing on the wire starts with a dot");
    assert!(!raw.replace("\r\n", "").contains(['\r', '\n']), "nothing but CRLF ends a line");
    let read = MessageParser::default().parse(raw.as_bytes()).unwrap();
    assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n"), text.replace("\r\n", "\n"));
    assert_eq!(read.body_html(0).unwrap().replace("\r\n", "\n"), written.html);
}

fn encrypted(peer: &Peer, tls: Tls) -> SmtpConfig {
    SmtpConfig { host: "localhost".into(), tls, ca_file: Some(CA_FILE.into()), ..config(peer) }
}

#[tokio::test]
async fn starttls_and_implicit_tls_carry_letter_and_password() {
    for (protection, tls) in [(Protection::StartTls, Tls::StartTls), (Protection::Implicit, Tls::Implicit)] {
        let peer = Peer::with(vec![], protection, "250-AUTH LOGIN PLAIN\r\n").await;
        let config = SmtpConfig { user: Some("ana".into()), password: Some(Secret::new("open sesame")), ..encrypted(&peer, tls) };
        let mailer = relay(&config);
        let outcome = mailer.deliver(&letter()).await;
        assert!(matches!(outcome, Outcome::Relayed(_)), "{outcome:?}");
        // base64 of "\0ana\0open sesame", made with `base64`.
        let said = peer.commands();
        assert!(said.contains(&"AUTH PLAIN AGFuYQBvcGVuIHNlc2FtZQ==".to_owned()), "{said:?}");
        assert_eq!(said.iter().filter(|c| c.starts_with("EHLO")).count(), if tls == Tls::StartTls { 2 } else { 1 });
        let checked = mailer.check().await.unwrap();
        assert!(checked.starts_with("peer.test takes our mail (localhost:") && checked.ends_with("TLS, signed in)"), "{checked}");
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_nothing() {
    let peer = Peer::start(vec![]).await;
    let outcome = relay(&encrypted(&peer, Tls::StartTls)).deliver(&letter()).await;
    let Outcome::TryLater(Pause::NoAnswer(why)) = &outcome else { panic!("{outcome:?}") };
    assert!(why.contains("does not offer STARTTLS"), "{why}");
    assert!(!peer.commands().iter().any(|c| c.starts_with("MAIL")));
}

#[tokio::test]
async fn words_put_in_after_starttls_are_not_taken_for_answers() {
    let forged = "220 go ahead\r\n250 forged\r\n250 forged\r\n250 forged\r\n354 forged\r\n250 forged\r\n";
    let peer = Peer::with(vec![("STARTTLS", Do::Say(forged))], Protection::StartTls, "").await;
    let outcome = relay(&encrypted(&peer, Tls::StartTls)).deliver(&letter()).await;
    assert!(matches!(outcome, Outcome::TryLater(Pause::NoAnswer(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_nothing() {
    for (protection, tls) in [(Protection::StartTls, Tls::StartTls), (Protection::Implicit, Tls::Implicit)] {
        let peer = Peer::with(vec![], protection, "").await;
        let outcome = relay(&SmtpConfig { ca_file: None, ..encrypted(&peer, tls) }).deliver(&letter()).await;
        assert!(matches!(outcome, Outcome::TryLater(Pause::NoAnswer(_))), "{outcome:?}");
        let other_name = SmtpConfig { host: "127.0.0.1".into(), ..encrypted(&peer, tls) };
        let outcome = relay(&other_name).deliver(&letter()).await;
        assert!(matches!(outcome, Outcome::TryLater(Pause::NoAnswer(_))), "{outcome:?}");
        assert!(!peer.commands().iter().any(|c| c.starts_with("MAIL")));
    }
}

#[tokio::test]
async fn a_refused_password_waits_for_the_operator() {
    let peer = Peer::with(vec![("AUTH", Do::Say("535 5.7.8 wrong password\r\n"))], Protection::Implicit, "250-AUTH PLAIN\r\n").await;
    let config = SmtpConfig { user: Some("ana".into()), password: Some(Secret::new("x")), ..encrypted(&peer, Tls::Implicit) };
    let mailer = relay(&config);
    let outcome = mailer.deliver(&letter()).await;
    assert!(matches!(&outcome, Outcome::TryLater(Pause::SetUp(answer)) if answer.code == 535), "{outcome:?}");
    peer.then("AUTH", Do::Say("535 5.7.8 wrong password\r\n"));
    let checked = mailer.check().await.unwrap_err();
    assert_eq!(checked, "our mail relay does not accept our set-up: 535 5.7.8 wrong password");
}

#[test]
fn a_configuration_that_would_send_in_the_clear_is_refused() {
    let away = SmtpConfig::plain("mail.example.org", 25);
    assert!(SmtpRelay::new(&away).is_err());
    let allowed = SmtpConfig { allow_plaintext: true, ..away };
    assert!(SmtpRelay::new(&allowed).is_ok());
    let with_password = SmtpConfig { user: Some("ana".into()), password: Some(Secret::new("x")), ..allowed };
    assert!(SmtpRelay::new(&with_password).is_err());
    let half = SmtpConfig { user: Some("ana".into()), ..SmtpConfig::plain("localhost", 25) };
    assert!(SmtpRelay::new(&half).is_err());
    let smuggled = SmtpConfig { hello_name: Some("x\r\nMAIL FROM:<>".into()), ..SmtpConfig::plain("localhost", 25) };
    assert!(SmtpRelay::new(&smuggled).is_err());
    let no_ca = SmtpConfig {
        ca_file: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into()),
        tls: Tls::Implicit,
        ..SmtpConfig::plain("localhost", 465)
    };
    assert!(SmtpRelay::new(&no_ca).is_err());
}
