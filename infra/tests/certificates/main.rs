//! Signing in and opening messages with a certificate, from the settings page to the session: the program itself, with curl as the browser and
//! openssl as the authority.
#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

mod by_curl;
mod file;
mod smart_card;
