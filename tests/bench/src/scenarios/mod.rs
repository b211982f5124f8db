//! What people do with the product, as closed loops over HTTP.

pub mod files;
pub mod look;
pub mod pick_up;
pub mod relay;
pub mod send;

use crate::{
    Result,
    bare::Bare,
    load::{self, Bounds, Journey, Measured, Meter},
    plant::Office,
    server::Server,
};
use std::net::SocketAddr;

/// A running server with offices in it, and the bare one beside it.
pub struct Stage<'s> {
    pub server: &'s Server,
    pub meter: Meter,
    pub offices: &'s [Office],
    pub bare: &'s Bare,
    pub bounds: Bounds,
}

impl Stage<'_> {
    pub async fn run(&self, clients: usize, bounds: Bounds, journey: &impl Journey) -> Result<Measured> {
        Ok(load::run(self.server.address, clients, bounds, self.meter, 0, journey).await?.0)
    }
    pub async fn hello(&self, clients: usize) -> Result<Measured> {
        let meter = Meter { server: self.bare.tree(), database: None };
        let hello = Again { request: get("/", self.bare.address, "") };
        Ok(load::run(self.bare.address, clients, self.bounds, meter, 0, &hello).await?.0)
    }
    pub fn host(&self) -> SocketAddr {
        self.server.address
    }
}

/// The same request again and again.
pub struct Again {
    pub request: Vec<u8>,
}

impl Journey for Again {
    async fn go(&self, client: &mut crate::client::Client, _turn: usize) -> Result<()> {
        client.expect(&self.request, 200).await.map(|_| ())
    }
}

/// `headers`: whole lines.
pub fn get(path: &str, host: SocketAddr, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {}\r\n{headers}\r\n", crate::message::AGENT).into_bytes()
}

pub fn post(path: &str, host: SocketAddr, headers: &str, body: &str) -> Vec<u8> {
    let agent = crate::message::AGENT;
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

pub fn bearer(office: &Office) -> String {
    format!("Authorization: Bearer {}\r\n", office.api_key)
}
