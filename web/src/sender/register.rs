//! The register: recorded facts as dated entries. What, by whom, from where, on what proof, and beneath in grey what it does not prove.

use crate::{human, human::When, user_agent};
use evidence::{Fact, Kind};
use kernel::RecipientId;
use messages::{AttachmentView, MessageView, RecipientView};

/// One entry as the page shows it.
pub struct Entry {
    pub class: &'static str,
    pub at: When,
    pub title: &'static str,
    /// Goes on after the title: " by Ana Brandt, password".
    pub rest: String,
    /// Whom it is about, where the message has several recipients.
    pub to: String,
    /// "from 203.0.113.24, Firefox on Windows".
    pub from: String,
    /// Another's own words: an SMTP answer, a reason.
    pub quote: String,
    /// What it does not prove.
    pub not: &'static str,
    /// Its place in the chain: "48,377".
    pub number: String,
    /// The standard's name for it, where it has one: "ContentHandover".
    pub event: Option<&'static str>,
}

/// Facts in the order recorded.
pub fn entries(facts: &[Fact], message: &MessageView) -> Vec<Entry> {
    facts.iter().map(|fact| entry(fact, message)).collect()
}

fn entry(fact: &Fact, message: &MessageView) -> Entry {
    Entry {
        class: class(fact.kind),
        at: When::exact(fact.at),
        title: fact.kind.title(),
        rest: rest(fact, message),
        to: if message.recipients.len() > 1 { address(fact.recipient, &message.recipients) } else { String::new() },
        from: from(fact),
        quote: quote(fact),
        not: fact.kind.does_not_claim(),
        number: human::number(fact.seq),
        event: fact.kind.etsi(),
    }
}

/// Draws the entry's mark: what was reached, what ended, what went wrong.
fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::HandedOver | Kind::FileHandedOver | Kind::Accepted => "reached",
        Kind::Retracted | Kind::Refused | Kind::NoticeFailed | Kind::Locked | Kind::ExpiredUnopened => "ended",
        Kind::CodeWrong
        | Kind::PasswordWrong
        | Kind::CertificateRefused
        | Kind::PickupTooLate
        | Kind::RetractionTooLate
        | Kind::NoticeDelayed
        | Kind::NoticeHeld
        | Kind::NoticeUnknown
        | Kind::ReminderDelayed
        | Kind::ReminderFailed
        | Kind::ReminderUnknown
        | Kind::CodeDelayed
        | Kind::CodeFailed
        | Kind::CodeUnknown => "odd",
        _ => "step",
    }
}

fn address(id: Option<RecipientId>, recipients: &[RecipientView]) -> String {
    recipients.iter().find(|r| Some(r.id) == id).map(|r| r.address.clone()).unwrap_or_default()
}

fn rest(fact: &Fact, message: &MessageView) -> String {
    let said = match fact.kind {
        Kind::Submitted => submitted(fact, message),
        Kind::NoticeRelayed | Kind::ReminderRelayed | Kind::CodeSent => {
            fact.ground("server").map(|server| format!(": {server} answered")).unwrap_or_default()
        }
        Kind::CertificateProven | Kind::CertificateRefused => certificate(fact),
        Kind::FileHandedOver => file(fact, &message.attachments),
        Kind::Retracted | Kind::RetractionTooLate | Kind::Unlocked => by(fact, message),
        Kind::LinkFetched if fact.ground("further").is_some() => ". Further fetches of this link are not recorded".to_owned(),
        _ => String::new(),
    };
    said + &grade(fact)
}

fn submitted(fact: &Fact, message: &MessageView) -> String {
    let factors = fact.ground("factors").filter(|f| *f != "api key").map(|f| format!(", signed in by {f}")).unwrap_or_default();
    format!("{}{factors}", by(fact, message))
}

fn by(fact: &Fact, message: &MessageView) -> String {
    match fact.ground("by") {
        Some(by) if by.starts_with("key_") => " through an API key".to_owned(),
        Some(by) if by.starts_with("mem_") && !message.sender_name.is_empty() => format!(" by {}", message.sender_name),
        _ => String::new(),
    }
}

fn file(fact: &Fact, files: &[AttachmentView]) -> String {
    let id = fact.ground("file").unwrap_or_default();
    match files.iter().find(|file| file.id.to_string() == id) {
        Some(file) => format!(": {} ({})", file.name, human::size(file.received)),
        None => String::new(),
    }
}

/// ": CN=Bob Moser, given out by CN=Acme, SHA-256 A1:0F:…".
fn certificate(fact: &Fact) -> String {
    let [subject, issuer, sha256] =
        ["certificate_subject", "certificate_issuer", "certificate"].map(|name| fact.ground(name).unwrap_or_default());
    let pairs: Vec<String> = sha256.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect();
    let named = if subject.is_empty() { String::new() } else { format!("{subject}, given out by {issuer}, ") };
    format!(": {named}SHA-256 {}", pairs.join(":"))
}

/// "(R1)": how the opening was proven; the entries before it say by what.
fn grade(fact: &Fact) -> String {
    fact.ground("assurance").map(|grade| format!(" ({})", grade.to_uppercase())).unwrap_or_default()
}

/// The sender's own address is not shown back to them; a mail server's answer has none.
fn from(fact: &Fact) -> String {
    let Some(ip) = fact.ground("ip") else { return String::new() };
    let agent = fact.ground("user_agent").unwrap_or_default();
    let scanner =
        if fact.kind == Kind::LinkFetched && user_agent::looks_like_a_scanner(agent) { " (looks like a mail scanner)" } else { "" };
    format!("from {ip}, {}{scanner}", user_agent::words(agent))
}

fn quote(fact: &Fact) -> String {
    ["smtp", "reason", "why"].iter().find_map(|name| fact.ground(name)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Chance, EvidenceId, MessageId, Time};
    use messages::{Proof, RecipientState};
    use serde_json::json;

    fn message(recipients: usize) -> MessageView {
        let chance = Chance::seeded(7);
        let id = MessageId::new(Time(0), &chance);
        let one = |n: usize| RecipientView {
            id: RecipientId::new(Time(n as i64), &chance),
            address: format!("r{n}@example.org"),
            state: RecipientState::Opened,
            changed_at: Time(0),
            opened_at: None,
            locked: false,
        };
        MessageView {
            id,
            subject: "s".into(),
            proof: Proof::R1,
            has_password: false,
            hint: false,
            accept_first: false,
            hide_sender: false,
            show_subject: false,
            remind_days: String::new(),
            notify_opened: false,
            created_at: Time(0),
            release_at: Time(0),
            expires_at: Time(0),
            retracted_at: None,
            shredded_at: None,
            sender_name: "Ana Brandt".into(),
            body_bytes: 0,
            recipients: (0..recipients).map(one).collect(),
            attachments: Vec::new(),
        }
    }

    fn fact(kind: Kind, grounds: serde_json::Value) -> Fact {
        let id = EvidenceId::new(Time(0), &Chance::seeded(1));
        Fact { id, seq: 48_211, kind, at: Time(0), recipient: None, grounds: grounds.as_object().unwrap().clone(), hash: String::new() }
    }

    #[test]
    fn an_entry_says_who_on_what_proof_and_what_it_does_not_prove() {
        let said = entry(&fact(Kind::Submitted, json!({ "by": "mem_x", "factors": "password" })), &message(1));
        assert_eq!(
            (said.title, said.rest.as_str(), said.number.as_str(), said.event),
            ("Submitted", " by Ana Brandt, signed in by password", "48,211", Some("SubmissionAcceptance"))
        );
        assert!(said.not.contains("does not say"));
    }

    #[test]
    fn a_mail_servers_answer_is_quoted() {
        let said = entry(
            &fact(Kind::NoticeRelayed, json!({ "by": "system", "server": "mx1.example.org", "smtp": "250 2.0.0 queued as 4XyZ" })),
            &message(1),
        );
        assert_eq!(
            (said.rest.as_str(), said.quote.as_str(), said.from.as_str()),
            (": mx1.example.org answered", "250 2.0.0 queued as 4XyZ", "")
        );
    }

    #[test]
    fn an_opening_names_address_program_and_assurance() {
        let grounds = json!({ "ip": "203.0.113.24", "user_agent": "Mozilla/5.0 (Windows NT 10.0; rv:132.0) Gecko/20100101 Firefox/132.0", "assurance": "R1" });
        let said = entry(&fact(Kind::HandedOver, grounds), &message(1));
        assert_eq!((said.rest.as_str(), said.from.as_str(), said.class), (" (R1)", "from 203.0.113.24, Firefox on Windows", "reached"));
        let scanned = entry(&fact(Kind::LinkFetched, json!({ "ip": "40.94.31.7", "user_agent": "BarracudaScanner 1.0" })), &message(1));
        assert!(scanned.from.ends_with("(looks like a mail scanner)"));
    }

    #[test]
    fn entries_name_the_recipient_only_where_there_are_several() {
        let many = message(2);
        let about = |message: &MessageView| {
            entry(&Fact { recipient: Some(message.recipients[0].id), ..fact(Kind::Gesture, json!({})) }, message).to
        };
        assert_eq!(about(&many), "r0@example.org");
        assert_eq!(about(&message(1)), "");
    }
}
