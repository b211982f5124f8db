//! The settings page: the address that asks for certificates, one's own certificates, and the authorities that count.

use super::leading_to;
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
use askama::Template;
use client_certificates::{AuthorityView, CertificateView, IssueRefused, ListView, Rules, address_of};
use kernel::{ClientCaId, Time};
use poem::{
    Response, handler,
    http::{StatusCode, header},
    web::Data,
};
use store::Right;

pub const HERE: &str = "/settings/certificates";

#[derive(Template)]
#[template(path = "certificate/settings.html")]
struct SettingsPage {
    page: Top,
    problems: Problems,
    /// Where certificates are asked for; empty: this site has no TLS, or no name for it. Then what is there can be taken away and nothing
    /// else is offered, because nothing else could work.
    address: String,
    /// The site's own address, as in `https://mail.example`.
    base: String,
    authorities: Vec<AuthorityRow>,
    certificates: Vec<CertificateRow>,
    /// May change which authorities count.
    keeps: bool,
    /// Every authority was uploaded: none gives out certificates here.
    issues: bool,
    typed: Typed,
}

/// What comes back into a form.
#[derive(Default)]
pub struct Typed {
    /// Whose rules were to be changed; `None`: the form of a new authority.
    pub of: Option<ClientCaId>,
    pub chain: String,
    pub rules: TypedRules,
}

/// Rules as somebody typed them.
#[derive(Clone, Default)]
pub struct TypedRules {
    pub maps_by_address: bool,
    pub lists: String,
    pub hours: String,
}

struct AuthorityRow {
    view: AuthorityView,
    ends: When,
    over: bool,
    stands: TypedRules,
    /// Instead of what stands, where it could not be taken.
    typed: Option<TypedRules>,
    /// Each with its end.
    lists: Vec<(ListView, Option<When>)>,
}

struct CertificateRow {
    view: CertificateView,
    added: When,
    ends: When,
    used: Option<When>,
}

#[handler]
pub async fn show(web: Data<&Web>, member: Member) -> Answer {
    member.must_be_stepped_up(&web, HERE).await?;
    again(&web, &member, StatusCode::OK, Problems::none(), Typed::default()).await
}

/// The page with what was wrong.
pub async fn again(web: &Web, member: &Member, status: StatusCode, problems: Problems, typed: Typed) -> Answer {
    let now = web.accounts.db.clock().now();
    let authorities = web.certificates.authorities(&member.caller).await?;
    let certificates = web.certificates.certificates(&member.caller).await?;
    let address = asking_address(web, member).unwrap_or_default();
    let problems = match typed.of {
        Some(id) => problems.renamed(|field| format!("{field}-{id}")),
        None => problems,
    };
    let page = SettingsPage {
        page: member.top(web, "settings").await?,
        problems,
        address: address.clone(),
        base: web.accounts.site.base().to_owned(),
        issues: !authorities.is_empty() && authorities.iter().all(|authority| authority.own),
        authorities: authorities.into_iter().map(|view| authority_row(view, &typed, now)).collect(),
        certificates: certificates.into_iter().map(|view| certificate_row(view, now)).collect(),
        keeps: member.must(Right::SetCertificates).is_ok(),
        typed: if typed.of.is_none() { typed } else { Typed::default() },
    };
    Ok(leading_to(page_with(status, &member.browser, &page)?, &address))
}

/// Where this member's tenant asks for certificates, if this site can.
pub fn asking_address(web: &Web, member: &Member) -> Option<String> {
    address_of(&web.accounts.site, member.caller.tenant()).filter(|_| web.accounts.site.asks_for_certificates())
}

/// On to the asking host, with a ticket for this member.
#[handler]
pub async fn enrol(web: Data<&Web>, member: Member, _form: Form) -> Answer {
    member.must(Right::Enrol)?;
    member.must_be_stepped_up(&web, HERE).await?;
    let address = asking_address(&web, &member).ok_or(Stop::NotFound)?;
    match web.certificates.begin_enrolment(&member.caller).await {
        Ok(token) => Ok(see_other(&format!("{address}/?enrol={token}"))),
        Err(refused) => Err(refused.stop()),
    }
}

/// The file itself: it is made now and kept nowhere.
#[handler]
pub async fn issue(web: Data<&Web>, member: Member, form: Form) -> Answer {
    member.must(Right::Enrol)?;
    member.must_be_stepped_up(&web, HERE).await?;
    match web.certificates.issue(&member.caller, form.text("file_password")).await {
        Ok(issued) => Ok(Response::builder()
            .content_type("application/x-pkcs12")
            .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", issued.name))
            .body(issued.file)),
        Err(refused) => {
            let refused = refused.or_fault()?;
            let field = if matches!(refused, IssueRefused::Password) { "file_password" } else { "" };
            again(&web, &member, refused.status(), Problems::of(field, &refused), Typed::default()).await
        }
    }
}

#[handler]
pub async fn revoke(web: Data<&Web>, member: Member, form: Form) -> Answer {
    let id = form.text("certificate").parse().map_err(|_| Stop::NotFound)?;
    match web.certificates.revoke(&member.caller, id).await? {
        true => Ok(see_other_telling(
            HERE,
            "The certificate is revoked. It signs nobody in any more. Browsers that are signed in stay so: end their sessions in the settings.",
        )),
        false => Err(Stop::NotFound),
    }
}

impl AuthorityRow {
    /// What its form shows.
    fn rules(&self) -> &TypedRules {
        self.typed.as_ref().unwrap_or(&self.stands)
    }
    fn about<'p>(&self, problems: &'p Problems, field: &str) -> &'p str {
        problems.about(&self.id(field))
    }
    /// Of a field of its form.
    fn id(&self, field: &str) -> String {
        format!("{field}-{}", self.view.id)
    }
}

impl From<&Rules> for TypedRules {
    fn from(rules: &Rules) -> TypedRules {
        let (lists, hours) = (rules.lists.join("\n"), rules.crl_grace_hours.to_string());
        TypedRules { maps_by_address: rules.maps_by_address, lists, hours }
    }
}

fn authority_row(view: AuthorityView, typed: &Typed, now: Time) -> AuthorityRow {
    let lists = view.lists.iter().map(|list| (list.clone(), list.good_until.map(|at| When::near(at, now)))).collect();
    let typed = (typed.of == Some(view.id)).then(|| typed.rules.clone());
    let (ends, over, stands) = (When::near(view.not_after, now), view.not_after < now, TypedRules::from(&view.rules));
    AuthorityRow { ends, over, stands, typed, lists, view }
}

fn certificate_row(view: CertificateView, now: Time) -> CertificateRow {
    let (added, ends, used) =
        (When::near(view.added_at, now), When::near(view.not_after, now), view.last_used_at.map(|at| When::near(at, now)));
    CertificateRow { added, ends, used, view }
}
