//! The compose page: blank, of a draft, or once more with what is wrong. It always comes back filled, but for the password.

use super::{
    answer, folds,
    typed::{Posted, Typed},
};
use crate::{
    Web,
    guard::Member,
    human,
    human::When,
    page,
    problems::Problems,
    stop::{Answer, Stop},
    top::Top,
};
use accounts::Me;
use askama::Template;
use kernel::{MAX_RECIPIENTS, MessageId, Time};
use keys::Token;
use messages::{AttachmentView, DraftText, DraftView};
use poem::{
    handler,
    http::StatusCode,
    web::{Data, Path},
};
use store::Right;

#[derive(Template)]
#[template(path = "sender/compose.html")]
struct ComposePage {
    page: Top,
    problems: Problems,
    text: DraftText,
    /// Id of the draft; empty while there is none.
    draft: String,
    revision: String,
    /// The draft has a newer text than what stands here.
    beside: bool,
    once: String,
    /// Sends left, empty where there is no limit.
    left: String,
    sends: String,
    saved: Option<When>,
    files: Vec<FileLine>,
    /// Their ids.
    shown: String,
    to_note: String,
    file_note: String,
    life_note: String,
    proof: &'static str,
    /// Certificates can be asked for.
    certificates: bool,
    folds: folds::Folds,
}

struct FileLine {
    id: String,
    name: String,
    received: u64,
    declared: u64,
    complete: bool,
    amount: String,
}

/// What the page is made from.
#[derive(Default)]
struct Sheet {
    text: DraftText,
    problems: Problems,
    once: String,
    draft: Option<Kept>,
    /// Another window saved another text since this one's revision: that one stays on the page, so that saving asks again.
    beside: Option<i64>,
}

struct Kept {
    id: MessageId,
    revision: i64,
    updated_at: Time,
    files: Vec<AttachmentView>,
}

#[handler]
pub async fn blank(Data(web): Data<&Web>, member: Member) -> Answer {
    member.must(Right::Write)?;
    let once = hex::encode(&Token::random(web.post.db.chance()).as_bytes()[..16]);
    let text = DraftText { proof: "r1".to_owned(), ..DraftText::default() };
    render(web, &member, StatusCode::OK, Sheet { text, once, ..Sheet::default() }).await
}

/// A draft; of one that was sent, the message that it became.
#[handler]
pub async fn show(Data(web): Data<&Web>, member: Member, Path(id): Path<String>) -> Answer {
    let id = answer::id(&id)?;
    match find(web, &member, id).await? {
        Some(draft) => {
            render(web, &member, StatusCode::OK, Sheet { text: draft.text.clone(), draft: Some(draft.into()), ..Sheet::default() }).await
        }
        None if was_sent(web, &member, id).await? => Ok(page::see_other(&format!("/messages/{id}"))),
        None => Err(Stop::NotFound),
    }
}

/// The page again, with what was typed and what is wrong with it. A draft that is gone becomes a new page with the same text.
pub async fn again(web: &Web, member: &Member, status: StatusCode, draft: Option<MessageId>, typed: Typed) -> Answer {
    let kept = kept(web, member, draft).await?;
    render(web, member, status, Sheet { text: typed.text, problems: typed.problems, once: typed.once, draft: kept, beside: None }).await
}

/// What was typed in a window that another one overtook, with both ways on: to the newer text, or over it.
pub async fn beside(web: &Web, member: &Member, Posted { typed, draft }: Posted) -> Answer {
    let kept = kept(web, member, draft).await?;
    let sheet = Sheet { text: typed.text, problems: typed.problems, once: typed.once, draft: kept, beside: typed.seen };
    render(web, member, StatusCode::CONFLICT, sheet).await
}

async fn kept(web: &Web, member: &Member, draft: Option<MessageId>) -> Result<Option<Kept>, Stop> {
    match draft {
        Some(id) => Ok(find(web, member, id).await?.map(Kept::from)),
        None => Ok(None),
    }
}

pub async fn find(web: &Web, member: &Member, id: MessageId) -> Result<Option<DraftView>, Stop> {
    Ok(web.post.db.read(&member.caller, async |read| messages::draft(read, id).await).await?)
}

pub async fn was_sent(web: &Web, member: &Member, id: MessageId) -> Result<bool, Stop> {
    Ok(web.post.db.read(&member.caller, async |read| messages::find_message(read, id).await).await?.is_some())
}

async fn render(web: &Web, member: &Member, status: StatusCode, sheet: Sheet) -> Answer {
    let me = web.accounts.me(&member.caller).await?;
    let certificates = web.certificates.asks_at(&member.caller).await?.is_some();
    page::page_with(status, &member.browser, &view(member, &me, sheet, certificates, web.post.db.clock().now()))
}

fn view(member: &Member, me: &Me, sheet: Sheet, certificates: bool, now: Time) -> ComposePage {
    let Sheet { text, problems, once, draft, beside } = sheet;
    let left = me.usage.sends_left();
    let (limits, life) = (&me.usage.limits, me.usage.limits.life_days);
    ComposePage {
        page: Top::member(&member.browser, me, "drafts"),
        draft: draft.as_ref().map(|d| d.id.to_string()).unwrap_or_default(),
        revision: beside.or(draft.as_ref().map(|d| d.revision)).map(|n| n.to_string()).unwrap_or_default(),
        beside: beside.is_some(),
        saved: draft.as_ref().map(|d| When::near(d.updated_at, now)),
        shown: draft.iter().flat_map(|d| &d.files).map(|file| file.id.to_string()).collect::<Vec<_>>().join(" "),
        files: draft.map(|d| d.files.iter().map(file_line).collect()).unwrap_or_default(),
        left: left.map(|n| n.to_string()).unwrap_or_default(),
        sends: sends(&text.to, left),
        to_note: match limits.recipients {
            Some(1) => "One address on your plan.".to_owned(),
            Some(n) if n < MAX_RECIPIENTS as i64 => format!("Up to {n} addresses on your plan, with commas or line breaks between them."),
            _ => format!("Up to {MAX_RECIPIENTS} addresses, with commas or line breaks between them."),
        },
        file_note: me
            .usage
            .limits
            .message_bytes
            .map_or("Files of any size.".to_owned(), |n| format!("Up to {} together.", human::size(n.unsigned_abs()))),
        life_note: life.map_or("Empty: 30 days.".to_owned(), |n| {
            format!("Up to {} on your plan; empty: {}.", human::count(n, "day", "days"), n.min(30))
        }),
        proof: match text.proof.as_str() {
            "r0" => "r0",
            "r2" => "r2",
            "r4" => "r4",
            _ => "r1",
        },
        certificates,
        folds: folds::of(&text, &problems),
        once,
        text,
        problems,
    }
}

/// "2 sends · 8 left after it", as the page's script counts them while somebody types.
fn sends(to: &str, left: Option<i64>) -> String {
    let n = super::addresses::addresses(to).len() as i64;
    let words = human::count(n, "send", "sends");
    match left {
        None if n == 0 => String::new(),
        Some(left) if n == 0 => format!("{} left", human::count(left, "send", "sends")),
        None => words,
        Some(0) => format!("{words} · none left"),
        Some(left) if n > left => format!("{words} · only {} left", human::number(left)),
        Some(left) => format!("{words} · {} left after it", human::number(left - n)),
    }
}

fn file_line(file: &AttachmentView) -> FileLine {
    let declared = file.declared.unwrap_or(file.received);
    let amount =
        if file.complete() { human::size(file.received) } else { format!("{} of {}", human::size(file.received), human::size(declared)) };
    FileLine {
        id: file.id.to_string(),
        name: file.name.clone(),
        received: file.received,
        declared: declared.max(1),
        complete: file.complete(),
        amount,
    }
}

impl From<DraftView> for Kept {
    fn from(draft: DraftView) -> Kept {
        Kept { id: draft.id, revision: draft.revision, updated_at: draft.updated_at, files: draft.attachments }
    }
}

impl ComposePage {
    /// Where a button of the form goes: to the draft, or to the address that begins one.
    fn to(&self, verb: &str) -> String {
        match (self.draft.is_empty(), verb) {
            (true, "") => "/drafts".to_owned(),
            (true, verb) => format!("/drafts?then={verb}"),
            (false, "") => format!("/drafts/{}", self.draft),
            (false, verb) => format!("/drafts/{}/{verb}", self.draft),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_are_counted_against_what_is_left() {
        assert_eq!(sends("a@b.example, c@d.example", Some(10)), "2 sends · 8 left after it");
        assert_eq!(sends("a@b.example c@d.example", Some(1)), "2 sends · only 1 left");
        assert_eq!(sends("a@b.example", Some(0)), "1 send · none left");
        assert_eq!(sends("a@b.example", None), "1 send");
        assert_eq!((sends("", Some(1496)), sends("", None)), ("1,496 sends left".to_owned(), String::new()));
    }
}
