//! The sent list: newest first, searched and filtered, fifty a page.

use super::{
    answer,
    states::{self, Said},
};
use crate::{Web, guard::Member, human, human::When, page, stop::Answer, top::Top};
use askama::Template;
use kernel::{MessageId, Time};
use messages::{RecipientState, SentQuery, SentRow};
use poem::{Request, handler, web::Data};

const ROWS: u64 = 50;
/// Characters of a search that count.
const SEARCH_CHARS: usize = 100;

#[derive(Template)]
#[template(path = "sender/sent.html")]
struct SentPage {
    page: Top,
    search: String,
    states: Vec<Choice>,
    filtered_by_state: bool,
    rows: Vec<Row>,
    /// Nothing was ever sent.
    blank: bool,
    /// Address of the first page, where this is not it.
    newer: String,
    older: String,
}

struct Choice {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

struct Row {
    id: MessageId,
    subject: String,
    about: String,
    first: String,
    more: String,
    state: Said,
    changed: When,
    sent: When,
    retractable: bool,
}

#[handler]
pub async fn show(Data(web): Data<&Web>, member: Member, req: &Request) -> Answer {
    let search: String = answer::query(req, "q").trim().chars().filter(|c| !c.is_control()).take(SEARCH_CHARS).collect();
    let state = RecipientState::parse(&answer::query(req, "state"));
    let after = answer::query(req, "after").parse::<MessageId>().ok().map(|id| id.0);
    let query = SentQuery { search: search.clone(), state, after, limit: ROWS };
    let found = web.post.db.read(&member.caller, async |read| messages::sent(read, &query).await).await?;
    let now = web.post.db.clock().now();
    let everything = search.is_empty() && state.is_none() && after.is_none();
    let template = SentPage {
        page: member.top(web, "sent").await?,
        states: RecipientState::ALL
            .into_iter()
            .map(|s| Choice { value: s.as_str(), label: states::word(s), chosen: state == Some(s) })
            .collect(),
        filtered_by_state: state.is_some(),
        blank: everything && found.rows.is_empty(),
        newer: if after.is_some() { address(&search, state, None) } else { String::new() },
        older: found.next.map(|id| address(&search, state, Some(MessageId(id)))).unwrap_or_default(),
        rows: found.rows.into_iter().map(|row| row_of(row, now)).collect(),
        search,
    };
    page::page(&member.browser, &template)
}

fn address(search: &str, state: Option<RecipientState>, after: Option<MessageId>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if !search.is_empty() {
        query.append_pair("q", search);
    }
    if let Some(state) = state {
        query.append_pair("state", state.as_str());
    }
    if let Some(after) = after {
        query.append_pair("after", &after.to_string());
    }
    match query.finish() {
        query if query.is_empty() => "/sent".to_owned(),
        query => format!("/sent?{query}"),
    }
}

fn row_of(row: SentRow, now: Time) -> Row {
    Row {
        about: about(&row),
        more: if row.recipients > 1 { format!("and {} more", human::number(row.recipients as i64 - 1)) } else { String::new() },
        state: states::of_message(&row.states, row.release_at, now),
        changed: When::near(row.changed_at, now),
        sent: When::near(row.created_at, now),
        retractable: row.retractable(),
        id: row.id,
        first: row.first_address,
        subject: row.subject,
    }
}

/// "2 files, 1.4 MiB · message password".
fn about(row: &SentRow) -> String {
    let mut said = Vec::new();
    if row.attachments > 0 {
        said.push(format!("{}, {}", human::count(row.attachments as i64, "file", "files"), human::size(row.attachment_bytes)));
    }
    if row.has_password {
        said.push("message password".to_owned());
    }
    said.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_address_carries_search_and_filter() {
        let after = "msg_00000000000000000000000001".parse().ok();
        assert_eq!(address("a&b", Some(RecipientState::Opened), after), "/sent?q=a%26b&state=opened&after=msg_00000000000000000000000001");
        assert_eq!(address("", None, None), "/sent");
    }
}
