//! Mails to a sender about one recipient of one message. `subject` is the message's own.

use super::{Button, mail};

macro_rules! about_a_message {
    ($mail:ident, $text:literal, $html:literal, $button:literal, $subject:expr) => {
        impl $mail {
            fn subject(&self) -> String {
                let subject: fn(&$mail) -> String = $subject;
                subject(self)
            }
            fn button(&self) -> Option<Button<'_>> {
                Some(Button { label: $button, link: &self.link })
            }
        }
        mail!($mail, $text, $html);
    };
}

/// Content was handed over, for a sender who asked to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub subject: String,
    pub recipient: String,
    /// In words, with the time zone.
    pub when: String,
    /// Network address and browser, as evidence has them.
    pub from_where: String,
    /// The message's timeline.
    pub link: String,
}
about_a_message!(Opened, "opened.txt", "opened.html", "See the timeline", |m| format!("Opened by {}: {}", m.recipient, m.subject));

/// The recipient refused the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub subject: String,
    pub recipient: String,
    pub when: String,
    /// In the recipient's words, if they gave one.
    pub reason: Option<String>,
    pub link: String,
}
about_a_message!(Refused, "refused.txt", "refused.html", "See the timeline", |m| format!("Refused by {}: {}", m.recipient, m.subject));

/// The recipient replied; the reply is sealed and waits on the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replied {
    pub subject: String,
    pub recipient: String,
    pub when: String,
    pub link: String,
}
about_a_message!(Replied, "replied.txt", "replied.html", "Read the reply", |m| format!("Reply from {}: {}", m.recipient, m.subject));

/// Too many wrong message passwords; the sender can reset the tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotLocked {
    pub recipient: String,
    pub subject: String,
    pub link: String,
}
about_a_message!(SlotLocked, "slot_locked.txt", "slot_locked.html", "Unlock or take back", |m| format!(
    "Locked after wrong passwords: {}",
    m.subject
));

/// The recipient's mail server will not take the notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotDelivered {
    pub recipient: String,
    pub subject: String,
    /// The SMTP reply ("550 5.1.1 no such user").
    pub answer: String,
    pub link: String,
}
about_a_message!(NotDelivered, "not_delivered.txt", "not_delivered.html", "See what you can do", |m| format!(
    "Not delivered to {}: {}",
    m.recipient, m.subject
));
