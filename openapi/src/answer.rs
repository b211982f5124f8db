//! A JSON answer, written straight from the struct: no tree of values in between.

use poem::{IntoResponse, Response};
use poem_openapi::{
    ApiResponse,
    payload::Payload,
    registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry},
    types::Type,
};
use serde::Serialize;

/// `200` with JSON, or the content of another answer.
pub(crate) struct Answer<T>(pub(crate) T);

impl<T: Type> Payload for Answer<T> {
    const CONTENT_TYPE: &'static str = "application/json";
    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }
    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Serialize + Send> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let json = serde_json::to_vec(&self.0).expect("our answers have string keys and no failing parts");
        Response::builder().content_type("application/json").body(json)
    }
}

impl<T: Type + Serialize> ApiResponse for Answer<T> {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: Self::CONTENT_TYPE, schema: Self::schema_ref() }];
        MetaResponses {
            responses: vec![MetaResponse { description: "Done.", status: Some(200), status_range: None, content, headers: vec![] }],
        }
    }
    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// `204`: done, and nothing to say.
#[derive(ApiResponse)]
pub(crate) enum NoContent {
    /// Done.
    #[oai(status = 204)]
    Done,
}
