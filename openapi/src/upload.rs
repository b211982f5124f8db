//! `POST /v1/attachments` and `PUT /v1/attachments/{id}`: the raw bytes of a file, streamed in constant memory.
//!
//! What would surprise you: a refused first upload leaves nothing behind, but one whose connection broke keeps what arrived.

use crate::{Api, PREFIX, answer::Answer, attachments::Attachment, problem::Problem, problem_kind::Kind};
use kernel::{AttachmentId, FileName, MessageId};
use messages::{AttachRefused, AttachmentView, begin_attachment, receive, remove_attachment};
use poem::{Body, Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef},
};
use store::Caller;

/// What curl sends when it was not told otherwise; it says nothing about the file.
const UNTOLD: &str = "application/x-www-form-urlencoded";

/// A request body that is a file, of whatever content type.
pub(crate) struct RawBody {
    media_type: Option<String>,
    /// `Content-Length`; `None` when it comes in chunks.
    length: Option<u64>,
    body: Body,
}

impl<'a> ApiExtractor<'a> for RawBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn request_meta() -> Option<MetaRequest> {
        let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
        let content = vec![MetaMediaType { content_type: "application/octet-stream", schema }];
        Some(MetaRequest {
            description: Some("The file. Its real content type is kept, and guessed from the name where none is given."),
            content,
            required: false,
        })
    }
    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        let header = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
        let media_type = header("content-type").filter(|t| !t.starts_with(UNTOLD)).map(str::to_owned);
        let body = body.take().map_err(|_| Problem::new(Kind::UploadBroken, "The request has no body."))?;
        // Without that header and without chunks there is no body (RFC 9112 §6.3).
        let length = header("content-length").and_then(|v| v.parse().ok()).or(body.is_empty().then_some(0));
        Ok(RawBody { media_type, length, body })
    }
}

#[derive(ApiResponse)]
pub(crate) enum Began {
    /// What arrived is durable; `complete` says whether that is all of it.
    #[oai(status = 201)]
    Created(
        Answer<Attachment>,
        /// Where the rest goes, with `PUT`.
        #[oai(header = "Location")]
        String,
    ),
}

pub(crate) async fn begin(
    api: &Api,
    caller: &Caller,
    name: &str,
    message: Option<MessageId>,
    size: Option<u64>,
    raw: RawBody,
) -> Result<Began, Problem> {
    let name = FileName::parse(name).map_err(AttachRefused::from)?;
    let guessed = || mime_guess::from_path(name.as_str()).first_or_octet_stream().to_string();
    let media_type = raw.media_type.unwrap_or_else(guessed);
    let declared = size.or(raw.length);
    let begun = api.post.db.act(caller, async |tx| begin_attachment(tx, message, &name, &media_type, declared).await).await?;
    let announced_only = raw.length == Some(0) && size.is_some();
    let view = if announced_only { begun } else { first_bytes(api, caller, begun, raw.body).await? };
    let location = format!("{PREFIX}/attachments/{}", view.id);
    Ok(Began::Created(Answer(view.into()), location))
}

async fn first_bytes(api: &Api, caller: &Caller, begun: AttachmentView, body: Body) -> Result<AttachmentView, Problem> {
    match receive(&api.post, caller, begun.id, 0, Box::pin(body.into_bytes_stream())).await {
        Ok(view) => Ok(view),
        Err(AttachRefused::Broken) => Err(AttachRefused::Broken.into()),
        Err(refused) => {
            api.post.db.act(caller, async |tx| remove_attachment(tx, begun.message, begun.id).await).await?;
            Err(refused.into())
        }
    }
}

pub(crate) async fn go_on(api: &Api, caller: &Caller, id: AttachmentId, offset: u64, raw: RawBody) -> Result<Answer<Attachment>, Problem> {
    let view = receive(&api.post, caller, id, offset, Box::pin(raw.body.into_bytes_stream())).await?;
    Ok(Answer(view.into()))
}
