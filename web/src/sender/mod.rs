//! The sender's pages: what was sent and what became of it, writing and sending, replies.
//!
//! What would surprise you: one form carries the text of a draft and its files, so every button on the compose page keeps
//! what is typed; and a draft has the id of the message that it becomes.

mod addresses;
mod answer;
mod compose;
mod content;
mod discard;
mod download;
mod drafts;
mod events;
mod folds;
mod form_file;
mod live;
mod message;
mod outline;
mod particulars;
mod received;
mod register;
mod retract;
mod rewrite;
mod save;
mod send;
mod sent;
mod states;
mod typed;
mod unlock;
mod upload;

pub(crate) use answer::query;

crate::routes::page_routes! {
    "/sent" Member { get sent::show }
    "/compose" Member { get compose::blank }
    "/drafts" Member { get drafts::show, post save::first }
    "/drafts/:id" Member { get compose::show, post save::again }
    "/drafts/:id/send" Member { post send::submit }
    "/drafts/:id/discard" Member { post discard::submit }
    "/drafts/:id/files" Member { post upload::begin }
    "/drafts/:id/files/:att" Member { get upload::standing, put upload::piece }
    "/drafts/:id/files/:att/remove" Member { post upload::remove }
    "/messages/:id" Member { get message::show }
    "/messages/:id/timeline" Member { get message::timeline }
    "/messages/:id/events" Member { get events::follow }
    "/messages/:id/again" Member { post rewrite::submit }
    "/messages/:id/retract" Member { post retract::submit }
    "/messages/:id/unlock" Member { post unlock::submit }
    "/messages/:id/files/:att/:name" Member { get download::serve }
    "/received" Member { get received::list }
    "/received/:id" Member { get received::show }
    "/received/:id/read" Member { post received::mark }
}
