//! Calls to real sockets: honest hosts, hostile ones, and addresses that must never be called.
#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

mod answers;
mod private;
mod private_list;
