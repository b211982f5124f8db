//! The edge from outside: real sockets, real handshakes, hostile and honest clients.
#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

mod asking;
mod challenges;
mod drain;
mod frames;
mod hostile;
mod http1;
mod http2;
mod plain;
mod proxies;
mod tls;
mod town;
