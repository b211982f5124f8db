//! Certificates from a real CA: pebble asks, our listeners answer, curl looks.
#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

mod acme {
    pub mod town;

    mod budgets;
    mod names;
    mod processes;
    mod renewal;
    mod trouble;
}
