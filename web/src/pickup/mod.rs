//! The recipient's pages: the door, the proofs, the message, its files, the reply, and the ways to say no.
//!
//! What would surprise you: only a `POST` with a nonce from our own page moves anything (mail scanners follow links and run
//! scripts), with one exception that RFC 8058 asks for: "block this sender" is taken from any mail program in one click.

mod accept;
mod block;
mod certificate;
mod code;
mod door;
mod files;
mod gesture;
mod link;
mod message;
mod nonce;
mod open;
mod password;
mod refuse;
mod reply;
mod step;

pub(crate) use link::whom;

crate::routes::page_routes! {
    "/p/:token" Recipient { get door::show }
    "/p/:token/open" Recipient { post open::submit }
    "/p/:token/code" Recipient { get step::show, post code::submit }
    "/p/:token/code/again" Recipient { post code::again }
    "/p/:token/password" Recipient { get step::show, post password::submit }
    "/p/:token/certificate" Recipient { get certificate::show, post certificate::submit }
    "/p/:token/accept" Recipient { get step::show, post accept::submit }
    "/p/:token/refuse" Recipient { get refuse::show, post refuse::submit }
    "/p/:token/message" Recipient { get message::show }
    "/p/:token/reply" Recipient { post reply::submit }
    "/p/:token/block" Recipient { get block::show, post block::submit }
    "/p/:token/unblock" Recipient { post block::take_back }
    "/p/:token/files/:id" Recipient { post files::release }
    "/p/:token/files/:id/:name" Recipient { get files::serve }
}
