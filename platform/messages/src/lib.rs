//! The certified mail itself: draft, send, notice, pick up, refuse, retract, expire, reply.
//!
//! Rooms are plain functions over a tenant transaction. What would surprise you: whatever is slow (Argon2, blobs, SMTP)
//! happens before or after the act, never inside it, so sending is `prepare` and then `send`.

mod asked;
mod attach;
mod begin_draft;
mod block;
mod draft;
mod expire;
mod jobs;
mod linked;
mod markup;
mod message;
mod named_blobs;
mod notice;
mod outline;
mod page;
mod pick_up;
mod post;
mod proof;
mod receive;
mod reply;
mod retract;
mod segment;
mod send;
mod sent;
mod stream;
mod sweep;
mod tell;
mod unlock;
mod visit;

pub use attach::{AttachRefused, AttachmentView, attachments, begin_attachment, find_attachment, remove_attachment};
pub use begin_draft::begin_draft;
pub use block::{allow_sender, block_sender, sender_is_blocked};
pub use draft::{DraftRefused, DraftRow, DraftText, DraftView, discard_draft, draft, drafts, save_draft, start_draft};
pub use jobs::run_job;
pub use markup::render_html;
pub use message::{Body, MessageView, RecipientState, RecipientView, body, find_message};
pub use named_blobs::{Unnamed, strike_named};
pub use outline::{Draft, FieldError, Outline, kept_days};
pub use page::{Cursor, Page};
pub use pick_up::{Content, Door, DoorState, PickupRefused, Step, door, link_fetched, refuse, sender_is_hidden};
pub use post::Post;
pub use proof::Proof;
pub use quota::UnaskedMail;
pub use receive::receive;
pub use reply::{ReplyRefused, ReplyView, mark_reply_read, replies, reply, reply_text, unread_replies};
pub use retract::{RetractRefused, Retraction, retract};
pub use send::{Ready, SendRefused, Sent, prepare, send, submit};
pub use sent::{SentQuery, SentRow, sent};
pub use stream::{FileRefused, OpenFile, Reader, open_file};
pub use sweep::{Swept, sweep};
pub use unlock::{UnlockRefused, unlock};
pub use visit::{
    Certificate, Passed, accept, certificate_refused, content, gesture, give_password, prove_certificate, prove_code, release_file,
    resend_code, where_it_stands,
};
