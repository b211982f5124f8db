//! The tenant's own domains: the list with a form, and a page for each with its steps.

use crate::{
    Web,
    form::Form,
    guard::Member,
    human::When,
    page::{page_with, see_other, see_other_telling},
    problems::Problems,
    refusals::Refusal,
    stop::{Answer, Stop},
    top::Top,
};
use ::domains::{DomainRefused, DomainView, Record, Step};
use askama::Template;
use kernel::{DomainId, Time};
use poem::{
    handler,
    http::StatusCode,
    web::{Data, Path},
};
use store::Right;

#[derive(Template)]
#[template(path = "settings/domains.html")]
struct ListPage<'a> {
    page: Top,
    problems: Problems,
    typed: &'a str,
    domains: Vec<Row>,
    keeps: bool,
    /// "2 of 10", where the plan counts them.
    used: Option<String>,
    /// Why none can be added, in place of the form.
    shut: Option<String>,
    /// There are more than the plan has.
    above: bool,
    /// The site gets certificates by itself.
    orders: bool,
}

struct Row {
    id: DomainId,
    shown: String,
    class: &'static str,
    words: &'static str,
}

#[derive(Template)]
#[template(path = "settings/domain.html")]
struct DomainPage {
    page: Top,
    id: DomainId,
    /// In the letters of its own script, and as DNS has it.
    shown: String,
    name: String,
    class: &'static str,
    words: &'static str,
    /// Where people use it, once it is live.
    there: String,
    /// Somebody asked for a look that is not over.
    looking: bool,
    /// Seconds until the page asks what is new.
    poll: u32,
    /// Changes when anything on the page does.
    version: String,
    keeps: bool,
    view: DomainView,
    /// What lets it lead to us; empty: our addresses are not known yet.
    leading: Vec<Record>,
    /// What lets our CA certify it.
    allowing: Record,
    proven: bool,
    /// The DNS panel made the alias longer than it was typed.
    appended: bool,
    looked: Option<When>,
    at: Option<When>,
    /// Why no domain goes live at this site.
    shut: Option<String>,
}

#[handler]
pub async fn list(web: Data<&Web>, member: Member) -> Answer {
    listed(&web, &member, StatusCode::OK, Problems::none(), "").await
}

#[handler]
pub async fn add(web: Data<&Web>, member: Member, form: Form) -> Answer {
    member.must(Right::KeepDomains)?;
    member.must_be_stepped_up(&web, "/settings/domains").await?;
    let typed = form.text("name");
    match web.domains.add(&member.caller, typed).await {
        Ok(view) => Ok(see_other_telling(&path(view.id), "The domain is added. Make the record below next.")),
        Err(refused) => {
            let refused = refused.or_fault()?;
            let field = if refused.is_of_the_name() { "name" } else { "" };
            listed(&web, &member, refused.status(), Problems::of(field, &refused), typed).await
        }
    }
}

#[handler]
pub async fn show(Data(web): Data<&Web>, member: Member, Path(id): Path<String>) -> Answer {
    let id: DomainId = id.parse().map_err(|_| Stop::NotFound)?;
    let view = web.domains.get(&member.caller, id).await?.ok_or(Stop::NotFound)?;
    let now = web.accounts.db.clock().now();
    let keeps = member.caller.must(Right::KeepDomains).is_ok();
    let (class, words) = state(&view.step);
    let looking = web.domains.is_looking(&member.caller, id).await?;
    let shown = DomainPage {
        page: member.top(web, "settings").await?,
        id,
        shown: view.shown.clone(),
        name: view.name.to_string(),
        class,
        words,
        version: format!("{}-{}-{looking}", view.step.as_str(), view.looked_at.map_or(0, |at| at.0)),
        there: web.domains.site.at(&view.name).link("/sent"),
        looking,
        poll: poll(&view.step, looking),
        keeps,
        leading: web.domains.leading(&view.name, &view.seen),
        allowing: web.domains.allowing(&view),
        proven: !matches!(view.step, Step::Prove | Step::Taken | Step::Losing { .. } | Step::Lost { .. }),
        appended: web.domains.was_appended(&view),
        looked: view.looked_at.map(|at| When::near(at, now)),
        at: moment(&view.step).map(|at| When::near(at, now)),
        shut: shut(web),
        view,
    };
    page_with(StatusCode::OK, &member.browser, &shown)
}

#[handler]
pub async fn look(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, _form: Form) -> Answer {
    let id: DomainId = id.parse().map_err(|_| Stop::NotFound)?;
    match web.domains.look_again(&member.caller, id).await.map_err(Refusal::stop)? {
        true => Ok(see_other(&path(id))),
        false => Err(Stop::NotFound),
    }
}

#[handler]
pub async fn remove(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, _form: Form) -> Answer {
    let id: DomainId = id.parse().map_err(|_| Stop::NotFound)?;
    member.must(Right::KeepDomains)?;
    if web.domains.get(&member.caller, id).await?.is_none() {
        return Err(Stop::NotFound);
    }
    member.must_be_stepped_up(web, &path(id)).await?;
    match web.domains.remove(&member.caller, id).await.map_err(Refusal::stop)? {
        true => Ok(see_other_telling("/settings/domains", REMOVED)),
        false => Err(Stop::NotFound),
    }
}

async fn listed(web: &Web, member: &Member, status: StatusCode, problems: Problems, typed: &str) -> Answer {
    let (views, me) = (web.domains.list(&member.caller).await?, web.accounts.me(&member.caller).await?);
    let (used, limits) = (i64::try_from(views.len()).unwrap_or(i64::MAX), &me.usage.limits);
    let row = |view: DomainView| {
        let (class, words) = state(&view.step);
        Row { id: view.id, shown: view.shown, class, words }
    };
    let shown = ListPage {
        page: Top::member(&member.browser, &me, "settings"),
        problems,
        typed,
        domains: views.into_iter().map(row).collect(),
        keeps: me.role.may(Right::KeepDomains),
        used: limits.own_domains.filter(|limit| *limit > 0).map(|limit| format!("{used} of {limit}")),
        above: limits.own_domains.is_some_and(|limit| used > limit),
        shut: shut(web).or_else(|| quota::check_domains(limits, used).err().map(|refused| refused.to_string())),
        orders: web.domains.orders,
    };
    page_with(status, &member.browser, &shown)
}

fn path(id: DomainId) -> String {
    format!("/settings/domains/{id}")
}

/// A link in a mail names the host of its day, and nothing changes it.
const REMOVED: &str = "The domain is removed. New links lead to our own address from now on. Links already mailed with the name lead nowhere; \
    a reminder that is still to come carries a new link.";

/// Why the site has nobody's domains.
fn shut(web: &Web) -> Option<String> {
    (!web.domains.orders).then(|| DomainRefused::NoCertificates.to_string())
}

/// Somebody looks on while a look or an order is under way.
fn poll(step: &Step, looking: bool) -> u32 {
    match step {
        _ if looking => 2,
        Step::Ordered => 5,
        _ => 15,
    }
}

/// Class of the badge, and its words.
fn state(step: &Step) -> (&'static str, &'static str) {
    match step {
        Step::Prove => ("waiting", "not yet proven"),
        Step::Taken => ("failed", "someone else has it"),
        Step::Point => ("waiting", "does not lead here yet"),
        Step::Elsewhere { .. } => ("failed", "leads elsewhere"),
        Step::Excluded => ("failed", "CAA excludes our CA"),
        Step::Ordered => ("waiting", "certificate on its way"),
        Step::OrderFailed { .. } => ("failed", "no certificate yet"),
        Step::Live { .. } => ("opened", "live"),
        Step::Losing { .. } => ("failed", "proof is missing"),
        Step::Lost { .. } => ("failed", "off: proof is missing"),
    }
}

/// The time that the step speaks of.
fn moment(step: &Step) -> Option<Time> {
    match step {
        Step::Elsewhere { since: at }
        | Step::OrderFailed { next_at: at, .. }
        | Step::Live { until: at }
        | Step::Losing { off_at: at }
        | Step::Lost { free_at: at } => Some(*at),
        _ => None,
    }
}
