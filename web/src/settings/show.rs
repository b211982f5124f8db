//! The page itself, also when one of its forms needs another look.

use crate::{
    Web,
    guard::Member,
    human::{self, When},
    page::page_with,
    problems::Problems,
    stop::Answer,
    top::Top,
    user_agent,
};
use accounts::{KeyView, Me, NewKey, SessionView};
use askama::Template;
use kernel::Time;
use poem::{handler, http::StatusCode, web::Data};
use quota::Usage;

#[derive(Template)]
#[template(path = "settings/settings.html")]
struct Settings<'a> {
    page: Top,
    me: Me,
    typed: Typed<'a>,
    problems: Problems,
    sessions: Vec<SessionRow>,
    keys: Vec<KeyRow>,
    new_key: Option<NewKey>,
    /// Origin for the `curl` example.
    base: String,
    plan: Vec<Measure>,
    period_ends: When,
}

/// What comes back into the forms when one of them was refused.
#[derive(Clone, Copy, Default)]
pub struct Typed<'a> {
    pub name: Option<&'a str>,
    pub key_name: &'a str,
}

struct SessionRow {
    id: String,
    program: String,
    ip: String,
    since: When,
    seen: When,
    current: bool,
}

struct KeyRow {
    id: String,
    name: String,
    shown: String,
    made: When,
    used: Option<When>,
}

/// One line of the plan: what, how much of it, and how full.
struct Measure {
    what: &'static str,
    /// `None`: a limit of one message, nothing is counted.
    used: Option<i64>,
    /// `None` is unlimited.
    limit: Option<i64>,
    words: String,
}

#[handler]
pub async fn show(web: Data<&Web>, member: Member) -> Answer {
    again(&web, &member, StatusCode::OK, Problems::none(), Typed::default(), None).await
}

/// The page with what was wrong, or with a key just made.
pub async fn again(web: &Web, member: &Member, status: StatusCode, problems: Problems, typed: Typed<'_>, new_key: Option<NewKey>) -> Answer {
    let me = web.accounts.me(&member.caller).await?;
    let now = web.accounts.db.clock().now();
    let sessions = web.accounts.sessions(&member.caller).await?;
    let keys = web.accounts.keys(&member.caller).await?;
    let settings = Settings {
        page: Top::member(&member.browser, &me, "settings"),
        plan: plan(&me.usage),
        period_ends: When::near(me.usage.period_ends_at, now),
        typed,
        problems,
        sessions: sessions.iter().map(|s| session_row(s, now)).collect(),
        keys: keys.iter().map(|k| key_row(k, now)).collect(),
        new_key,
        base: web.accounts.site.base().to_owned(),
        me,
    };
    page_with(status, &member.browser, &settings)
}

fn session_row(session: &SessionView, now: Time) -> SessionRow {
    SessionRow {
        id: session.id.to_string(),
        program: user_agent::words(&session.user_agent),
        ip: session.ip.clone(),
        since: When::near(session.created_at, now),
        seen: When::near(session.seen_at, now),
        current: session.current,
    }
}

fn key_row(key: &KeyView, now: Time) -> KeyRow {
    KeyRow {
        id: key.id.to_string(),
        name: key.name.clone(),
        shown: key.shown.clone(),
        made: When::near(key.created_at, now),
        used: key.last_used_at.map(|at| When::near(at, now)),
    }
}

fn plan(usage: &Usage) -> Vec<Measure> {
    let limits = &usage.limits;
    let bytes = |n: i64| human::size(u64::try_from(n).unwrap_or(0));
    let said = |limit: Option<i64>, say: &dyn Fn(i64) -> String| limit.map_or("no limit".to_owned(), say);
    let of = |used: String, limit: String| if limit == "no limit" { format!("{used}, no limit") } else { format!("{used} of {limit}") };
    vec![
        Measure {
            what: "Sends this month",
            used: Some(usage.sends_used),
            limit: limits.sends,
            words: of(human::number(usage.sends_used), said(limits.sends, &human::number)),
        },
        Measure {
            what: "Content stored",
            used: Some(usage.stored_bytes),
            limit: limits.stored_bytes,
            words: of(bytes(usage.stored_bytes), said(limits.stored_bytes, &bytes)),
        },
        Measure { what: "Size of a message", used: None, limit: limits.message_bytes, words: said(limits.message_bytes, &bytes) },
        Measure { what: "Recipients of a message", used: None, limit: limits.recipients, words: said(limits.recipients, &human::number) },
        Measure {
            what: "Longest life of a message",
            used: None,
            limit: limits.life_days,
            words: said(limits.life_days, &|days| human::count(days, "day", "days")),
        },
        Measure { what: "API requests a minute", used: None, limit: limits.api_per_minute, words: said(limits.api_per_minute, &human::number) },
    ]
}
