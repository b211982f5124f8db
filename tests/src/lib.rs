//! The town that every test lives in, and the people of it, who walk in through the doors: a member at a browser, an API key,
//! a recipient with a pickup link, a stranger.
//!
//! What would surprise you: nobody here calls a room. What a test knows it has read on a page, in an answer of the API or in a letter;
//! only the house itself (clock, mailbox, database) is looked at from behind.

mod api_key;
mod browser;
mod card;
mod dns;
mod door;
mod letters;
mod member;
mod recipient;
mod site;
mod town;

pub use api_key::ApiKey;
pub use browser::{Browser, Fields, File};
pub use card::{Authority, Card};
pub use dns::Dns;
pub use door::{Answer, Ask, Body, Door};
pub use letters::Letter;
pub use member::{Member, PASSWORD};
pub use recipient::Recipient;
pub use site::{Server, Site, wait_for};
pub use town::{Town, on_both, on_both_over_smtp, on_both_with};
