//! Listening sockets that somebody holds for us (systemd's socket activation, sd_listen_fds(3)), so that a restart drops no request.
//!
//! What would surprise you: sockets are told apart by their address, not by their order. Whoever holds them keeps the kernel's queue:
//! connections that come while one program leaves and the next one starts wait in it. With SO_REUSEPORT each program has a queue of
//! its own, and what stands in the old one's is reset when it leaves.

use kernel::Fault;
use listenfd::ListenFd;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Sockets that came with the process.
pub struct HandedOver(Vec<std::net::TcpListener>);

impl HandedOver {
    /// Takes what `LISTEN_FDS` and `LISTEN_PID` say is ours.
    pub fn from_env() -> Result<HandedOver, Fault> {
        let trouble =
            |e: std::io::Error| Fault::other(format!("a socket that was handed over (LISTEN_FDS) is not a listening TCP socket: {e}"));
        let mut sockets = ListenFd::from_env();
        let mut listeners = Vec::new();
        for i in 0..sockets.len() {
            listeners.extend(sockets.take_tcp_listener(i).map_err(trouble)?);
        }
        Ok(HandedOver(listeners))
    }

    /// The socket for `address` if it was handed over, else a new one. The error is `bind`'s.
    pub async fn listener(&mut self, address: SocketAddr) -> std::io::Result<TcpListener> {
        let ours = self.0.iter().position(|listener| listener.local_addr().is_ok_and(|local| same(local, address)));
        match ours {
            Some(i) => {
                let listener = self.0.remove(i);
                listener.set_nonblocking(true)?;
                TcpListener::from_std(listener)
            }
            None => TcpListener::bind(address).await,
        }
    }

    /// Addresses of sockets that nobody asked for: the configuration and the unit file disagree.
    pub fn left_over(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }
}

/// `0.0.0.0` and `[::]` are the same door: systemd opens `ListenStream=443` as the latter.
fn same(local: SocketAddr, asked: SocketAddr) -> bool {
    local.port() == asked.port()
        && (local.ip().to_canonical() == asked.ip().to_canonical() || local.ip().is_unspecified() && asked.ip().is_unspecified())
}
