//! Where a request came from: the socket's address and the program's name for itself.
//!
//! `X-Forwarded-For` and its kin are ignored: anyone can write them, and an address in evidence must not be made up by the visitor.

use poem::{Addr, Request, http::header};
use store::Origin;

pub fn of(req: &Request) -> Origin {
    let ip = match &req.remote_addr().0 {
        Addr::SocketAddr(address) => Some(address.ip().to_canonical()),
        _ => None,
    };
    Origin::new(ip, req.header(header::USER_AGENT).unwrap_or_default())
}
