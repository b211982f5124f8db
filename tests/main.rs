//! Every journey through the doors, the walk of the stranger, refusals, races and crashes.
#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

mod crashes;
mod journeys;
mod races;
mod walk;
