//! The operations, read off the document: which methods an address takes, and which parameters.

use crate::{PREFIX, document::Spec, parameter::Parameter, problem::Problem};
use poem::{
    Request,
    http::{HeaderValue, Method, Uri},
};
use serde_json::Value;

/// One operation.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// With the prefix and `{names}`.
    pub(crate) path: String,
    segments: Vec<Segment>,
    parameters: Vec<Parameter>,
}

enum Segment {
    Fixed(String),
    Any,
}

pub(crate) struct RouteTable(Vec<Route>);

impl RouteTable {
    pub(crate) fn read(spec: &Spec) -> RouteTable {
        let mut routes = Vec::new();
        for (path, operations) in spec.paths() {
            for (method, operation) in operations {
                routes.push(Route::read(path, method, operation));
            }
        }
        RouteTable(routes)
    }
    pub(crate) fn into_routes(self) -> Vec<Route> {
        self.0
    }
    /// Refuses a parameter that the operation does not know, or one that is there twice: most likely a typing mistake.
    pub(crate) fn check_query(&self, request: &Request) -> Result<(), Problem> {
        if request.uri().query().is_none_or(str::is_empty) {
            return Ok(());
        }
        let Some(route) = self.find(request.method(), request.uri().path()) else { return Ok(()) };
        // Read as poem-openapi reads it, so that nothing is checked here and taken otherwise there.
        let given: Vec<(String, String)> = request.params().unwrap_or_default();
        let mut seen: Vec<String> = Vec::new();
        for (name, _) in given {
            if !route.query().any(|known| known == name) {
                let shown = kernel::shown(&name, 100);
                return Err(Problem::parameter(&shown, format!("There is no parameter “{shown}” here. Known are: {}.", route.known())));
            }
            if seen.contains(&name) {
                return Err(Problem::parameter(&name, format!("The parameter “{name}” is there twice.")));
            }
            seen.push(name);
        }
        Ok(())
    }
    /// What is wrong with the parameter that an operation did not take.
    pub(crate) fn wrong_parameter(&self, method: &Method, uri: &Uri, name: &str) -> Problem {
        let found = self.find(method, uri.path()).and_then(|route| route.parameters.iter().find(|p| p.name == name));
        let given = uri.query().is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some(name)));
        let sentence = match found {
            Some(parameter) if parameter.in_query && !given => parameter.missing(),
            Some(parameter) => parameter.wrong(),
            None => format!("The parameter “{name}” is not right."),
        };
        Problem::parameter(name, sentence)
    }
    fn find(&self, method: &Method, path: &str) -> Option<&Route> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.0.iter().find(|route| route.method == method && route.matches(path))
    }
    /// The value of `Allow` (RFC 9110 §10.2.1) for the address.
    pub(crate) fn allow(&self, path: &str) -> Option<HeaderValue> {
        let mut methods: Vec<&str> = self.0.iter().filter(|r| r.matches(path)).map(|r| r.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        HeaderValue::from_str(&methods.join(", ")).ok()
    }
}

impl Route {
    fn read(path: &str, method: &str, operation: &Value) -> Route {
        let own = path.strip_prefix(PREFIX).unwrap_or(path);
        let segment = |s: &str| if s.starts_with('{') { Segment::Any } else { Segment::Fixed(s.to_owned()) };
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        Route {
            method: Method::from_bytes(method.to_uppercase().as_bytes()).expect("the document's methods are HTTP's"),
            path: path.to_owned(),
            segments: own.split('/').skip(1).map(segment).collect(),
            parameters: parameters.iter().map(Parameter::read).collect(),
        }
    }
    fn query(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().filter(|parameter| parameter.in_query).map(|parameter| parameter.name.as_str())
    }
    /// `path` without the prefix.
    fn matches(&self, path: &str) -> bool {
        let mut given = path.split('/').skip(1);
        let fits = self.segments.iter().all(|segment| match (segment, given.next()) {
            (Segment::Fixed(fixed), Some(text)) => fixed == text,
            (Segment::Any, Some(text)) => !text.is_empty(),
            (_, None) => false,
        });
        fits && given.next().is_none()
    }
    fn known(&self) -> String {
        let names: Vec<&str> = self.query().collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> RouteTable {
        let mail = kernel::EmailAddress::parse("post@mail.example").unwrap();
        RouteTable::read(&Spec::of(&kernel::Site::new("https://mail.example", mail)))
    }
    fn check(method: Method, uri: &'static str) -> Result<(), String> {
        let request = Request::builder().method(method).uri(uri.parse().unwrap()).finish();
        table().check_query(&request).map_err(|p| p.to_string())
    }

    #[test]
    fn unknown_and_repeated_parameters_are_named() {
        assert_eq!(check(Method::GET, "/messages?search=a&limit=3"), Ok(()));
        assert_eq!(check(Method::GET, "/messages?"), Ok(()));
        assert_eq!(check(Method::HEAD, "/messages?limit=3"), Ok(()));
        assert!(check(Method::GET, "/messages?serach=a").unwrap_err().contains("“serach”"));
        assert!(check(Method::GET, "/messages?limit=3&limit=4").unwrap_err().contains("twice"));
        assert!(check(Method::GET, "/account?x=1").unwrap_err().ends_with("Known are: none."));
        assert!(check(Method::POST, "/messages?limit=3").is_err());
    }

    #[test]
    fn allow_lists_what_an_address_takes() {
        assert_eq!(table().allow("/messages").unwrap(), "GET, POST, HEAD");
        assert_eq!(table().allow("/messages/msg_x/retraction").unwrap(), "POST");
        assert_eq!(table().allow("/nothing").unwrap(), "");
    }
}
