//! The `countersign` server put together: configuration, [`App`], listener, worker, demo and the operator's commands.
//!
//! What would surprise you: nothing here knows what a message is. Doors (`web`, `openapi`) and rooms are wired to one
//! database, one mailer and one clock, and everything that a test replaces is in [`Outside`].

mod app;
mod asking;
mod certificates;
pub mod commands;
pub mod config;
pub mod demo;
mod front;
pub mod housekeeping;
pub mod logs;
pub mod numbers;
mod orphans;
mod serve;
mod signals;
#[cfg(test)]
mod testing;
mod worker;

pub use app::{App, Outside};
pub use config::{BadConfig, Config};
pub use edge::Draining;
pub use orphans::Orphans;
pub use signals::until_told_to_stop;

/// Gives back what a large file took: with glibc's allocator the arenas of all threads keep it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Makes aws-lc-rs the one cryptography provider of rustls; the first thing a process does. Doing it twice is fine.
pub fn install_cryptography() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
