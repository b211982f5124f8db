//! The drafts: what was begun and not sent.

use super::answer;
use crate::{Web, guard::Member, human, human::When, page, stop::Answer, top::Top};
use askama::Template;
use kernel::{MessageId, Time};
use messages::DraftRow;
use poem::{Request, handler, web::Data};

const ROWS: u64 = 50;
/// Characters of the addresses shown in a row.
const TO_SHOWN: usize = 60;

#[derive(Template)]
#[template(path = "sender/drafts.html")]
struct DraftsPage {
    page: Top,
    rows: Vec<Row>,
    older: String,
}

struct Row {
    id: MessageId,
    subject: String,
    to: String,
    about: String,
    changed: When,
}

#[handler]
pub async fn show(Data(web): Data<&Web>, member: Member, req: &Request) -> Answer {
    let after = answer::query(req, "after").parse::<MessageId>().ok().map(|id| id.0);
    let drafts = web.post.db.read(&member.caller, async |read| messages::drafts(read, after, ROWS).await).await?;
    let now = web.post.db.clock().now();
    let template = DraftsPage {
        page: member.top(web, "drafts").await?,
        older: drafts.next.map(|id| format!("/drafts?after={}", MessageId(id))).unwrap_or_default(),
        rows: drafts.rows.into_iter().map(|row| row_of(row, now)).collect(),
    };
    page::page(&member.browser, &template)
}

fn row_of(row: DraftRow, now: Time) -> Row {
    let or = |text: &str, blank: &str| if text.trim().is_empty() { blank.to_owned() } else { text.to_owned() };
    Row {
        id: row.id,
        subject: shortened(&or(&row.subject, "No subject yet")),
        to: shortened(&or(&row.to, "nobody yet")),
        about: if row.attachments == 0 { String::new() } else { human::count(row.attachments as i64, "file", "files") },
        changed: When::near(row.updated_at, now),
    }
}

/// A draft holds whatever was typed; a row holds a line.
fn shortened(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = line.char_indices().nth(TO_SHOWN) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_long_line_of_addresses_is_cut() {
        assert_eq!(super::shortened("a@b.example,\r\n c@d.example"), "a@b.example, c@d.example");
        assert_eq!(super::shortened(&"é".repeat(100)).chars().count(), 61);
    }
}
