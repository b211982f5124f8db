//! PROXY protocol version 2 (haproxy.org, proxy-protocol.txt §2.2): how a balancer says whose connection it passes on.
//!
//! What would surprise you: from a peer that the operator named the header is required, and from anybody else it is garbage. The
//! protocol forbids guessing, because a stranger could write one.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};
use tokio::io::{AsyncRead, AsyncReadExt};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const VERSION: u8 = 2;
const LOCAL: u8 = 0;
const PROXY: u8 = 1;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;
/// Addresses and the extensions that balancers add; more is no balancer's.
const MAX_LENGTH: usize = 2_048;

/// Reads the header. `None`: the balancer speaks for itself (a health check), or for a kind of connection without addresses.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let mut head = [0; 16];
    stream.read_exact(&mut head).await?;
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if head[..12] != SIGNATURE || head[12] >> 4 != VERSION || length > MAX_LENGTH {
        return Err(bad("no PROXY protocol header of version 2"));
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    match head[12] & 0x0f {
        LOCAL => Ok(None),
        PROXY => source(head[13], &rest),
        _ => Err(bad("an unknown PROXY protocol command")),
    }
}

/// Source address, destination address, source port, destination port; extensions follow.
fn source(family: u8, rest: &[u8]) -> io::Result<Option<SocketAddr>> {
    let short = || bad("a PROXY protocol header without its addresses");
    let (address, port) = match family {
        TCP_OVER_IPV4 => {
            let all: &[u8; 12] = rest.first_chunk().ok_or_else(short)?;
            (IpAddr::from(Ipv4Addr::new(all[0], all[1], all[2], all[3])), [all[8], all[9]])
        }
        TCP_OVER_IPV6 => {
            let all: &[u8; 36] = rest.first_chunk().ok_or_else(short)?;
            let source: &[u8; 16] = all.first_chunk().expect("36 are more than 16");
            (IpAddr::from(Ipv6Addr::from(*source)), [all[32], all[33]])
        }
        _ => return Ok(None),
    };
    Ok(Some(SocketAddr::new(address.to_canonical(), u16::from_be_bytes(port))))
}

fn bad(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut all = SIGNATURE.to_vec();
        all.extend([command, family]);
        all.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
        all.extend(rest);
        all
    }
    async fn said(bytes: &[u8]) -> Result<Option<String>, String> {
        let mut from = bytes;
        let read = read(&mut from).await.map(|source| source.map(|s| s.to_string())).map_err(|e| e.to_string());
        if read.is_ok() {
            assert_eq!(from, b"rest", "nothing of what follows is taken");
        }
        read
    }
    fn with_rest(mut header: Vec<u8>) -> Vec<u8> {
        header.extend(b"rest");
        header
    }

    #[tokio::test]
    async fn the_client_behind_the_balancer_is_known() {
        let v4 = [203, 0, 113, 9, 10, 0, 0, 1, 0xC0, 0x01, 0x01, 0xBB];
        assert_eq!(said(&with_rest(header(0x21, 0x11, &v4))).await, Ok(Some("203.0.113.9:49153".into())));
        let mut with_extensions = v4.to_vec();
        with_extensions.extend([0x04, 0, 3, 1, 2, 3]);
        assert_eq!(said(&with_rest(header(0x21, 0x11, &with_extensions))).await, Ok(Some("203.0.113.9:49153".into())));
        let mut v6 = Ipv6Addr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7]).octets().to_vec();
        v6.extend([0; 16]);
        v6.extend([0, 80, 1, 187]);
        assert_eq!(said(&with_rest(header(0x21, 0x21, &v6))).await, Ok(Some("[2001:db8::7]:80".into())));
    }

    #[tokio::test]
    async fn a_health_check_and_an_unknown_family_speak_for_nobody() {
        assert_eq!(said(&with_rest(header(0x20, 0x00, &[]))).await, Ok(None));
        assert_eq!(said(&with_rest(header(0x21, 0x31, &[0; 216]))).await, Ok(None));
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        for bytes in [
            b"GET / HTTP/1.1\r\nhost: h\r\n\r\n".to_vec(),
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec(),
            header(0x11, 0x11, &[0; 12]),
            header(0x23, 0x11, &[0; 12]),
            header(0x21, 0x11, &[0; 11]),
            header(0x21, 0x21, &[0; 35]),
            header(0x21, 0x11, &[0; 3_000]),
            SIGNATURE.to_vec(),
        ] {
            assert!(said(&bytes).await.is_err(), "{bytes:?}");
        }
    }
}
