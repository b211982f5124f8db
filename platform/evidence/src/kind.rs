//! The kinds of evidence, each with what it claims and what it does not. Two kinds are never merged.

macro_rules! kinds { ($($(#[$doc:meta])* $name:ident { $text:literal, $etsi:expr, $title:literal, $not:literal })*) => {
    /// What was recorded. The standard names are the events of ETSI EN 319 522-1 §6 where one fits.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Kind { $($(#[$doc])* $name,)* }
    impl Kind {
        pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];
        /// The word in the table, the API and the log.
        pub fn as_str(self) -> &'static str { match self { $(Kind::$name => $text,)* } }
        /// The ETSI EN 319 522 event, or `None` for our extensions.
        pub fn etsi(self) -> Option<&'static str> { match self { $(Kind::$name => $etsi,)* } }
        /// The heading of a timeline entry.
        pub fn title(self) -> &'static str { match self { $(Kind::$name => $title,)* } }
        /// What this does not prove; shown beneath in grey.
        pub fn does_not_claim(self) -> &'static str { match self { $(Kind::$name => $not,)* } }
        pub fn parse(text: &str) -> Option<Kind> { Kind::ALL.iter().copied().find(|k| k.as_str() == text) }
    }
} }

kinds! {
    /// We took this exact content from this caller. Does not claim that it is true.
    Submitted { "submitted", Some("SubmissionAcceptance"), "Submitted", "We took this exact content. It does not say that the content is true." }
    /// The mail server named took the notice. Does not claim that it was the recipient's own, nor that anyone saw it.
    NoticeRelayed { "notice_relayed", Some("ConsignmentNotification"), "Notice relayed", "The mail server named here took the notice. It does not say that anyone saw it." }
    /// The notice could not be relayed for now; it is tried again. Does not claim that it will fail.
    NoticeDelayed { "notice_delayed", None, "Notice delayed", "The notice was not taken yet. We keep trying for five days." }
    /// The notice is not tried again. Does not claim that the address does not exist.
    NoticeFailed { "notice_failed", Some("ConsignmentNotificationFailure"), "Notice not delivered", "The notice is not tried again. It does not say that the address is wrong for good." }
    /// The connection broke after the notice was handed over in full. Does not claim either way.
    NoticeUnknown { "notice_unknown", None, "Notice uncertain", "The connection broke before the mail server answered. The notice may have arrived; we send it again under the same Message-ID." }
    /// We held a notice or reminder back. Does not claim anything of the recipient's mail server: it was not asked.
    NoticeHeld { "notice_held", None, "Notice held back", "We send few mails to an address that has not opened anything from you yet. It goes out later; no mail server was asked." }
    /// The mail server named took a reminder. Does not claim that anyone saw it.
    ReminderRelayed { "reminder_relayed", Some("ConsignmentNotification"), "Reminder relayed", "The mail server named here took the reminder. It does not say that anyone saw it." }
    ReminderDelayed { "reminder_delayed", None, "Reminder delayed", "The reminder was not taken yet. We keep trying until the message expires, five days at most." }
    /// The reminder is not tried again; the link of the notice keeps working.
    ReminderFailed { "reminder_failed", Some("ConsignmentNotificationFailure"), "Reminder not delivered", "The reminder is not tried again. It does not say that the notice before it was not seen." }
    ReminderUnknown { "reminder_unknown", None, "Reminder uncertain", "The connection broke before the mail server answered. The reminder may have arrived; we send it again under the same Message-ID." }
    /// Something asked for the page. Does not claim a person.
    LinkFetched { "link_fetched", Some("NotificationAccessTracking"), "Link fetched", "Something asked for the page. It does not count as opening." }
    /// The button was pressed. Does not claim who pressed it.
    Gesture { "gesture", None, "Opening asked for", "Someone with the link pressed the button. Nothing was handed over yet." }
    /// A code was mailed after the gesture. Does not claim that it was seen.
    CodeSent { "code_sent", None, "Code mailed", "The mail server named here took the mail with the code. It does not say that anyone saw it." }
    CodeDelayed { "code_delayed", None, "Code delayed", "The mail with the code was not taken yet. We keep trying while the code is good." }
    CodeFailed { "code_failed", None, "Code not delivered", "The mail with the code was refused. Nothing was handed over; another code can be asked for." }
    CodeUnknown { "code_unknown", None, "Code uncertain", "The connection broke before the mail server answered. The mail with the code may have arrived; we send it again." }
    /// The mailed code was typed in the browser of the gesture. Claims access to the mailbox at that moment, not a name.
    CodeProven { "code_proven", None, "Code proven", "Whoever typed the code could read that mailbox then. It does not prove a name." }
    CodeWrong { "code_wrong", None, "Wrong code", "A code was typed that was not the one mailed. Nothing was handed over." }
    /// The message password was typed. Claims its knowledge, not a name.
    PasswordProven { "password_proven", None, "Message password proven", "Whoever typed it knew the message password. It does not prove a name." }
    PasswordWrong { "password_wrong", None, "Wrong message password", "A password was typed that does not open the message. Nothing was handed over." }
    /// A certificate that is the recipient's was shown, and its key used, for the browser of the gesture. Claims what its authority vouches for.
    CertificateProven { "certificate_proven", None, "Certificate shown", "Whoever showed it held its key. Whose it is rests on the authority that gave it out and on your rules for it." }
    /// A certificate was shown that does not count. Does not claim that whoever showed it is not the recipient.
    CertificateRefused { "certificate_refused", None, "Certificate refused", "A certificate was shown that does not count here. Nothing was handed over." }
    /// Too many wrong message passwords.
    Locked { "locked", None, "Locked", "Five wrong message passwords. They handed nothing over; the sender can allow new tries." }
    Unlocked { "unlocked", None, "New tries allowed", "The sender allowed five new tries." }
    /// A gesture of acceptance on the page, after the checks named. Does not claim a legal name.
    Accepted { "accepted", Some("ConsignmentAcceptance"), "Accepted", "A button was pressed on the page after the checks named here. It does not prove a legal name." }
    /// A gesture of refusal on the page. Does not claim a legal name.
    Refused { "refused", Some("ConsignmentRejection"), "Refused", "A button was pressed on the page by someone with the link. It does not prove a legal name." }
    /// The deadline passed with no gesture. Does not claim that the notice was seen.
    ExpiredUnopened { "expired_unopened", Some("AcceptanceRejectionExpiry"), "Expired unopened", "The time was over and nobody had opened or refused it. It does not say that the notice was seen." }
    /// Content was released to that browser. Does not claim reading.
    HandedOver { "handed_over", Some("ContentHandover"), "Opened", "The content was handed over to that browser. It does not say that it was read." }
    /// One file was released to that browser, to fetch at once or in parts. Does not claim that all of it arrived, nor reading.
    FileHandedOver { "file_handed_over", Some("ContentHandover"), "File handed over", "The file was released to that browser. It does not say that all of it arrived, nor that it was read." }
    /// Taken back before the first hand-over. Does not claim that no copy exists elsewhere.
    Retracted { "retracted", None, "Retracted", "Taken back before it was opened. It does not say that no copy exists elsewhere." }
    /// The sender asked for it back after the hand-over.
    RetractionTooLate { "retraction_too_late", None, "Retraction too late", "The message had been opened or refused before; it stays as it is." }
    /// A pickup lost against a retraction, expiry or lock.
    PickupTooLate { "pickup_too_late", None, "Opening too late", "Someone tried to open the message after it had ended. Nothing was handed over." }
    Replied { "replied", None, "Replied", "A sealed reply was left from the browser that opened the message." }
    /// The recipient wants no more notices from this tenant.
    SenderBlocked { "sender_blocked", None, "Sender blocked", "The recipient asked for no more notices from this sender." }
    /// The recipient takes notices from this tenant again. Does not claim who pressed the button.
    SenderAllowed { "sender_allowed", None, "Sender allowed again", "A button was pressed on the page by someone with the link: notices from this sender are mailed again." }
    /// Content and keys were destroyed. Does not claim that no copy exists elsewhere.
    Shredded { "shredded", None, "Content destroyed", "Our copy of the content and its keys is gone. Evidence stays." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own_and_says_what_it_does_not_prove() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
            assert!(kind.does_not_claim().ends_with('.'));
        }
    }
}
