//! Serving a file to a browser.

use crate::{Web, content, stop::Stop};
use download::Served;
use kernel::AttachmentId;
use messages::{FileRefused, Reader};
use poem::{
    Body, Request, Response,
    http::{HeaderMap, StatusCode, header},
};
use store::Caller;

pub use download::encoded;

/// The file or the part that was asked for, if it is `reader`'s, whom `cookie` named; or the way to it on the content host.
pub async fn serve(web: &Web, who: &Caller, reader: Reader<'_>, id: AttachmentId, req: &Request, cookie: &str) -> Result<Response, Stop> {
    let served = download::serve(&web.post, who, reader, id, req.headers()).await?;
    if let Some(elsewhere) = content::elsewhere(web, req, cookie) {
        return Ok(elsewhere);
    }
    Ok(match served {
        Served::File(answer) => {
            let (parts, bytes) = answer.into_parts();
            with_headers(parts.status, parts.headers, Body::from_bytes_stream(bytes))
        }
        Served::Known(answer) => {
            let (parts, ()) = answer.into_parts();
            with_headers(parts.status, parts.headers, Body::empty())
        }
        Served::Beyond(size) => {
            with_headers(StatusCode::RANGE_NOT_SATISFIABLE, HeaderMap::from_iter([(header::CONTENT_RANGE, size)]), Body::empty())
        }
    })
}

fn with_headers(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut answer = Response::builder().status(status).body(body);
    answer.headers_mut().extend(headers);
    answer
}

impl From<FileRefused> for Stop {
    fn from(refused: FileRefused) -> Stop {
        match refused {
            FileRefused::NotFound => Stop::NotFound,
            FileRefused::Sealed => Stop::refused(StatusCode::CONFLICT, refused),
            FileRefused::Gone => Stop::refused(StatusCode::GONE, refused),
            FileRefused::Fault(fault) => Stop::Fault(fault),
        }
    }
}
