//! The journeys of people, each fact on both databases.

mod attach;
mod bucket;
mod certificate;
mod certificate_here;
mod certificate_lists;
mod certificate_settings;
mod content_host;
pub mod domains;
mod domains_lost;
mod draft;
mod known;
mod notices;
mod passwords;
mod pick_up;
mod replies;
mod retract;
mod send;
mod unasked;
