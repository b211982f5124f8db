//! Mails to a sender about one recipient of one message.

use super::{Button, mail};
use std::fmt;

/// Which message it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Only where its sender lets mail carry it.
    pub subject: Option<String>,
    /// When it was sent: in words, with the time zone.
    pub sent: String,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Some(subject) => f.write_str(subject),
            None => write!(f, "message of {}", self.sent),
        }
    }
}

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
    pub about: About,
    pub recipient: String,
    /// In words, with the time zone.
    pub when: String,
    /// Network address and browser, as evidence has them.
    pub from_where: String,
    /// The message's timeline.
    pub link: String,
}
about_a_message!(Opened, "opened.txt", "opened.html", "See the timeline", |m| format!("Opened by {}: {}", m.recipient, m.about));

/// The recipient refused the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub about: About,
    pub recipient: String,
    pub when: String,
    /// They gave a reason. Its words are a stranger's and stay on the page: mail is open on its way, and this one is in our name.
    pub with_reason: bool,
    pub link: String,
}
about_a_message!(Refused, "refused.txt", "refused.html", "See the timeline", |m| format!("Refused by {}: {}", m.recipient, m.about));

/// The recipient replied; the reply is sealed and waits on the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replied {
    pub about: About,
    pub recipient: String,
    pub when: String,
    pub link: String,
}
about_a_message!(Replied, "replied.txt", "replied.html", "Read the reply", |m| format!("Reply from {}: {}", m.recipient, m.about));

/// Too many wrong message passwords; the sender can reset the tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotLocked {
    pub recipient: String,
    pub about: About,
    pub link: String,
}
about_a_message!(SlotLocked, "slot_locked.txt", "slot_locked.html", "Unlock or take back", |m| format!(
    "Locked after wrong passwords: {}",
    m.about
));

/// The recipient's mail server will not take the notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotDelivered {
    pub recipient: String,
    pub about: About,
    /// The SMTP reply ("550 5.1.1 no such user").
    pub answer: String,
    pub link: String,
}
about_a_message!(NotDelivered, "not_delivered.txt", "not_delivered.html", "See what you can do", |m| format!(
    "Not delivered to {}: {}",
    m.recipient, m.about
));
