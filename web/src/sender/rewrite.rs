//! "Write it again": a new draft with the text of a message, such as for an address that was mistyped. What was sent stays as it is.

use super::answer;
use crate::{
    Web,
    form::Form,
    guard::Member,
    page,
    refusals::Refusal,
    stop::{Answer, Stop},
};
use kernel::MessageId;
use messages::{Body, DraftText, MessageView, RecipientState};
use poem::{
    handler,
    web::{Data, Path},
};
use std::time::Duration;
use store::Right;

/// Pressing it twice leads to the same draft, for as long as that is one and nothing else was to be put in it.
#[handler]
pub async fn submit(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, _form: Form) -> Answer {
    member.must(Right::Write)?;
    let id: MessageId = answer::id(&id)?;
    let find = web.post.db.read(&member.caller, async |read| messages::find_message(read, id).await);
    let message = find.await?.ok_or(Stop::NotFound)?;
    let Body::Text(body) = messages::body(&web.post, &member.caller, id).await?.ok_or(Stop::NotFound)? else {
        return Ok(answer::back_to(id, "The text of this message cannot be shown any more, so there is nothing to begin with."));
    };
    let text = text_of(&message, body);
    let once = format!("again-{id}-{}", hex::encode(&keys::sha256(&[text.to.as_bytes()])[..8]));
    let draft = match messages::begin_draft(&web.post, &member.caller, &once, &text).await.map_err(Refusal::or_fault) {
        Ok((draft, _)) => draft,
        Err(Ok(refused)) => return Ok(answer::back_to(id, &refused.to_string())),
        Err(Err(fault)) => return Err(fault),
    };
    let told = match message.attachments.len() {
        0 => "This is a new draft with the same text.",
        _ => "This is a new draft with the same text. Its files are not in it: attach them again.",
    };
    Ok(page::see_other_telling(&format!("/drafts/{draft}"), told))
}

/// To those whom the notice did not reach: what is mistyped is mended faster than typed.
fn text_of(message: &MessageView, body: String) -> DraftText {
    let failed = message.recipients.iter().filter(|recipient| recipient.state == RecipientState::Failed);
    DraftText {
        to: failed.map(|recipient| recipient.address.as_str()).collect::<Vec<_>>().join("\n"),
        subject: message.subject.clone(),
        body,
        proof: message.proof.as_str().to_owned(),
        accept_first: message.accept_first,
        expires_days: days(message.expires_at.since(message.release_at)),
        remind_days: message.remind_days.clone(),
        hide_sender: message.hide_sender,
        show_subject: message.show_subject,
        notify_opened: message.notify_opened,
        ..DraftText::default()
    }
}

fn days(life: Duration) -> String {
    life.as_secs().div_ceil(86_400).to_string()
}
