//! Every journey through the doors, the walk of the stranger, refusals, races and crashes.
#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

mod crashes;
mod gates;
mod journeys;
mod races;
mod refusals;
mod walk;

/// The server's own main, built beside these tests.
const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-tested");
