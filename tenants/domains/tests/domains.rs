//! Domains against two real DNS servers (Debian's pebble-challtestsrv), on both databases.
#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

mod domains {
    pub mod town;

    mod journey;
    mod told;
}
