//! A balancer that hands connections to several servers in turn, so that the CA asks any of them.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

/// Clients wait in the kernel's queue until there is a server.
pub struct Relay {
    pub port: u16,
    servers: Arc<Mutex<Vec<SocketAddr>>>,
    turn: Arc<AtomicUsize>,
}

impl Relay {
    pub async fn open() -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let relay = Relay { port: listener.local_addr().expect("it is bound").port(), servers: Arc::default(), turn: Arc::default() };
        let (servers, turn) = (relay.servers.clone(), relay.turn.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let servers = servers.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let Some(to) = servers.get(turn.fetch_add(1, SeqCst) % servers.len().max(1)).copied() else { continue };
                tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(to).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        relay
    }
    pub fn to(&self, server: SocketAddr) {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).push(server);
    }
    pub fn leave(&self, server: SocketAddr) {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).retain(|one| *one != server);
    }
    pub fn connections(&self) -> usize {
        self.turn.load(SeqCst)
    }
}
