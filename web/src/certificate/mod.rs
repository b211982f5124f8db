//! Certificates: the host that asks for one, to sign in or to open a message; the page at the account host that its ticket leads to; and
//! the settings.
//!
//! What would surprise you: the asking host knows no session and sets none. All it gives is a ticket, which the account host takes, or a
//! word of what was shown, which counts for one recipient's visit.

mod arrive;
mod errand;
mod host;
mod recipient;
mod set;
mod settings;

use crate::{Web, assets, stop::Stop};
use poem::{FromRequest, Request, RequestBody, Response, Result, Route, http::header};

crate::routes::page_routes! {
    "/sign-in/certificate" Anyone { get arrive::show, post arrive::submit }
    "/settings/certificates" Member { get settings::show }
    "/settings/certificates/authorities" Member { post set::add }
    "/settings/certificates/authorities/rules" Member { post set::rules }
    "/settings/certificates/authorities/remove" Member { post set::remove }
    "/settings/certificates/own" Member { post set::found_own }
    "/settings/certificates/enrol" Member { post settings::enrol }
    "/settings/certificates/issue" Member { post settings::issue }
    "/settings/certificates/revoke" Member { post settings::revoke }
}

/// What a host that asks for certificates answers.
mod asking {
    use super::{assets, host, recipient};
    crate::routes::page_routes! {
        "/" Holder { get host::show, post host::submit }
        "/pickup" Holder { get recipient::show, post recipient::submit }
        "/assets/:hash/:name" Holder { get assets::serve }
        "/favicon.ico" Holder { get assets::favicon }
    }
}

/// The same as data.
pub use asking::ROUTES as CERTIFICATE_ROUTES;
pub(crate) use errand::{CameBack, Errand, came_back};
pub(crate) use settings::asking_address;

/// Every page of a host that asks for certificates; each request carries [`client_certificates::Presented`].
pub fn certificate_pages(web: &Web) -> Route {
    asking::routes(Route::new(), web)
}

/// What the connection showed; nowhere but at such a host.
pub struct Shown(pub client_certificates::Presented);

impl<'a> FromRequest<'a> for Shown {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> Result<Self> {
        req.data::<client_certificates::Presented>().cloned().map(Shown).ok_or(Stop::NotFound.into())
    }
}

/// Lets the page's forms lead on to one more origin of ours: browsers ask the page's policy about redirects after a form.
pub(crate) fn leading_to(mut answer: Response, origin: &str) -> Response {
    if let Ok(policy) = crate::frame::policy_with(origin).try_into() {
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}
