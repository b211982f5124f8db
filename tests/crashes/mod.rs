//! Servers that die in the middle.

mod database;
mod killed;
