//! What of a message's page can change while somebody looks, in parts that each have a version: taking it back, who stands where
//! and the register, the content, the replies. It is answered alone, too.

use super::{
    answer,
    content::Content,
    received::{self, ReplyRow},
    register::{self, Entry},
    states,
};
use crate::{human, human::When};
use askama::Template;
use evidence::Fact;
use kernel::{MessageId, RecipientId, Time};
use messages::{MessageView, RecipientState, RecipientView, ReplyView};
use poem::Request;

/// Entries of the register on one page.
pub const FACTS: u64 = 500;

#[derive(Template)]
#[template(path = "sender/live.html")]
pub struct Live {
    id: MessageId,
    pub subject: String,
    summary: String,
    /// Recipients from whom it can be taken back.
    open: usize,
    form: String,
    /// Changes when a recipient's state or the register does.
    version: String,
    /// Where this part is asked for anew, and where news of it come from.
    here: String,
    events: String,
    recipients: Vec<Person>,
    /// Address of the one recipient whose entries are shown; empty for all.
    only: String,
    facts: Vec<Entry>,
    more: String,
    content: Content,
    replies: Vec<ReplyRow>,
}

/// One snapshot of a message.
pub struct Found {
    pub message: MessageView,
    pub facts: Vec<Fact>,
    pub replies: Vec<ReplyView>,
}

/// Escaped by its own template.
impl askama::filters::HtmlSafe for Live {}

struct Person {
    id: RecipientId,
    address: String,
    class: &'static str,
    words: &'static str,
    /// Since when; of what leaves later: when that is.
    since: When,
    /// Can be taken back.
    open: bool,
    locked: bool,
    /// The register shows this recipient alone.
    chosen: bool,
}

/// What a request asks to see of the register.
#[derive(Clone, Copy)]
pub struct View {
    pub recipient: Option<RecipientId>,
    pub after: i64,
}

impl View {
    pub fn of(req: &Request) -> View {
        View { recipient: answer::query(req, "recipient").parse().ok(), after: answer::query(req, "after").parse().unwrap_or(0) }
    }
}

/// `form` is the token of the forms in it; without one there are none, for whoever may only read.
pub fn of(found: Found, view: View, content: Content, form: String, now: Time) -> Live {
    let Found { message, facts, replies } = found;
    let id = message.id;
    let last = facts.last().map_or(view.after, |fact| fact.seq);
    let changed = message.recipients.iter().map(|r| r.changed_at.0).max().unwrap_or_default();
    let query = |after: i64| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if let Some(recipient) = view.recipient {
            query.append_pair("recipient", &recipient.to_string());
        }
        if after > 0 {
            query.append_pair("after", &after.to_string());
        }
        query.finish()
    };
    Live {
        id,
        subject: message.subject.clone(),
        summary: summary(&message),
        open: message.recipients.iter().filter(|r| r.state.is_open()).count(),
        form,
        version: format!("{last}-{changed}-{}", message.release_at > now),
        here: format!("/messages/{id}/timeline?{}", query(view.after)),
        events: format!("/messages/{id}/events?after={last}"),
        only: view
            .recipient
            .and_then(|asked| message.recipients.iter().find(|r| r.id == asked))
            .map(|r| r.address.clone())
            .unwrap_or_default(),
        recipients: message.recipients.iter().map(|r| person(r, message.release_at, view.recipient, now)).collect(),
        facts: register::entries(&facts, &message),
        more: if facts.len() as u64 == FACTS { format!("/messages/{id}?{}#timeline", query(last)) } else { String::new() },
        content,
        replies: replies.into_iter().map(|reply| received::row_of(reply, now)).collect(),
    }
}

impl Live {
    /// What the button does, before it is pressed.
    fn retract_note(&self) -> String {
        retract_note(self.open, self.recipients.len())
    }
    fn replies_version(&self) -> String {
        let newest = self.replies.first().map(|reply| reply.id.to_string()).unwrap_or_default();
        format!("{newest}-{}", self.replies.iter().filter(|reply| !reply.read).count())
    }
}

/// "to m.keller@example.org and 2 more · 2 files, 1.4 MiB".
fn summary(message: &MessageView) -> String {
    let first = message.recipients.first().map(|r| r.address.as_str()).unwrap_or_default();
    let more = match message.recipients.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more", human::number(n as i64 - 1)),
    };
    let files = match message.attachments.len() {
        0 => String::new(),
        n => {
            format!(" · {}, {}", human::count(n as i64, "file", "files"), human::size(message.attachments.iter().map(|f| f.received).sum()))
        }
    };
    format!("to {first}{more}{files}")
}

fn retract_note(open: usize, all: usize) -> String {
    match (open, all) {
        (_, 1) => "It is taken back, if the recipient does not open it first.".to_owned(),
        (open, all) if open == all => format!("It is taken back from all {}, but for whoever opens it first.", human::number(all as i64)),
        (open, all) => format!(
            "It is taken back from the {} of {} who have not opened or refused it.",
            human::number(open as i64),
            human::number(all as i64)
        ),
    }
}

fn person(recipient: &RecipientView, release_at: Time, chosen: Option<RecipientId>, now: Time) -> Person {
    let leaves = recipient.state == RecipientState::Waiting && release_at > now;
    Person {
        id: recipient.id,
        address: recipient.address.clone(),
        class: recipient.state.as_str(),
        words: if leaves { states::LEAVES_LATER } else { states::word(recipient.state) },
        since: if leaves { When::full(release_at) } else { When::near(recipient.changed_at, now) },
        open: recipient.state.is_open(),
        locked: recipient.locked,
        chosen: chosen == Some(recipient.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_retracting_does_is_said_before() {
        assert!(retract_note(1, 1).contains("does not open it first"));
        assert!(retract_note(2, 3).contains("the 2 of 3"));
        assert!(retract_note(3, 3).contains("all 3"));
    }
}
