//! The REST door: resources under `/v1`, refusals as problem+json (RFC 9457), the OpenAPI document and a page to try it.
//!
//! What would surprise you: the caller is found, paced and the query string checked in front of every operation (`door`), so
//! an operation in `operations` never sees a stranger; and the document is poem-openapi's, made exact afterwards (`document`).

mod account;
mod answer;
mod attachments;
mod bearer;
mod certificates;
mod document;
mod domains;
mod door;
mod file;
mod ids;
mod json_shape;
mod json_text;
mod json_wrong;
mod message;
mod operations;
mod pace;
mod parameter;
mod problem;
mod problem_body;
mod problem_kind;
mod problem_pages;
mod refusals;
mod replies;
mod retract;
mod route_table;
mod send;
mod sent;
mod strict_json;
mod timeline;
mod try_it;
mod try_page;
mod unlock;
mod upload;
mod words;

pub use document::{ApiRoute, document, routes};
pub use problem_pages::{PROBLEMS, problem_pages};
pub use try_it::try_it;

use kernel::{Fault, Site};
use messages::Post;
use poem::{Endpoint, Response};
use problem::Problem;
use problem_kind::Kind;

/// Where the API is; the document's paths begin with it.
pub const PREFIX: &str = "/v1";

/// What the door works with. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub post: Post,
    pub domains: ::domains::Domains,
    pub certificates: client_certificates::ClientCertificates,
    pub site: Site,
}

/// Everything under [`PREFIX`], called with the whole path. Answers every request itself, also unknown paths, as problem+json.
pub fn api(api: Api) -> impl Endpoint<Output = Response> + 'static {
    door::Door::new(api)
}

/// For a request to the API that there is no room to work on now: nothing was done.
pub fn busy(site: &Site) -> Response {
    let sentence = "We are busy at this moment and nothing was done. Try again in a few seconds.";
    Problem::new(Kind::Unavailable, sentence).retry_after(1).into_response(site, None)
}

/// For one that broke before the API could answer. `reference`: where it was written down.
pub fn failed(site: &Site, reference: Option<String>) -> Response {
    Problem::from(Fault::other("it broke before the API could answer")).into_response(site, reference)
}
