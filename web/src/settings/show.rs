//! The page itself, also when one of its forms needs another look.

use crate::{
    Web,
    certificate::asking_address,
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
use store::Right;

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
    makes_keys: bool,
    /// Empty while the organisation is called as its owner is; `None` where the role may not name it.
    organisation: Option<String>,
    /// Origin for the `curl` example.
    base: String,
    /// The member's address as it stands between the `'` of a shell.
    in_quotes: String,
    plan: Vec<Measure>,
    period_ends: When,
    /// Certificates can be asked for at this site.
    certificates: bool,
}

/// What comes back into the forms when one of them was refused.
#[derive(Clone, Copy, Default)]
pub struct Typed<'a> {
    pub name: Option<&'a str>,
    pub organisation: Option<&'a str>,
    pub key_name: &'a str,
}

struct SessionRow {
    id: String,
    program: String,
    /// The host that it is good at.
    host: String,
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

/// One line of the plan: what, how much of it, and how full where something is counted.
struct Measure {
    what: &'static str,
    words: String,
    /// Used and limit.
    full: Option<(i64, i64)>,
}

#[handler]
pub async fn show(web: Data<&Web>, member: Member) -> Answer {
    again(&web, &member, StatusCode::OK, Problems::none(), Typed::default(), None).await
}

/// The page with what was wrong, or with a key just made.
pub async fn again(
    web: &Web,
    member: &Member,
    status: StatusCode,
    problems: Problems,
    typed: Typed<'_>,
    new_key: Option<NewKey>,
) -> Answer {
    let me = web.accounts.me(&member.caller).await?;
    let now = web.accounts.db.clock().now();
    let sessions = web.accounts.sessions(&member.caller).await?;
    let keys = web.accounts.keys(&member.caller).await?;
    let settings = Settings {
        page: Top::member(&member.browser, &me, "settings"),
        plan: plan(&me.usage, i64::try_from(web.domains.list(&member.caller).await?.len()).unwrap_or(i64::MAX)),
        certificates: asking_address(web, member).is_some(),
        period_ends: When::near(me.usage.period_ends_at, now),
        typed,
        problems,
        sessions: sessions.iter().map(|s| session_row(s, web.accounts.site.host(), now)).collect(),
        keys: keys.iter().map(|k| key_row(k, now)).collect(),
        new_key,
        makes_keys: me.role.may(Right::MakeKey),
        organisation: me.role.may(Right::NameTenant).then(|| own_name(&me)),
        base: web.accounts.site.base().to_owned(),
        in_quotes: me.email.replace('\'', r"'\''"),
        me,
    };
    page_with(status, &member.browser, &settings)
}

fn own_name(me: &Me) -> String {
    if me.tenant_name == me.name { String::new() } else { me.tenant_name.clone() }
}

fn session_row(session: &SessionView, account_host: &str, now: Time) -> SessionRow {
    SessionRow {
        id: session.id.to_string(),
        program: user_agent::words(&session.user_agent),
        host: session.host.clone().unwrap_or_else(|| account_host.to_owned()),
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

fn plan(usage: &Usage, domains: i64) -> Vec<Measure> {
    let limits = &usage.limits;
    let bytes = |n: i64| human::size(u64::try_from(n).unwrap_or(0));
    let days = |n: i64| human::count(n, "day", "days");
    vec![
        counted("Sends this month", usage.sends_used, limits.sends, &human::number),
        counted("Content stored", usage.stored_bytes, limits.stored_bytes, &bytes),
        alone("Size of a message", limits.message_bytes, &bytes),
        alone("Recipients of a message", limits.recipients, &human::number),
        alone("Longest life of a message", limits.life_days, &days),
        alone("API requests a minute", limits.api_per_minute, &human::number),
        counted("Domains of your own", domains, limits.own_domains, &human::number),
    ]
}

fn counted(what: &'static str, used: i64, limit: Option<i64>, say: &dyn Fn(i64) -> String) -> Measure {
    let words = match limit {
        Some(limit) => format!("{} of {}", say(used), say(limit)),
        None => format!("{}, no limit", say(used)),
    };
    Measure { what, words, full: limit.filter(|limit| *limit > 0).map(|limit| (used, limit)) }
}

/// A limit of each message by itself.
fn alone(what: &'static str, limit: Option<i64>, say: &dyn Fn(i64) -> String) -> Measure {
    Measure { what, words: limit.map_or("no limit".to_owned(), say), full: None }
}
