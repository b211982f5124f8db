//! Servers that die in the middle.

mod database;
mod download;
mod killed;
mod orphans;
