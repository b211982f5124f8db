//! Ports for programs that have to be told one.

use std::{
    io::Read,
    net::{Ipv4Addr, TcpListener, TcpStream},
};

/// A TCP port of 127.0.0.1 that nobody uses, and that nobody who asks for any port is given within the next minute.
///
/// One connection to it was closed from its own side. While that one is in TIME-WAIT (RFC 9293 §3.3.2) the kernel gives the port neither
/// to a socket bound to port 0 nor to one that connects; a server binds it by number, as servers do with `SO_REUSEADDR`.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound");
    let mut visitor = TcpStream::connect(address).expect("it listens");
    let ours = visitor.local_addr().expect("it is connected");
    // Whoever still asks for what was at this port before comes in vain.
    while listener.accept().expect("somebody came").1 != ours {}
    let end = visitor.read(&mut [0]).expect("its end comes");
    assert_eq!(end, 0, "nobody writes");
    address.port()
}

#[cfg(test)]
mod tests {
    use super::free_port;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn nobody_else_is_given_it_and_a_server_binds_it() {
        let ours: Vec<u16> = (0..20).map(|_| free_port()).collect();
        let others: Vec<_> = (0..500).map_while(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()).collect();
        assert!(!others.is_empty());
        for other in &others {
            assert!(!ours.contains(&other.local_addr().unwrap().port()));
        }
        for port in ours {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        }
    }
}
