//! A file of the compose form, streamed straight into the draft.

use super::typed::Posted;
use crate::{Web, guard::Member, refusals::Refusal, stop::Stop};
use futures_util::StreamExt;
use kernel::{AttachmentId, FileName, MessageId};
use messages::{AttachRefused, DraftRefused};
use poem::web::Field;
use tokio_util::io::ReaderStream;

/// Bytes handed on at once.
const READ_BYTES: usize = 64 * 1024;

/// One file of the form. What is wrong with it becomes a sentence beside the files; the rest of the form goes on.
pub async fn take(web: &Web, member: &Member, posted: &mut Posted, name: &str, part: Field) -> Result<(), Stop> {
    let name = match FileName::parse(name) {
        Ok(name) => name,
        Err(bad) => {
            posted.typed.problems.add("attachments", format_args!("“{}” was not taken: {bad}.", kernel::shown(name, 60)));
            return Ok(());
        }
    };
    let draft = match draft_for_files(web, member, posted).await.map_err(Refusal::or_fault) {
        Ok(draft) => draft,
        Err(Err(fault)) => return Err(fault),
        Err(Ok(refused)) => {
            posted.typed.problems.add("body", refused);
            posted
                .typed
                .problems
                .add("attachments", format_args!("“{name}” was not taken, because the draft was not saved. Choose it again."));
            return Ok(());
        }
    };
    let taken = stream_in(web, member, draft, &name, part).await;
    match taken.map_err(Refusal::or_fault) {
        Ok(id) => posted.typed.taken.push(id),
        Err(Err(fault)) => return Err(fault),
        Err(Ok(AttachRefused::Broken)) => return Err(Stop::Broken),
        // Sent meanwhile (a form submitted twice), or discarded: sending or saving says which.
        Err(Ok(AttachRefused::NotFound)) => {}
        Err(Ok(AttachRefused::Empty(_))) => posted.typed.problems.add("attachments", AttachRefused::Empty(name.to_string())),
        Err(Ok(refused)) => posted.typed.problems.add("attachments", format_args!("“{name}” was not taken. {refused}")),
    }
    Ok(())
}

async fn draft_for_files(web: &Web, member: &Member, posted: &mut Posted) -> Result<MessageId, DraftRefused> {
    if let Some(draft) = posted.draft {
        return Ok(draft);
    }
    let typed = &posted.typed;
    let (draft, _) = messages::begin_draft(&web.post, &member.caller, &typed.once, &typed.text).await?;
    posted.draft = Some(draft);
    Ok(draft)
}

async fn stream_in(web: &Web, member: &Member, draft: MessageId, name: &FileName, part: Field) -> Result<AttachmentId, AttachRefused> {
    let kind = part.content_type().unwrap_or_default().to_owned();
    let begun = web.post.db.act(&member.caller, async |tx| messages::begin_attachment(tx, Some(draft), name, &kind, None).await).await?;
    let bytes = ReaderStream::with_capacity(part.into_async_read(), READ_BYTES).boxed();
    match messages::receive(&web.post, &member.caller, begun.id, 0, bytes).await {
        Ok(_) => Ok(begun.id),
        Err(refused) => {
            // Half a file that nobody can go on with: a plain form starts from the beginning.
            web.post.db.act(&member.caller, async |tx| messages::remove_attachment(tx, draft, begun.id).await).await?;
            Err(refused)
        }
    }
}

/// Browsers write quotes and line breaks of file names as `%22`, `%0D` and `%0A` (HTML, "multipart/form-data encoding").
pub fn unescaped(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_comes_back_from_its_form_encoding() {
        assert_eq!(unescaped("a%22b.pdf"), "a\"b.pdf");
        assert!(FileName::parse(&unescaped("a%0D%0Ab.pdf")).is_err());
    }
}
