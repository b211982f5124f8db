use super::*;

fn waiting() -> MessageWaiting {
    MessageWaiting {
        sender_name: Some("Ana Brandt".into()),
        tenant_name: Some("Acme Tax Advisers".into()),
        site_host: "mail.example.com".into(),
        link: "https://mail.example.com/p/0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk".into(),
        expires: "23 December 2026, 17:02 UTC".into(),
        subject: None,
        block_link: "https://mail.example.com/block/0123456789abcdefghjkmnpqrstvwxyz".into(),
        recipient: "m.keller@example.org".into(),
    }
}

fn hidden() -> MessageWaiting {
    MessageWaiting { sender_name: None, tenant_name: None, ..waiting() }
}

const HOSTILE: &str = r#"<script>alert(1)</script>"'&<img src=x>"#;

/// Every mail, under the name of its snapshot.
fn every() -> Vec<(&'static str, Rendered)> {
    let subject = || "Your 2025 return for signature".to_owned();
    let about = || About { subject: Some(subject()), sent: "22 November 2026, 17:02 UTC".to_owned() };
    let recipient = || "m.keller@example.org".to_owned();
    let when = || "23 November 2026, 09:14 UTC".to_owned();
    let link = || "https://mail.example.com/sent/msg_01jd7q0000000000000000000a".to_owned();
    let name = || "Ana Brandt".to_owned();
    let domain = || "post.acme.example".to_owned();
    let (place, proof) = ("_countersign.post.acme.example".to_owned(), "countersign-domain=0123456789abcdef0123456789abcdef".to_owned());
    let records = || vec![DnsRecord { kind: "TXT", name: place.clone(), value: proof.clone() }];
    let day = || "30 November 2026".to_owned();
    let lost = |free_on| DomainLost { name: name(), domain: domain(), records: records(), free_on, link: link() }.render();
    let elsewhere = |records| DomainElsewhere { name: name(), domain: domain(), records, since: day(), link: link() }.render();
    let address = |kind, value: &str| DnsRecord { kind, name: domain(), value: value.to_owned() };
    vec![
        ("message_waiting", waiting().render()),
        ("message_waiting_hidden", hidden().render()),
        ("message_waiting_subject", MessageWaiting { subject: Some(subject()), ..waiting() }.render()),
        ("reminder", Reminder { waiting: waiting(), days_left: 3 }.render()),
        ("reminder_today_hidden", Reminder { waiting: hidden(), days_left: 0 }.render()),
        ("pickup_code", PickupCode { code: "482 913".into(), site_host: "mail.example.com".into(), minutes: 15 }.render()),
        (
            "slot_locked_recipient",
            SlotLockedRecipient { sender_name: Some(name()), tenant_name: None, site_host: "mail.example.com".into() }.render(),
        ),
        ("prove_address", ProveAddress { name: name(), link: link(), hours: 48 }.render()),
        ("reset_password", ResetPassword { name: name(), link: link(), hours: 1 }.render()),
        (
            "already_registered",
            AlreadyRegistered {
                name: name(),
                sign_in_link: link(),
                reset_link: "https://mail.example.com/forgotten".into(),
                confirm_link: "https://mail.example.com/prove".into(),
                hours: 48,
            }
            .render(),
        ),
        (
            "opened",
            Opened {
                about: about(),
                recipient: recipient(),
                when: when(),
                from_where: "203.0.113.24, Firefox on Windows".into(),
                link: link(),
            }
            .render(),
        ),
        ("refused", Refused { about: about(), recipient: recipient(), when: when(), with_reason: true, link: link() }.render()),
        (
            "refused_without_reason",
            Refused { about: about(), recipient: recipient(), when: when(), with_reason: false, link: link() }.render(),
        ),
        (
            "replied_without_subject",
            Replied { about: About { subject: None, ..about() }, recipient: recipient(), when: when(), link: link() }.render(),
        ),
        ("replied", Replied { about: about(), recipient: recipient(), when: when(), link: link() }.render()),
        ("slot_locked", SlotLocked { recipient: recipient(), about: about(), link: link() }.render()),
        (
            "domain_proof_missing",
            DomainProofMissing { name: name(), domain: domain(), records: records(), off_on: day(), link: link() }.render(),
        ),
        ("domain_elsewhere", elsewhere(vec![DnsRecord { kind: "CNAME", name: domain(), value: "mail.example.com.".into() }])),
        ("domain_elsewhere_itself", elsewhere(vec![address("A", "192.0.2.1"), address("AAAA", "2001:db8::1")])),
        ("domain_lost", lost(Some(day()))),
        ("domain_lost_and_free", lost(None)),
        (
            "domain_not_renewed",
            DomainNotRenewed {
                name: name(),
                domain: domain(),
                ends_on: day(),
                said: "DNS problem: NXDOMAIN looking up A for post.acme.example".into(),
                link: link(),
            }
            .render(),
        ),
        (
            "not_delivered",
            NotDelivered { recipient: recipient(), about: about(), answer: "550 5.1.1 no such user".into(), link: link() }.render(),
        ),
    ]
}

#[test]
fn every_mail_reads_as_its_snapshot() {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        for (name, mail) in every() {
            insta::assert_snapshot!(format!("{name}.text"), format!("Subject: {}\n\n{}", mail.subject, mail.text));
            insta::assert_snapshot!(format!("{name}.html"), mail.html);
        }
    });
}

#[test]
fn no_mail_fetches_anything() {
    for (name, mail) in every() {
        let html = mail.html.to_lowercase();
        for forbidden in ["<img", "src=", "url(", "@import", "<script", "<link", "<form", "<iframe", "background="] {
            assert!(!html.contains(forbidden), "{name} has {forbidden}");
        }
    }
}

#[test]
fn every_link_stands_in_full_in_both_parts() {
    for (name, mail) in every() {
        let links: Vec<&str> = mail.html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(!links.is_empty() || mail.subject.contains("code") || mail.subject.contains("locked"), "{name} leads nowhere");
        for link in links {
            assert!(mail.text.lines().any(|line| line == link), "{name}: {link} is not on a line of its own in the text");
        }
    }
}

#[test]
fn the_text_part_has_no_markup_and_no_long_lines() {
    for (name, mail) in every() {
        assert!(!mail.text.contains(['<', '>']) && !mail.text.contains("&#") && !mail.text.contains("\n\n\n"), "{name}");
        assert!(mail.text.lines().all(|line| line.contains("://") || line.chars().count() <= TEXT_WIDTH), "{name}");
        assert!(mail.text.ends_with('\n'));
    }
}

#[test]
fn what_people_typed_is_escaped_in_html_and_plain_in_text() {
    let mail = MessageWaiting {
        sender_name: Some(HOSTILE.into()),
        tenant_name: Some(HOSTILE.into()),
        subject: Some(HOSTILE.into()),
        link: format!("https://mail.example.com/{HOSTILE}"),
        ..waiting()
    }
    .render();
    assert!(!mail.html.contains("<script>") && !mail.html.contains("<img"));
    assert!(!mail.html.contains(&format!("com/{}", &HOSTILE[..10])));
    assert!(mail.text.contains(HOSTILE) && mail.subject.contains("<script>"));
    let refused = Refused {
        about: About { subject: Some(HOSTILE.into()), sent: "today".into() },
        recipient: "m.keller@example.org".into(),
        when: "today".into(),
        with_reason: true,
        link: "https://mail.example.com/".into(),
    }
    .render();
    assert!(!refused.html.contains("<script>") && !refused.html.contains("<img"));
}

#[test]
fn a_hidden_sender_is_named_nowhere() {
    for mail in [hidden().render(), Reminder { waiting: hidden(), days_left: 2 }.render()] {
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!part.contains("Ana") && !part.contains("Acme"));
        }
        assert!(mail.text.contains("keeps their name back"));
    }
}

#[test]
fn a_sender_named_like_the_tenant_is_named_once() {
    let mail = MessageWaiting { tenant_name: Some("Ana Brandt".into()), ..waiting() }.render();
    assert_eq!(mail.subject, "Ana Brandt has sent you a certified message");
}

#[test]
fn the_code_is_not_in_the_subject() {
    let code = PickupCode { code: "482 913".into(), site_host: "mail.example.com".into(), minutes: 15 };
    assert!(!code.render().subject.contains("482"));
}

#[test]
fn a_subject_is_one_line_of_bounded_length() {
    let mail = MessageWaiting { subject: Some(format!("a\r\nBcc: eve@example.org {}", "x".repeat(10_000))), ..waiting() }.render();
    assert!(!mail.subject.contains(['\r', '\n']) && mail.subject.chars().count() <= kernel::MAX_SUBJECT_CHARS);
}
