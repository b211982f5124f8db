//! One request and its whole answer, within bounds.

use crate::{NotSent, connect::connect, destination, resolve::Resolver};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    client::conn::http1,
    header::{CONNECTION, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use kernel::{Fault, Network};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::CertificateDer};
use std::{sync::Arc, time::Duration};
use tokio_rustls::TlsConnector;

/// From the look-up of the name to the last byte of the answer.
const TIME: Duration = Duration::from_secs(10);
/// An answer's status line and headers.
const MAX_HEAD_BYTES: usize = 32 * 1024;
const MAX_HEADERS: usize = 100;

/// What the operator allows beyond the public internet.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Networks that may be called although they are not public: a company's own, on its own machine.
    pub allow: Vec<Network>,
    /// Authorities trusted besides the public ones.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// One request. `Host`, `Content-Length` and `Connection` are ours.
#[derive(Clone, Debug)]
pub struct Outgoing<'a> {
    pub method: Method,
    pub address: &'a str,
    /// Whether http:// will do.
    pub plain: bool,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The answer's body, in bytes; a longer one is refused, not cut.
    pub most: usize,
}

/// The answer as it came. A redirect is a status like any other.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Egress {
    rules: Arc<Rules>,
    resolver: Resolver,
    tls: TlsConnector,
}

impl Egress {
    pub fn new(rules: Rules) -> Result<Egress, Fault> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for authority in &rules.authorities {
            roots.add(authority.clone()).map_err(|e| Fault::other(format!("an authority cannot be trusted: {e}")))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions();
        let builder = builder.map_err(|e| Fault::other(format!("TLS: {e}")))?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Egress { rules: Arc::new(rules), resolver: Resolver::System, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// The same with names that resolve to what the test says.
    #[cfg(feature = "test-support")]
    pub fn with_names(mut self, names: crate::FixedNames) -> Egress {
        self.resolver = Resolver::Fixed(names);
        self
    }

    /// Sends and waits for the whole answer, ten seconds at most.
    pub async fn send(&self, request: &Outgoing<'_>) -> Result<Answer, NotSent> {
        tokio::time::timeout(TIME, self.exchange(request)).await.unwrap_or(Err(NotSent::TooSlow(TIME.as_secs())))
    }

    async fn exchange(&self, request: &Outgoing<'_>) -> Result<Answer, NotSent> {
        let to = destination::parse(request.address, request.plain)?;
        let addresses = self.resolver.addresses(&to.host, &self.rules).await?;
        let stream = connect(&to, &addresses, &self.tls).await?;
        let mut client = http1::Builder::new();
        client.max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS);
        let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let wire = put_together(request, &to)?;
        let asking = async {
            let answer = sender.send_request(wire).await.map_err(broken)?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, request.most).collect().await.map_err(|e| match e.is::<LengthLimitError>() {
                true => NotSent::TooLarge(request.most),
                false => broken(e),
            })?;
            Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
        };
        // The connection is driven for as long as the answer takes, and closed with it.
        tokio::select! {
            biased;
            answer = asking => answer,
            Err(error) = connection => Err(broken(error)),
        }
    }
}

fn put_together(request: &Outgoing<'_>, to: &destination::Destination) -> Result<Request<Full<Bytes>>, NotSent> {
    let bad = |_| NotSent::NotAnAddress(request.address.chars().take(100).collect());
    let mut wire = Request::builder().method(request.method.clone()).uri(&to.target).body(Full::new(request.body.clone())).map_err(bad)?;
    *wire.headers_mut() = request.headers.clone();
    let host = HeaderValue::from_str(&to.authority).map_err(|_| NotSent::NotAnAddress(to.authority.clone()))?;
    wire.headers_mut().insert(HOST, host);
    wire.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(wire)
}

fn broken(error: impl ToString) -> NotSent {
    NotSent::Broken(error.to_string())
}
