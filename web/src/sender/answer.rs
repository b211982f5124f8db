//! Small things that several of the sender's pages do: read an id, answer a script of ours.

use crate::{page, stop::Stop};
use kernel::MessageId;
use poem::{
    Request, Response,
    http::{StatusCode, header},
};
use serde_json::{Value, json};
use std::{fmt::Display, str::FromStr};

/// An id out of a path; what is none is not found, like one that is not there.
pub fn id<T: FromStr>(text: &str) -> Result<T, Stop> {
    text.parse().map_err(|_| Stop::NotFound)
}

/// To the page of the message, with a sentence of what came of a button on it.
pub fn back_to(id: MessageId, sentence: &str) -> Response {
    page::see_other_telling(&format!("/messages/{id}"), sentence)
}

/// Whether a script of ours asks: it wants JSON where a person gets a page.
pub fn wants_json(req: &Request) -> bool {
    req.header(header::ACCEPT).is_some_and(|accept| accept.contains("application/json"))
}

pub fn json_answer(status: StatusCode, value: &Value) -> Response {
    Response::builder().status(status).content_type("application/json").body(value.to_string())
}

/// A refusal for a script, which shows the sentence.
pub fn json_refusal(status: StatusCode, sentence: impl Display) -> Response {
    json_answer(status, &json!({ "error": sentence.to_string() }))
}

/// A named value of the query; empty if there is none. Read by hand because a strange query must not be an error page.
pub fn query(req: &Request, name: &str) -> String {
    let query = req.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}
