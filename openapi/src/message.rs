//! `GET /v1/messages/{id}` and its recipients.

use crate::{
    Api,
    answer::Answer,
    attachments::Attachment,
    ids::Id,
    problem::Problem,
    words::{At, ProofWord, StateWord},
};
use kernel::{MessageId, RecipientId};
use messages::{MessageView, RecipientView, find_message};
use poem_openapi::Object;
use serde::Serialize;
use store::Caller;

/// A sent message as its sender sees it. The text itself stays behind the recipients' links.
#[derive(Object, Serialize)]
pub(crate) struct Message {
    id: Id<MessageId>,
    subject: String,
    /// What a recipient must prove.
    proof: ProofWord,
    has_password: bool,
    has_hint: bool,
    accept_first: bool,
    hide_sender: bool,
    show_subject: bool,
    notify_opened: bool,
    sender_name: String,
    body_bytes: u64,
    created_at: At,
    release_at: At,
    expires_at: At,
    retracted_at: Option<At>,
    /// When our copy of the content and its keys was destroyed.
    shredded_at: Option<At>,
    recipients: Vec<Recipient>,
    attachments: Vec<Attachment>,
}

/// One addressee of one message.
#[derive(Object, Serialize)]
pub(crate) struct Recipient {
    id: Id<RecipientId>,
    address: String,
    /// `notified`: a mail server took the notice, not that anyone saw it. `opened`: the content was handed over, not that it was read.
    state: StateWord,
    changed_at: At,
    opened_at: Option<At>,
}

/// The recipients of a message, in the order given.
#[derive(Object, Serialize)]
pub(crate) struct RecipientList {
    recipients: Vec<Recipient>,
}

pub(crate) async fn read(api: &Api, caller: &Caller, id: MessageId) -> Result<Answer<Message>, Problem> {
    Ok(Answer(view(api, caller, id).await?.into()))
}

pub(crate) async fn recipients(api: &Api, caller: &Caller, id: MessageId) -> Result<Answer<RecipientList>, Problem> {
    let recipients = view(api, caller, id).await?.recipients.into_iter().map(Recipient::from).collect();
    Ok(Answer(RecipientList { recipients }))
}

async fn view(api: &Api, caller: &Caller, id: MessageId) -> Result<MessageView, Problem> {
    api.post.db.read(caller, async |read| find_message(read, id).await).await?.ok_or_else(Problem::not_found)
}

impl From<MessageView> for Message {
    fn from(view: MessageView) -> Message {
        Message {
            id: Id(view.id),
            subject: view.subject,
            proof: ProofWord(view.proof),
            has_password: view.has_password,
            has_hint: view.hint,
            accept_first: view.accept_first,
            hide_sender: view.hide_sender,
            show_subject: view.show_subject,
            notify_opened: view.notify_opened,
            sender_name: view.sender_name,
            body_bytes: view.body_bytes,
            created_at: At(view.created_at),
            release_at: At(view.release_at),
            expires_at: At(view.expires_at),
            retracted_at: view.retracted_at.map(At),
            shredded_at: view.shredded_at.map(At),
            recipients: view.recipients.into_iter().map(Recipient::from).collect(),
            attachments: view.attachments.into_iter().map(Attachment::from).collect(),
        }
    }
}

impl From<RecipientView> for Recipient {
    fn from(view: RecipientView) -> Recipient {
        Recipient {
            id: Id(view.id),
            address: view.address,
            state: StateWord(view.state),
            changed_at: At(view.changed_at),
            opened_at: view.opened_at.map(At),
        }
    }
}
