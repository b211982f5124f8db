//! The pages, walked through as a person with a browser: each test in a town of its own (SQLite, stopped clock, seeded chance).

#![allow(clippy::unwrap_used)] // a test that cannot go on says where

mod drafting;
mod following;
mod sending;
mod taking_back;
mod town;
mod uploading;
mod walls;
mod writing_again;
