//! The part of a message's page that changes while somebody looks: who stands where, and the register. It is answered alone, too.

use super::{
    answer,
    register::{self, Entry},
    states,
};
use crate::human::When;
use askama::Template;
use evidence::Fact;
use kernel::{MessageId, RecipientId, Time};
use messages::{MessageView, RecipientView};
use poem::Request;

/// Entries of the register on one page.
pub const FACTS: u64 = 500;

#[derive(Template)]
#[template(path = "sender/timeline.html")]
pub struct Live {
    pub id: MessageId,
    form: String,
    /// Changes when anything in here does.
    version: String,
    /// Where this part is asked for anew, and where news of it come from.
    here: String,
    events: String,
    recipients: Vec<Person>,
    /// Address of the one recipient whose entries are shown; empty for all.
    only: String,
    facts: Vec<Entry>,
    more: String,
}

/// Escaped by its own template.
impl askama::filters::HtmlSafe for Live {}

struct Person {
    id: RecipientId,
    address: String,
    class: &'static str,
    words: &'static str,
    changed: When,
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
pub fn of(message: &MessageView, facts: &[Fact], view: View, form: String, now: Time) -> Live {
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
        form,
        version: format!("{last}-{changed}"),
        here: format!("/messages/{id}/timeline?{}", query(view.after)),
        events: format!("/messages/{id}/events?after={last}"),
        only: view
            .recipient
            .and_then(|asked| message.recipients.iter().find(|r| r.id == asked))
            .map(|r| r.address.clone())
            .unwrap_or_default(),
        recipients: message.recipients.iter().map(|r| person(r, view.recipient, now)).collect(),
        facts: register::entries(facts, message),
        more: if facts.len() as u64 == FACTS { format!("/messages/{id}?{}#timeline", query(last)) } else { String::new() },
    }
}

fn person(recipient: &RecipientView, chosen: Option<RecipientId>, now: Time) -> Person {
    Person {
        id: recipient.id,
        address: recipient.address.clone(),
        class: recipient.state.as_str(),
        words: states::word(recipient.state),
        changed: When::near(recipient.changed_at, now),
        open: recipient.state.is_open(),
        locked: recipient.locked,
        chosen: chosen == Some(recipient.id),
    }
}
