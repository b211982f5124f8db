//! The door: finds the caller, keeps the pace, checks the query, lets the operation answer, and writes every failure as a problem.

use crate::{Api, PREFIX, bearer, document::Spec, operations, pace::Pace, problem::Problem, problem_kind::Kind, route_table::RouteTable};
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
        let (method, uri) = (request.method().clone(), request.uri().clone());
        match AssertUnwindSafe(self.operations.call(request)).catch_unwind().await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(failed(self.explain(error, &method, &uri))),
            Err(_) => Err(failed(Fault::other("an operation panicked").into())),
        }
    }
    /// poem's and poem-openapi's own errors, and the problems that travelled in one.
    fn explain(&self, error: Error, method: &Method, uri: &Uri) -> Problem {
        if error.is::<Problem>() {
            return error.downcast::<Problem>().unwrap_or_else(|_| Problem::not_found());
        }
        if error.is::<NotFoundError>() || error.is::<ParsePathError>() || error.is::<UndecodablePath>() {
            return Problem::not_found();
        }
        if error.is::<MethodNotAllowedError>() {
            let allow = self.table.allow(uri.path()).unwrap_or(HeaderValue::from_static(""));
            return Problem::new(Kind::MethodNotAllowed, "This address does not take that method; “Allow” lists those it takes.")
                .header(header::ALLOW, allow);
        }
        match error.downcast_ref::<ParseParamError>() {
            Some(bad) => self.table.wrong_parameter(method, uri, bad.name),
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

    async fn call(&self, mut request: Request) -> Result<Response> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        if let Some(own) = behind_prefix(&uri) {
            *request.uri_mut() = own;
        }
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

/// What the operations are called by: the address behind [`PREFIX`]. Done here and not by poem's `nest`, which answers 400 of its own to
/// a path that is not UTF-8.
fn behind_prefix(uri: &Uri) -> Option<Uri> {
    let own = uri.path_and_query()?.as_str().strip_prefix(PREFIX)?;
    let own = if own.starts_with('/') { own.to_owned() } else { format!("/{own}") };
    own.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_taken_off_whatever_follows() {
        let own = |uri: &str| behind_prefix(&uri.parse().unwrap()).map(|uri| uri.to_string());
        for (given, left) in [("/v1", "/"), ("/v1/", "/"), ("/v1?a=b", "/?a=b"), ("/v1/messages/%ff?x=1", "/messages/%ff?x=1")] {
            assert_eq!(own(given).as_deref(), Some(left), "{given}");
        }
        assert_eq!(own("/sent"), None);
    }
}
