//! Who calls: `Authorization: Bearer csk_…` becomes a caller, by the SHA-256 of the key alone.

use crate::{problem::Problem, problem_kind::Kind};
use poem::{
    Addr, Request, RequestBody, Result,
    http::{HeaderValue, header},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};
use store::{Caller, Db, Origin};

/// Missing, malformed, unknown or revoked: one refusal. Who has a key of a suspended member or tenant is told so.
pub(crate) async fn caller(db: &Db, request: &Request) -> Result<Caller, Problem> {
    let given = request.headers().get(header::AUTHORIZATION);
    let token = given.and_then(|v| v.to_str().ok()).and_then(bearer_text).and_then(accounts::key_token);
    let Some(token) = token else { return Err(unauthorized(if given.is_some() { UNKNOWN } else { MISSING })) };
    match db.front_desk().api_key(&token, origin(request)).await? {
        Some(caller) => Ok(caller),
        None if Box::pin(db.front_desk().is_key_of_suspended(&token)).await? => Err(unauthorized(SUSPENDED)),
        None => Err(unauthorized(UNKNOWN)),
    }
}

/// The scheme's name is case-insensitive (RFC 9110 §11.1).
fn bearer_text(header: &str) -> Option<&str> {
    let (scheme, text) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

/// The challenge after a key that is none, or none any more.
pub(crate) const INVALID_TOKEN: &str = "Bearer realm=\"api\", error=\"invalid_token\"";

/// RFC 6750 §3: a challenge, with a reason only when something was presented; and the sentence.
type Why = (&'static str, &'static str);
const MISSING: Why = ("Bearer realm=\"api\"", "Send an API key: “Authorization: Bearer csk_…”. Keys are made on the settings page.");
const UNKNOWN: Why = (INVALID_TOKEN, "This API key is not known or was revoked. Make a new one on the settings page.");
const SUSPENDED: Why = (
    INVALID_TOKEN,
    "The account of this API key is suspended, and a new key would not help. Messages that it has sent can still be picked up. Ask whoever runs this site.",
);

fn unauthorized((challenge, sentence): Why) -> Problem {
    Problem::new(Kind::Unauthorized, sentence).header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

/// The socket's address, or what the listener put in its place; never a header of the request.
fn origin(request: &Request) -> Origin {
    if let Some(origin) = request.data::<Origin>() {
        return origin.clone();
    }
    let ip = match request.remote_addr().0 {
        Addr::SocketAddr(address) => Some(address.ip().to_canonical()),
        _ => None,
    };
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    Origin::new(ip, user_agent)
}

/// The caller that the door found. Every operation takes one.
pub(crate) struct Key(pub(crate) Caller);

impl<'a> ApiExtractor<'a> for Key {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            "ApiKey",
            MetaSecurityScheme {
                ty: "http",
                description: Some("A key from the settings page; it begins with `csk_`."),
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }
    fn security_schemes() -> Vec<&'static str> {
        vec!["ApiKey"]
    }
    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        let caller = request.data::<Caller>().cloned();
        caller.map(Key).ok_or_else(|| unauthorized(MISSING).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bearer_scheme_carries_a_key() {
        assert_eq!(bearer_text("Bearer csk_x"), Some("csk_x"));
        assert_eq!(bearer_text("bearer  csk_x"), Some("csk_x"));
        assert_eq!(bearer_text("Basic csk_x"), None);
        assert_eq!(bearer_text("csk_x"), None);
    }
}
