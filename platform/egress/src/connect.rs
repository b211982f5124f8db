//! A connection to one of the judged addresses, encrypted where the address says so.

use crate::{NotSent, destination::Destination};
use rustls::pki_types::ServerName;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use url::Host;

/// Addresses of one host that are tried.
const MAX_TRIES: usize = 4;
/// Then the next address has its turn.
const TRY_TIME: Duration = Duration::from_secs(3);

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub async fn connect(to: &Destination, addresses: &[IpAddr], tls: &TlsConnector) -> Result<Box<dyn Stream>, NotSent> {
    let tcp = first_that_answers(to.port, addresses).await.map_err(|e| NotSent::NoConnection(to.host.to_string(), e.to_string()))?;
    if !to.encrypted {
        return Ok(Box::new(tcp));
    }
    let untrusted = |e: String| NotSent::NotTrusted(to.host.to_string(), e);
    let stream = tls.connect(name(&to.host).map_err(|e| untrusted(e.to_string()))?, tcp).await;
    Ok(Box::new(stream.map_err(|e| untrusted(e.to_string()))?))
}

async fn first_that_answers(port: u16, addresses: &[IpAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for ip in addresses.iter().take(MAX_TRIES) {
        match tokio::time::timeout(TRY_TIME, TcpStream::connect(SocketAddr::new(*ip, port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

fn name(host: &Host<String>) -> Result<ServerName<'static>, rustls::pki_types::InvalidDnsNameError> {
    Ok(match host {
        Host::Domain(name) => ServerName::try_from(name.clone())?,
        Host::Ipv4(ip) => IpAddr::from(*ip).into(),
        Host::Ipv6(ip) => IpAddr::from(*ip).into(),
    })
}
