//! Mails to a recipient, who never signed up for anything.

use super::{Button, mail, name_of};

/// The notice: a message waits behind the link. Names the sender unless hidden, and the subject only where the sender chose so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageWaiting {
    /// `None` when the sender is hidden until the message is accepted.
    pub sender_name: Option<String>,
    /// `None` when the sender is hidden.
    pub tenant_name: Option<String>,
    /// What the address bar must show.
    pub site_host: String,
    /// The pickup link. Fetching it changes nothing.
    pub link: String,
    /// Until when, in words ("23 December 2026, 17:02 UTC").
    pub expires: String,
    /// Only when the sender chose to show it.
    pub subject: Option<String>,
    /// Stops this sender, by one gesture on a page.
    pub block_link: String,
    /// The address this goes to.
    pub recipient: String,
}

impl MessageWaiting {
    /// At the start of a sentence.
    pub(crate) fn who(&self) -> String {
        name_of(self.sender_name.as_deref(), self.tenant_name.as_deref()).unwrap_or_else(|| "Someone".into())
    }
    pub(crate) fn hidden(&self) -> bool {
        self.sender_name.is_none() && self.tenant_name.is_none()
    }
    fn subject(&self) -> String {
        match (&self.subject, self.hidden()) {
            (Some(subject), _) => format!("{}: {subject}", self.who()),
            (None, false) => format!("{} has sent you a certified message", self.who()),
            (None, true) => "A certified message is waiting for you".into(),
        }
    }
    fn button(&self) -> Option<Button<'_>> {
        Some(Button { label: "See the message", link: &self.link })
    }
}
mail!(MessageWaiting, "message_waiting.txt", "message_waiting.html");

/// The notice once more, before the message expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminder {
    pub waiting: MessageWaiting,
    /// Whole days until expiry; 0 is today.
    pub days_left: i64,
}

impl Reminder {
    pub(crate) fn left(&self) -> String {
        match self.days_left {
            i64::MIN..=0 => "today".into(),
            1 => "in one day".into(),
            days => format!("in {days} days"),
        }
    }
    fn subject(&self) -> String {
        match &self.waiting.subject {
            Some(subject) => format!("Expires {}: {subject}", self.left()),
            None => format!("A certified message for you expires {}", self.left()),
        }
    }
    fn button(&self) -> Option<Button<'_>> {
        self.waiting.button()
    }
}
mail!(Reminder, "reminder.txt", "reminder.html");

/// The code that proves the mailbox (R1). Not in the subject: subjects show on locked screens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickupCode {
    pub code: String,
    pub site_host: String,
    /// How long the code is good.
    pub minutes: i64,
}

impl PickupCode {
    fn subject(&self) -> String {
        "Your code to open the message".into()
    }
    fn button(&self) -> Option<Button<'_>> {
        None
    }
}
mail!(PickupCode, "pickup_code.txt", "pickup_code.html");

/// Too many wrong passwords: told to the recipient too, for it may not have been them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotLockedRecipient {
    /// `None` when the sender is hidden.
    pub sender_name: Option<String>,
    /// `None` when the sender is hidden.
    pub tenant_name: Option<String>,
    pub site_host: String,
}

impl SlotLockedRecipient {
    pub(crate) fn who(&self) -> Option<String> {
        name_of(self.sender_name.as_deref(), self.tenant_name.as_deref())
    }
    fn subject(&self) -> String {
        "A message for you is locked after wrong passwords".into()
    }
    fn button(&self) -> Option<Button<'_>> {
        None
    }
}
mail!(SlotLockedRecipient, "slot_locked_recipient.txt", "slot_locked_recipient.html");
