//! `POST /v1/messages`: the same room as the compose page's button.

use crate::{
    Api, PREFIX,
    answer::Answer,
    ids::Id,
    json_wrong::fields,
    problem::Problem,
    problem_body::FieldProblem,
    strict_json::{JsonRequest, StrictJson},
    words::{At, ProofWord, StateWord},
};
use kernel::{AttachmentId, MessageId, RecipientId, Time};
use messages::{Draft, Outline, RecipientState, RecipientView, Sent, find_message, submit};
use poem_openapi::{ApiResponse, Object};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::Caller;

/// A message to send. `to`, `subject` and `body` are enough.
#[derive(Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMessage {
    /// Addresses; each recipient gets a link and a state of their own.
    #[oai(validator(min_items = 1, max_items = 100))]
    to: Vec<String>,
    /// One line. Not shown in any mail unless `show_subject` is set.
    #[oai(validator(min_length = 1, max_length = 255))]
    subject: String,
    /// Text with a small Markdown subset: bold, italic, lists, quotes, links, code.
    #[oai(validator(max_length = 1048576))]
    body: String,
    /// What a recipient must prove: `r0` the link, `r1` a code mailed to them (the default), `r2` the message password besides, `r4` a client certificate of theirs, of an authority that your settings accept.
    proof: Option<ProofWord>,
    /// The message password, which the recipients learn from you in another way. We keep no copy of it.
    #[oai(validator(min_length = 4, max_length = 256))]
    password: Option<String>,
    /// Helps to remember the password; shown once the rest is proven.
    #[oai(validator(max_length = 200))]
    hint: Option<String>,
    /// Days until the content is destroyed; 30 unless told.
    #[oai(validator(minimum(value = "1"), maximum(value = "3650")))]
    expires_days: Option<i64>,
    /// Days before expiry on which those who have not opened are reminded.
    #[oai(validator(max_items = 5))]
    remind_days: Option<Vec<i64>>,
    /// The recipient accepts or refuses before seeing the content.
    accept_first: Option<bool>,
    /// The sender is not named until the recipient accepted.
    hide_sender: Option<bool>,
    /// The notice shows the subject, and so do mails to you about the message.
    show_subject: Option<bool>,
    /// Mail me when a recipient opens it.
    notify_opened: Option<bool>,
    /// When the notices go out; now unless told. At most a year ahead; the days until then count towards your plan's longest life.
    send_at: Option<At>,
    /// Files uploaded before, in this order.
    #[oai(validator(max_items = 200))]
    attachments: Option<Vec<Id<AttachmentId>>>,
}

impl JsonRequest for NewMessage {
    fn required() -> Map<String, Value> {
        fields(json!({"to": [], "subject": "", "body": ""}))
    }
    /// Whether `send_at` has passed is asked when the rest is right.
    fn wrong(self, named: &[String]) -> Vec<FieldProblem> {
        let outline = Outline { send_at: None, ..Outline::from(self) };
        let hangs_on = |field| match field {
            "hint" | "proof" => "password",
            "remind_days" => "expires_days",
            field => field,
        };
        let wrong = Draft::parse(&outline, Time(0)).err().unwrap_or_default().into_iter();
        wrong.filter(|e| ![e.field, hangs_on(e.field)].iter().any(|f| named.iter().any(|n| n == f))).map(FieldProblem::from).collect()
    }
}

/// A message that was accepted and is durable.
#[derive(Object, Serialize)]
pub(crate) struct SentMessage {
    id: Id<MessageId>,
    subject: String,
    /// Waits until the sender's address is proven; then it leaves by itself.
    held: bool,
    /// When the notices go out.
    release_at: At,
    /// When the content is destroyed.
    expires_at: At,
    recipients: Vec<SentRecipient>,
}

/// A recipient, and where they stand.
#[derive(Object, Serialize)]
pub(crate) struct SentRecipient {
    id: Id<RecipientId>,
    address: String,
    state: StateWord,
}

#[derive(ApiResponse)]
pub(crate) enum Sending {
    /// Accepted: it is durable and will be delivered.
    #[oai(status = 201)]
    Created(
        Answer<SentMessage>,
        /// Where the message is.
        #[oai(header = "Location")]
        String,
        /// `true` when an earlier request with the same key did it and this one changed nothing.
        #[oai(header = "Idempotent-Replayed")]
        Option<bool>,
    ),
}

pub(crate) async fn send(api: &Api, caller: &Caller, key: Option<&str>, body: StrictJson<NewMessage>) -> Result<Sending, Problem> {
    if key.is_some_and(|k| k.is_empty() || !k.bytes().all(|b| (0x20..0x7f).contains(&b))) {
        return Err(Problem::parameter("Idempotency-Key", "The idempotency key has 1 to 200 printable ASCII characters."));
    }
    let outline = Outline::from(body.value);
    let sent = submit(&api.post, caller, &outline, key.zip(body.sha256)).await?;
    let (location, repeated) = (format!("{PREFIX}/messages/{}", sent.id), sent.repeated);
    let recipients = match repeated {
        false => sent
            .recipients
            .iter()
            .map(|r| SentRecipient { id: Id(r.id), address: r.address.clone(), state: StateWord(RecipientState::Waiting) })
            .collect(),
        true => Box::pin(as_they_stand(api, caller, sent.id)).await?,
    };
    let answer = accepted(&sent, outline.subject.trim().to_owned(), recipients);
    Ok(Sending::Created(Answer(answer), location, repeated.then_some(true)))
}

fn accepted(sent: &Sent, subject: String, recipients: Vec<SentRecipient>) -> SentMessage {
    SentMessage { id: Id(sent.id), subject, held: sent.held, release_at: At(sent.release_at), expires_at: At(sent.expires_at), recipients }
}

/// A repeated request may come long after: their states are read again.
async fn as_they_stand(api: &Api, caller: &Caller, id: MessageId) -> Result<Vec<SentRecipient>, Problem> {
    let view = api.post.db.read(caller, async |read| find_message(read, id).await).await?.ok_or_else(Problem::not_found)?;
    let one = |r: RecipientView| SentRecipient { id: Id(r.id), address: r.address, state: StateWord(r.state) };
    Ok(view.recipients.into_iter().map(one).collect())
}

impl From<NewMessage> for Outline {
    fn from(new: NewMessage) -> Outline {
        Outline {
            draft: None,
            to: new.to,
            subject: new.subject,
            body: new.body,
            proof: new.proof.map(|p| p.0),
            password: new.password,
            hint: new.hint.unwrap_or_default(),
            expires_days: new.expires_days,
            remind_days: new.remind_days.unwrap_or_default(),
            accept_first: new.accept_first.unwrap_or_default(),
            hide_sender: new.hide_sender.unwrap_or_default(),
            show_subject: new.show_subject.unwrap_or_default(),
            notify_opened: new.notify_opened.unwrap_or_default(),
            send_at: new.send_at.map(|at| at.0),
            attachments: new.attachments.unwrap_or_default().into_iter().map(|id| id.0).collect(),
        }
    }
}
