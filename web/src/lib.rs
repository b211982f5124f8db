//! The pages: what people see in a browser. Handlers translate and the rooms decide.
//!
//! What would surprise you: nothing here changes state on `GET`, every page works without JavaScript, and each endpoint carries
//! its own frame (error pages, security headers), so that a page is complete wherever the routes are mounted.

mod assets;
mod astray;
mod browser;
mod certificate;
mod content;
mod cookie;
mod csrf;
mod download;
mod error_page;
mod fault;
mod forgot;
mod form;
mod frame;
mod guard;
mod human;
mod kept;
mod landing;
mod multipart;
mod next;
mod origin;
mod origins;
mod page;
mod pickup;
mod problems;
mod prove;
mod refusals;
mod reset;
mod routes;
mod sender;
mod settings;
mod sign_in;
mod sign_out;
mod sign_up;
mod step_up;
mod stop;
mod tenant_host;
#[cfg(test)]
mod tests;
mod top;
mod user_agent;

pub use astray::Astray;
pub use certificate::{CERTIFICATE_ROUTES, certificate_pages};
pub use content::{content, is_for_content};
pub use error_page::error_page;
pub use frame::security_headers;
pub use kept::Places;
pub use origins::Origins;
pub use routes::{PageRoute, ROUTES, Who};
pub use tenant_host::TenantHost;

use poem::Route;

/// What the pages work with. Cheap to clone.
#[derive(Clone)]
pub struct Web {
    pub post: messages::Post,
    pub accounts: accounts::Accounts,
    pub domains: domains::Domains,
    pub certificates: client_certificates::ClientCertificates,
    /// Whether strangers may sign up; where not, no page leads there.
    pub sign_up_open: bool,
    /// From whose pages forms are taken.
    pub origins: Origins,
    /// For long forms that have to be given back.
    pub places: Places,
}

/// Every page route, each in its frame. `ROUTES` is the same list as data.
pub fn pages(web: Web) -> Route {
    routes::all(Route::new(), &web)
}
