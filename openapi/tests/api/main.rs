//! Walks in through the REST door as an API key, a stranger and a neighbour.

#![allow(clippy::unwrap_used)] // a test may

mod attachments;
mod bad_input;
mod keys;
mod parameters;
mod schema;
mod sending;
mod town;
mod tracking;
