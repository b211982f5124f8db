//! `GET /v1/attachments/{id}`, also below its message: the file for its sender, whole or from any byte on.

use crate::{Api, problem::Problem, problem_kind::Kind};
use download::Served;
use kernel::{AttachmentId, MessageId};
use messages::Reader;
use poem::{
    Body, IntoResponse, Request, Response,
    http::{HeaderValue, header},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
};
use store::Caller;

/// What every file is sent as: `media_type` in the attachment says what its sender called it.
const BYTES: &str = "application/octet-stream";

/// 200, 206 or 304.
pub(crate) struct FileAnswer(Response);

pub(crate) async fn read(
    api: &Api,
    caller: &Caller,
    message: Option<MessageId>,
    file: AttachmentId,
    request: &Request,
) -> Result<FileAnswer, Problem> {
    let (mut answer, headers) = match download::serve(&api.post, caller, Reader::Sender(message), file, request.headers()).await? {
        Served::File(file) => {
            let (parts, bytes) = file.into_parts();
            (Response::builder().status(parts.status).body(Body::from_bytes_stream(bytes)), parts.headers)
        }
        Served::Known(known) => {
            let (parts, ()) = known.into_parts();
            (Response::builder().status(parts.status).finish(), parts.headers)
        }
        Served::Beyond(size) => {
            let sentence = format!(
                "The file does not have these bytes: its size is {}.",
                size.to_str().unwrap_or_default().trim_start_matches("bytes */")
            );
            return Err(Problem::new(Kind::BeyondTheEnd, sentence).header(header::CONTENT_RANGE, size));
        }
    };
    answer.headers_mut().extend(headers);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(BYTES));
    Ok(FileAnswer(answer))
}

impl IntoResponse for FileAnswer {
    fn into_response(self) -> Response {
        self.0
    }
}

/// Written by hand because poem-openapi's derive gives every answer the same headers' types and no way to leave the content out.
impl ApiResponse for FileAnswer {
    fn meta() -> MetaResponses {
        let text = || MetaSchema::new("string");
        let etag = || about("ETag", text(), "The file's SHA-256, to be given back as `If-Range` or `If-None-Match`.");
        let name = || about("Content-Disposition", text(), "`attachment`, with the file's name (RFC 6266).");
        let length = || about("Content-Length", MetaSchema::new_with_format("integer", "uint64"), "Bytes that follow.");
        let range = about("Content-Range", text(), "Which bytes follow, and of how many: `bytes 900-999/1000`.");
        MetaResponses {
            responses: vec![
                answer(200, "The file.", true, vec![name(), length(), etag()]),
                answer(206, "The part that `Range` asks for.", true, vec![name(), length(), etag(), range]),
                answer(304, "You have it: `If-None-Match` names this file.", false, vec![etag()]),
            ],
        }
    }
    fn register(_: &mut Registry) {}
}

fn answer(status: u16, description: &'static str, content: bool, headers: Vec<MetaHeader>) -> MetaResponse {
    let schema = || MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
    let content = if content { vec![MetaMediaType { content_type: BYTES, schema: schema() }] } else { Vec::new() };
    MetaResponse { description, status: Some(status), status_range: None, content, headers }
}

fn about(name: &str, schema: MetaSchema, description: &str) -> MetaHeader {
    let schema = MetaSchemaRef::Inline(Box::new(schema));
    MetaHeader { name: name.to_owned(), description: Some(description.to_owned()), required: true, deprecated: false, schema }
}
