use crate::town::{Town, roomy, value};
use poem::http::{StatusCode, header};
use quota::Limits;

const GOOD: [(&str, &str); 3] = [("to", "bob@example.org"), ("subject", "Wire instructions"), ("body", "Dear **Bob**")];

fn with<'a>(name: &'a str, text: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<_> = GOOD.into_iter().filter(|(n, _)| *n != name).collect();
    fields.push((name, text));
    fields
}

#[tokio::test]
async fn a_message_with_files_is_sent_in_one_form() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.multipart(&ana, "/drafts?then=send", &GOOD, &[("return 2025.pdf", b"%PDF-1.7 one"), ("b.pdf", b"two")]).await.to();
    assert!(path.starts_with("/messages/msg_"));
    let page = town.get(&ana, &path).await;
    for text in [
        "Wire instructions",
        "bob@example.org",
        "return 2025.pdf",
        "<strong>Bob</strong>",
        "Submitted</b> by Ana Brandt",
        "SubmissionAcceptance",
        "We took this exact content.",
    ] {
        assert!(page.shows(text), "{text}");
    }
    assert!(town.get(&ana, "/drafts").await.shows("No drafts"));
    let list = town.get(&ana, "/sent").await;
    assert!(list.shows("Wire instructions") && list.shows("2 files, 15 bytes") && list.shows("999 of 1,000 sends left"));
    let link = page.body.split("<a class=\"name\" href=\"").find(|rest| rest.contains("return%202025.pdf")).unwrap();
    let file = town.get(&ana, link.split('"').next().unwrap()).await;
    assert_eq!(file.body, "%PDF-1.7 one");
    assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("attachment;"));
    town.work().await;
    assert_eq!(town.mailbox.letters_to("bob@example.org").len(), 1);
}

#[tokio::test]
async fn one_form_pressed_twice_is_one_message() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let once = value(&town.get(&ana, "/compose").await.body, "name=\"once\" value=\"").to_owned();
    let fields = [&GOOD[..], &[("once", once.as_str())]].concat();
    let (first, second) =
        tokio::join!(town.multipart(&ana, "/drafts?then=send", &fields, &[]), town.multipart(&ana, "/drafts?then=send", &fields, &[]));
    assert_eq!(first.to(), second.to());
    assert!(town.get(&ana, "/drafts").await.shows("No drafts"), "the second press leaves no draft behind");
    assert!(town.get(&ana, "/sent").await.shows("999 of 1,000"), "and costs nothing");

    let draft = town.multipart(&ana, "/drafts", &GOOD, &[]).await.to();
    let first = town.multipart(&ana, &format!("{draft}/send"), &GOOD, &[("a.pdf", b"a")]).await.to();
    let second = town.multipart(&ana, &format!("{draft}/send"), &GOOD, &[("a.pdf", b"a")]).await.to();
    assert_eq!(first, second);
    assert_eq!(town.get(&ana, &draft).await.to(), first, "the draft's address leads to its message");
    assert!(town.get(&ana, "/sent").await.shows("998 of 1,000"));
}

#[tokio::test]
async fn bad_fields_are_said_beside_them_and_everything_typed_stays() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let crowd = (0..101).map(|n| format!("r{n}@example.org")).collect::<Vec<_>>().join(", ");
    let cases = [
        ("to", "bob@example", "has no domain ending"),
        ("to", "", "at least one address"),
        ("to", crowd.as_str(), "101 recipients are too many"),
        ("subject", "", "Give the message a subject"),
        ("subject", "a\r\nBcc: x@example.org", "line break"),
        ("subject", "a\u{202e}b", "direction of text"),
        ("expires_days", "soon", "not a number of days"),
        ("expires_days", "9999", "between 1 and"),
        ("remind_days", "40", "Reminders"),
        ("send_at", "tomorrow", "not a date"),
        ("send_at", "2020-01-01T00:00", "has passed"),
        ("proof", "r2", "Choose the message password"),
        ("hint", "the usual", "goes with a message password"),
    ];
    for (field, text, sentence) in cases {
        let page = town.multipart(&ana, "/drafts?then=send", &with(field, text), &[]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {text}");
        assert!(page.shows(sentence), "{field}: {sentence}");
        assert!(page.shows("role=\"alert\"") && page.shows("id=\"errors\""), "{field}");
        assert!(page.shows("Dear **Bob**"), "what was typed stays");
        assert!(page.shows("aria-invalid=\"true\"") || field == "proof", "{field}");
        assert!(page.shows("-wrong"), "{field}");
    }
    assert!(town.get(&ana, "/sent").await.shows("Nothing sent yet"));
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once_with_the_limits_of_the_plan() {
    let town = Town::with(Limits { recipients: Some(5), life_days: Some(30), ..roomy() }).await;
    let ana = town.person("ana@example.org").await;
    let crowd = (0..9).map(|n| format!("r{n}@example.org")).collect::<Vec<_>>().join(", ");
    let mut form = with("to", &crowd);
    for (field, text) in [("expires_days", "90"), ("send_at", "tomorrow"), ("remind_days", "x")] {
        form.push((field, text));
    }
    let page = town.multipart(&ana, "/drafts?then=send", &form, &[]).await;
    for (field, sentence) in [
        ("to", "at most 5 recipients on your plan"),
        ("expires_days", "at most 30 days on your plan"),
        ("remind_days", "not a number of days"),
        ("send_at", "not a date"),
    ] {
        assert!(page.shows(sentence) && page.shows(&format!("id=\"{field}-wrong\"")), "{field}");
    }
    assert!(page.shows("4 things need another look"));
    // Where nothing but limits is met, they are all said as well.
    let mut form = with("to", &crowd);
    form.push(("expires_days", "90"));
    let page = town.multipart(&ana, "/drafts?then=send", &form, &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.shows("at most 5 recipients") && page.shows("at most 30 days") && page.shows("2 things need another look"));
}

#[tokio::test]
async fn a_subject_of_ten_mebibytes_is_a_sentence_by_its_field() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let long = "x".repeat(10 << 20);
    for path in ["/drafts?then=send", "/drafts"] {
        let page = town.multipart(&ana, path, &with("subject", &long), &[]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.shows("id=\"subject-wrong\"") && page.shows("10485760 bytes"));
        assert!(page.shows("Dear **Bob**") && page.body.len() < 200_000);
    }
    let plain = town.post(&ana, "/drafts", &with("subject", &long)).await;
    assert!(plain.status == StatusCode::UNPROCESSABLE_ENTITY && plain.shows("id=\"subject-wrong\""));
    let draft = town.multipart(&ana, "/drafts", &GOOD, &[]).await.to();
    assert_eq!(town.multipart(&ana, &format!("{draft}/send"), &with("subject", &long), &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(town.get(&ana, &draft).await.shows("Wire instructions"), "the draft keeps what it held");
}

#[tokio::test]
async fn a_text_that_is_too_long_comes_back_whole_to_be_shortened() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let long = format!("{}The end.", "Line & line\n".repeat(400_000));
    let fields = [&with("body", &long)[..], &[("expires_days", "9")]].concat();
    for path in ["/drafts?then=send", "/drafts", "/drafts?then=files"] {
        let page = town.multipart(&ana, path, &fields, &[("a.pdf", b"%PDF")]).await;
        assert!(page.status.is_client_error(), "{}", page.status);
        assert!(page.shows("id=\"body-wrong\"") && page.shows("The end.</textarea>"), "{path}: the whole text comes back");
        assert!(page.shows("a.pdf” was not taken") && page.shows("value=\"9\""), "{path}");
    }
    assert!(town.get(&ana, "/drafts").await.shows("No drafts"), "nothing is half-done");
}

#[tokio::test]
async fn a_file_name_that_hides_something_costs_the_file_and_not_the_form() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    for (name, shown) in [
        (&b"a\x01b.pdf"[..], "a[U+0080]b.pdf"),
        (b"a\x00.pdf", "a[U+0080].pdf"),
        (b"a\x7f.pdf", "a[U+0080].pdf"),
        ("a\u{202e}fdp.exe".as_bytes(), "a[U+202E]fdp.exe"),
        ("in\u{200b}voice.pdf".as_bytes(), "in[U+200B]voice.pdf"),
        (b"a%0D%0Ab.pdf", "a[U+000D][U+000A]b.pdf"),
    ] {
        let part =
            |name: &str, value: &str| format!("--x-1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes();
        let head = b"--x-1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"".to_vec();
        let file = [head, name.to_vec(), b"\"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n".to_vec()].concat();
        let body =
            [part("form", &ana.form), part("body", "Dear **Bob**"), file, part("hint", "who barked"), b"--x-1--\r\n".to_vec()].concat();
        let asked = town.site.post("/drafts").header(header::COOKIE, &ana.cookie).content_type("multipart/form-data; boundary=x-1");
        let page = crate::town::read(asked.body(body).send().await).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name:?}: {}", page.body);
        assert!(page.shows("id=\"attachments-wrong\"") && page.shows(&format!("“{shown}” was not taken")), "{name:?}: {}", page.body);
        assert!(page.shows("Dear **Bob**") && page.shows("who barked"), "{name:?}: what stands before and after it stays");
    }
}

#[tokio::test]
async fn what_cannot_be_seen_is_named_in_what_is_said() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let cases = [("to", "bob\u{202e}@example.org"), ("to", "bob\u{200b}"), ("expires_days", "9\u{202e}"), ("remind_days", "\u{2066}7")];
    for (field, text) in cases {
        let page = town.multipart(&ana, "/drafts?then=send", &with(field, text), &[]).await;
        let sentence =
            page.body.split_once(&format!("id=\"{field}-wrong\"")).expect("a sentence").1.split_once("</span>").unwrap().0.to_owned();
        assert!(sentence.contains("[U+20"), "{field}: {sentence}");
        assert!(!sentence.contains(['\u{202e}', '\u{200b}', '\u{2066}']), "{field}: {sentence}");
    }
}

#[tokio::test]
async fn the_quota_names_limit_and_use_and_keeps_the_form() {
    let town =
        Town::with(Limits { sends: Some(1), recipients: Some(2), life_days: Some(30), message_bytes: Some(100_000), ..roomy() }).await;
    let ana = town.person("ana@example.org").await;
    let two = town.multipart(&ana, "/drafts?then=send", &with("to", "a@example.org, b@example.org"), &[]).await;
    assert_eq!(two.status, StatusCode::PAYMENT_REQUIRED);
    assert!(two.shows("Only 1 of 1 sends of this month are left") && two.shows("id=\"to-wrong\"") && two.shows("Wire instructions"));
    let three = town.multipart(&ana, "/drafts?then=send", &with("to", "a@example.org b@example.org c@example.org"), &[]).await;
    assert_eq!(three.status, StatusCode::FORBIDDEN);
    assert!(three.shows("at most 2 recipients"));
    let long = town.multipart(&ana, "/drafts?then=send", &with("expires_days", "40"), &[]).await;
    assert!(long.shows("at most 30 days on your plan") && long.shows("id=\"expires_days-wrong\""));
    let later = [&GOOD[..], &[("send_at", "2026-12-01T09:30"), ("expires_days", "30")]].concat();
    let later = town.multipart(&ana, "/drafts?then=send", &later, &[]).await;
    assert!(later.shows("the time before it leaves included") && later.shows("id=\"expires_days-wrong\""));
    let large = town.multipart(&ana, "/drafts?then=send", &GOOD, &[("big.bin", &vec![7; 200_000])]).await;
    assert!(large.shows("id=\"attachments-wrong\"") && large.shows("holds at most"));
    assert!(town.get(&ana, "/sent").await.shows("Nothing sent yet"), "refused requests cost nothing");
}

#[tokio::test]
async fn what_leaves_later_waits_and_says_so() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let path = town.multipart(&ana, "/drafts?then=send", &with("send_at", "2026-12-01T09:30"), &[]).await.to();
    assert!(town.get(&ana, &path).await.shows("Leaves</dt>"));
    assert!(town.get(&ana, "/sent").await.shows("Leaves later"));
    town.work().await;
    assert!(town.mailbox.letters_to("bob@example.org").is_empty());
}

#[tokio::test]
async fn a_password_typed_beside_the_first_choice_is_a_message_password() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let fields = [&GOOD[..], &[("proof", "r1"), ("password", "blue heron"), ("hint", "the bird")]].concat();
    let path = town.multipart(&ana, "/drafts?then=send", &fields, &[("a.pdf", b"secret")]).await.to();
    let page = town.get(&ana, &path).await;
    assert!(page.shows("message password (R2)") && page.shows("which we do not have"));
    assert!(page.shows("a.pdf") && !page.shows("/files/att_"), "a sealed file has no link");
    assert!(!page.shows("blue heron") && !page.shows("Dear"));
}
