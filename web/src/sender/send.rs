//! Sending: saves what is typed, then hands it to the room. What is wrong comes back by its field, with the page still filled.

use super::{
    answer, compose, outline, save,
    typed::{self, Typed},
};
use crate::{Web, guard::Member, human, page, refusals::Refusal, stop::Answer};
use kernel::MessageId;
use messages::{DraftRefused, Outline, SendRefused, Sent};
use poem::{
    Body, Request, handler,
    http::StatusCode,
    web::{Data, Path},
};

#[handler]
pub async fn submit(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, req: &Request, body: Body) -> Answer {
    let id = answer::id(&id)?;
    let mut posted = typed::read(web, &member, req, body, Some(id)).await?;
    posted.typed.once.clear();
    if posted.typed.problems.any() {
        return go(web, &member, id, posted.typed).await;
    }
    match save::keep(web, &member, id, &posted.typed, posted.typed.goes_on_from()).await.map_err(Refusal::or_fault) {
        Ok(_) => go(web, &member, id, posted.typed).await,
        // The button was pressed twice: the second press has nothing new to say.
        Err(Ok(DraftRefused::NotFound)) if compose::was_sent(web, &member, id).await? => Ok(page::see_other(&format!("/messages/{id}"))),
        Err(Ok(refused)) => save::refuse(web, &member, req, refused, posted).await,
        Err(Err(fault)) => Err(fault),
    }
}

/// Sends the draft `id` as typed. Twice from the same page sends once.
pub async fn go(web: &Web, member: &Member, id: MessageId, mut typed: Typed) -> Answer {
    let files = web.post.db.read(&member.caller, async |read| messages::attachments(read, id).await).await?;
    let (outline, mut problems) = outline::of(&typed, id, &files);
    let now = web.post.db.clock().now();
    outline::check(&outline, now, &mut problems);
    if problems.any() {
        let usage = web.post.db.read(&member.caller, async |read| quota::usage(read).await).await?;
        outline::check_limits(&outline, &files, &usage, now, &mut problems);
        typed.problems = problems.in_order_of(&outline::FIELDS);
        return compose::again(web, member, StatusCode::UNPROCESSABLE_ENTITY, Some(id), typed).await;
    }
    match hand_over(web, member, &outline, &typed).await.map_err(Refusal::or_fault) {
        Ok(sent) => sent_page(web, member, id, &sent).await,
        Err(Err(fault)) => Err(fault),
        Err(Ok(SendRefused::NoDraft)) if typed.is_blank() => Err(crate::stop::Stop::NotFound),
        Err(Ok(refused)) => {
            typed.problems = problems_of(&refused).in_order_of(&outline::FIELDS);
            compose::again(web, member, refused.status(), Some(id), typed).await
        }
    }
}

async fn hand_over(web: &Web, member: &Member, outline: &Outline, typed: &Typed) -> Result<Sent, SendRefused> {
    let key = idempotency(typed);
    messages::submit(&web.post, &member.caller, outline, key.as_ref().map(|(key, hash)| (key.as_str(), *hash))).await
}

/// A blank page sent twice with the same text is one message; with another text it is another. The password stays out of it.
fn idempotency(typed: &Typed) -> Option<(String, [u8; 32])> {
    if typed.once.is_empty() {
        return None;
    }
    let text = serde_json::to_vec(&typed.text).ok()?;
    let hash = keys::sha256(&[b"compose", typed.once.as_bytes(), &text]);
    Some((format!("page-{}", hex::encode(hash)), hash))
}

async fn sent_page(web: &Web, member: &Member, draft: MessageId, sent: &Sent) -> Answer {
    if sent.id != draft {
        // The second press made a draft of its own before it learned of the first.
        web.post.db.act(&member.caller, async |tx| messages::discard_draft(tx, draft).await).await.map_err(Refusal::stop)?;
    }
    let to = format!("/messages/{}", sent.id);
    if sent.repeated {
        return Ok(page::see_other(&to));
    }
    Ok(page::see_other_telling(&to, &told(sent, web.post.db.clock().now())))
}

fn told(sent: &Sent, now: kernel::Time) -> String {
    let people = human::count(sent.recipients.len() as i64, "recipient", "recipients");
    if sent.held {
        format!("Accepted for {people}. It leaves the moment you prove your address by the link that we mailed you.")
    } else if sent.release_at > now {
        format!("Accepted for {people}. It leaves at the time you chose, which stands below; until then you can take it back unseen.")
    } else {
        format!("Accepted for {people}. Each notice is on its way; this page shows what happens.")
    }
}

fn problems_of(refused: &SendRefused) -> crate::problems::Problems {
    let mut problems = crate::problems::Problems::none();
    match refused {
        SendRefused::Fields(errors) => errors.iter().for_each(|e| problems.add(e.field, e)),
        SendRefused::Quota(met) => met.iter().for_each(|quota| problems.add(field_of(quota.dimension()), quota)),
        other => problems.add("", other),
    }
    problems
}

/// Which field a limit is about.
pub fn field_of(dimension: &str) -> &'static str {
    match dimension {
        "sends" | "recipients" => "to",
        "stored_bytes" | "message_bytes" => "attachments",
        "life_days" => "expires_days",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::DraftText;

    #[test]
    fn one_page_sent_twice_has_one_key_and_the_password_is_not_in_it() {
        let typed = |once: &str, subject: &str, password: &str| Typed {
            once: once.into(),
            password: password.into(),
            text: DraftText { subject: subject.into(), ..DraftText::default() },
            ..Typed::default()
        };
        let key = |t: &Typed| idempotency(t).map(|(key, _)| key);
        assert_eq!(key(&typed("a1", "x", "p")), key(&typed("a1", "x", "q")));
        assert_ne!(key(&typed("a1", "x", "p")), key(&typed("a1", "y", "p")));
        assert_ne!(key(&typed("a1", "x", "p")), key(&typed("a2", "x", "p")));
        assert_eq!(key(&typed("", "x", "p")), None);
    }
}
