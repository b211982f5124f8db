//! Servers that die in the middle.

mod killed;
