//! The door: finds the caller, keeps the pace, checks the query, lets the operation answer, and writes every failure as a problem.

use crate::{
    Api, bearer, document::Spec, operations, pace::Pace, problem::Problem, problem_kind::Kind, refusals::capital, route_table::RouteTable,
};
use futures_util::FutureExt;
use kernel::Fault;
use poem::{
    Endpoint, Error, Request, Response, Result,
    endpoint::BoxEndpoint,
    error::{MethodNotAllowedError, NotFoundError, ParsePathError as UndecodablePath},
    http::{HeaderValue, Method, Uri, header},
};
use poem_openapi::error::{ParseParamError, ParsePathError};
use std::panic::AssertUnwindSafe;
use store::Caller;

pub(crate) struct Door {
    api: Api,
    pace: Pace,
    table: RouteTable,
    operations: BoxEndpoint<'static>,
}

impl Door {
    pub(crate) fn new(api: Api) -> Door {
        let table = RouteTable::read(&Spec::of(&api.site));
        Door { operations: operations::operations(api.clone()), pace: Pace::default(), table, api }
    }
    async fn serve(&self, mut request: Request) -> Result<Response, (Problem, Option<Caller>)> {
        let caller = bearer::caller(&self.api.post.db, &request).await.map_err(|p| (p, None))?;
        let failed = |problem| (problem, Some(caller.clone()));
        self.pace.check(&self.api.post.db, &caller).await.map_err(failed)?;
        check_headers(&request).and_then(|()| self.table.check_query(&request)).map_err(failed)?;
        request.set_data(caller.clone());
        let path = request.uri().path().to_owned();
        match AssertUnwindSafe(self.operations.call(request)).catch_unwind().await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(failed(self.explain(error, &path))),
            Err(_) => Err(failed(Fault::other("an operation panicked").into())),
        }
    }
    /// poem's and poem-openapi's own errors, and the problems that travelled in one.
    fn explain(&self, error: Error, path: &str) -> Problem {
        if error.is::<Problem>() {
            return error.downcast::<Problem>().unwrap_or_else(|_| Problem::not_found());
        }
        if error.is::<NotFoundError>() || error.is::<ParsePathError>() || error.is::<UndecodablePath>() {
            return Problem::not_found();
        }
        if error.is::<MethodNotAllowedError>() {
            let allow = self.table.allow(path).unwrap_or(HeaderValue::from_static(""));
            return Problem::new(Kind::MethodNotAllowed, "This address does not take that method; “Allow” lists those it takes.")
                .header(header::ALLOW, allow);
        }
        match error.downcast_ref::<ParseParamError>() {
            Some(bad) => Problem::parameter(bad.name, parameter_sentence(bad)),
            None => Fault::other(format!("an unforeseen error at the API's door: {error}")).into(),
        }
    }
    /// Writes the problem down; a fault is logged here, once, under the reference that the caller sees.
    fn write(&self, problem: Problem, caller: Option<&Caller>, method: &Method, uri: &Uri) -> Response {
        let reference = problem.fault().map(|fault| {
            let reference: String = self.api.post.db.chance().bytes::<5>().iter().map(|b| format!("{b:02X}")).collect();
            let tenant = caller.map(|c| c.tenant().to_string()).unwrap_or_default();
            tracing::error!(%reference, %tenant, %method, path = uri.path(), %fault, "the API could not answer");
            reference
        });
        problem.into_response(&self.api.site, reference)
    }
}

impl Endpoint for Door {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let (method, uri) = (request.method().clone(), request.original_uri().clone());
        let mut response = match self.serve(request).await {
            Ok(response) => response,
            Err((problem, caller)) => self.write(problem, caller.as_ref(), &method, &uri),
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(response)
    }
}

/// poem-openapi overlooks a header that is not plain text; a request that asked for idempotence must not lose it silently.
fn check_headers(request: &Request) -> Result<(), Problem> {
    let mut keys = request.headers().get_all("idempotency-key").iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) if key.to_str().is_err() => {
            Err(Problem::parameter("Idempotency-Key", "The idempotency key must be printable ASCII."))
        }
        (Some(_), Some(_)) => Err(Problem::parameter("Idempotency-Key", "The idempotency key is there twice.")),
        _ => Ok(()),
    }
}

fn parameter_sentence(bad: &ParseParamError) -> String {
    let reason = bad.reason.rsplit_once("\": ").map_or(bad.reason.as_str(), |(_, reason)| reason);
    let reason = reason.strip_prefix("verification failed. ").unwrap_or(reason).trim_end_matches('.');
    let name = bad.name;
    match reason {
        _ if reason.contains("expects an input value") => format!("The parameter “{name}” is missing."),
        bound if bound.starts_with("minLength(1") => format!("The parameter “{name}” is empty."),
        bound if bound.starts_with('m') && bound.contains('(') => {
            format!("The parameter “{name}” is out of its bounds: {}.", in_words(bound))
        }
        reason => format!("The parameter “{name}” is not right. {}.", capital(reason)),
    }
}

/// poem-openapi's `maximum(100, exclusive: false)` and `maxLength(200)`.
fn in_words(bound: &str) -> String {
    let (kind, rest) = bound.split_once('(').unwrap_or((bound, ""));
    let number = rest.split([',', ')']).next().unwrap_or_default();
    match kind {
        "maximum" => format!("at most {number}"),
        "minimum" => format!("at least {number}"),
        "maxLength" => format!("at most {number} characters"),
        "minLength" => format!("at least {number} characters"),
        _ => bound.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(reason: &str) -> String {
        parameter_sentence(&ParseParamError { name: "limit", reason: reason.to_owned() })
    }

    #[test]
    fn the_librarys_reasons_become_sentences() {
        assert_eq!(
            sentence("verification failed. maximum(100, exclusive: false)"),
            "The parameter “limit” is out of its bounds: at most 100."
        );
        assert_eq!(sentence("verification failed. maxLength(200)"), "The parameter “limit” is out of its bounds: at most 200 characters.");
        assert_eq!(sentence("verification failed. minLength(1)"), "The parameter “limit” is empty.");
        assert_eq!(
            sentence("failed to parse \"integer_uint64\": invalid digit found in string"),
            "The parameter “limit” is not right. Invalid digit found in string."
        );
        assert_eq!(sentence("Type \"string\" expects an input value."), "The parameter “limit” is missing.");
    }
}
