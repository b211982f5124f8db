//! The REST door: resources under `/v1`, refusals as problem+json (RFC 9457), the OpenAPI document and a page to try it.
//!
//! What would surprise you: the caller is found, paced and the query string checked in front of every operation (`door`), so
//! an operation in `operations` never sees a stranger; and the document is poem-openapi's, made exact afterwards (`document`).

mod account;
mod answer;
mod attachments;
mod bearer;
mod document;
mod door;
mod ids;
mod json_shape;
mod json_text;
mod message;
mod operations;
mod pace;
mod problem;
mod problem_body;
mod problem_kind;
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
pub use try_it::try_it;

use kernel::Site;
use messages::Post;
use poem::Endpoint;

/// Where the API is mounted; the document's paths begin with it.
pub const PREFIX: &str = "/v1";

/// What the door works with. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub post: Post,
    pub site: Site,
}

/// Everything under [`PREFIX`], to be nested there. Answers every request itself, also unknown paths, as problem+json.
pub fn api(api: Api) -> impl Endpoint<Output = poem::Response> + 'static {
    door::Door::new(api)
}
