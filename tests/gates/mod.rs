//! Gates, shown to close: what they guard against is done on purpose, past every wall, and must be noticed.

mod evidence;
mod hosts;
mod logs;
