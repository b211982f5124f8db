//! The store's promises, on both databases.

#![allow(clippy::unwrap_used)]

mod store {
    pub mod town;

    mod blobs;
    mod brakes;
    mod certificates;
    mod destroyed;
    mod evidence;
    mod faults;
    mod front_desk;
    mod group_commit;
    mod hopes;
    mod jobs;
    mod kill;
    mod news;
    mod round_trip;
    mod scope;
    mod unscoped;
    mod walls;
}
