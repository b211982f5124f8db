//! One test's world: a small site behind both listeners, certified by a CA of its own.

use edge::{Challenges, Doors, ForwardedBy, Listening, LocalCa, Names, Settings, Shared, TlsConn};
use futures_util::{StreamExt, stream};
use kernel::{Chance, Clock, Fault};
use poem::{Body, Request, Response, endpoint::make};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;

pub struct Town {
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    pub names: Names,
    pub challenges: Challenges,
    pub ca: LocalCa,
    pub stop: CancellationToken,
    pub server: JoinHandle<Result<(), Fault>>,
    pub shared: Shared,
    _dir: tempfile::TempDir,
}

pub fn settings() -> Settings {
    Settings {
        trusted_proxies: Vec::new(),
        forwarded_by: ForwardedBy::XForwardedFor,
        proxy_protocol: Vec::new(),
        max_connections: 1_000,
        max_connections_per_address: 4,
        drain_notice: Duration::ZERO,
        drain: Duration::from_secs(10),
        https_port: Some(8443),
        body_limit: |path| if path == "/echo" { 1 << 20 } else { 64 << 20 },
    }
}

impl Town {
    pub async fn new() -> Town {
        Town::with(|_| {}).await
    }

    /// `site.test` (also for who names no host) and `other.test`.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Town {
        let mut settings = settings();
        change(&mut settings);
        let dir = tempfile::tempdir().unwrap();
        let ca = LocalCa::open_or_found(dir.path(), Clock::system(), Chance::system()).unwrap();
        let names = Names::new().unwrap();
        names.put(&ca.issue(&["site.test".into(), "127.0.0.1".into()]).unwrap(), true);
        names.put(&ca.issue(&["other.test".into()]).unwrap(), false);
        let (plain, listener) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (plain_at, tls_at) = (plain.local_addr().unwrap(), listener.local_addr().unwrap());
        let (stop, shared) = (CancellationToken::new(), Shared::default());
        let challenges = Challenges::default();
        let listening = Listening { listener, names: names.clone(), challenges: Some(challenges.clone()) };
        let doors = Doors { plain: Some(plain), tls: Some(listening) };
        let server = tokio::spawn(doors.serve(make(answer), settings, shared.clone(), stop.clone()));
        Town { plain: plain_at, tls: tls_at, names, challenges, ca, stop, server, shared, _dir: dir }
    }

    pub fn client(&self, alpn: &[&str], versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.ca.root_file()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }
    /// Shakes hands for `name`, which may be an address.
    pub async fn shake(&self, name: &str, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        self.shake_over(TcpStream::connect(self.tls).await?, name, alpn).await
    }
    pub async fn shake_over<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        name: &str,
        alpn: &[&str],
    ) -> std::io::Result<TlsStream<S>> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        self.client(alpn, rustls::ALL_VERSIONS).connect(name, stream).await
    }
    /// One HTTP/1.1 request over TLS, and the whole answer.
    pub async fn ask(&self, name: &str, request: &str) -> String {
        let mut stream = self.shake(name, &["http/1.1"]).await.unwrap();
        say(&mut stream, request).await;
        hear(&mut stream).await
    }
    /// An HTTP/2 connection for `name`; its driver runs until it is dropped, and says how it ended.
    pub async fn two(&self, name: &str) -> (h2::client::SendRequest<bytes::Bytes>, JoinHandle<Result<(), h2::Error>>) {
        self.two_with(name, 65_535).await
    }
    /// The same; it lets so many bytes of each answer come before it is read.
    pub async fn two_with(&self, name: &str, window: u32) -> (h2::client::SendRequest<bytes::Bytes>, JoinHandle<Result<(), h2::Error>>) {
        let stream = self.shake(name, &["h2"]).await.unwrap();
        let (sender, connection) = h2::client::Builder::new().initial_window_size(window).handshake(stream).await.unwrap();
        (sender, tokio::spawn(connection))
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(mut req: Request) -> poem::Result<Response> {
    let path = req.uri().path().to_owned();
    Ok(match path.as_str() {
        "/echo" => match req.take_body().into_bytes().await {
            Ok(body) => Response::builder().body(body),
            Err(error) => Response::builder().status(poem::http::StatusCode::PAYLOAD_TOO_LARGE).body(error.to_string()),
        },
        "/count" => {
            let mut body = req.take_body().into_bytes_stream();
            let mut bytes = 0;
            while let Some(piece) = body.next().await {
                bytes += piece.map_err(poem::error::InternalServerError)?.len();
            }
            Response::builder().body(bytes.to_string())
        }
        // Shared, so that a test may ask for it often.
        "/large" => Response::builder().body(bytes::Bytes::from_static(&[7; 1 << 20])),
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Response::builder().body("slow")
        }
        "/never" => std::future::pending().await,
        "/events" => {
            let events = stream::once(async { Ok::<_, std::io::Error>("data: 1\n\n") }).chain(stream::pending());
            Response::builder().content_type("text/event-stream").body(Body::from_bytes_stream(events))
        }
        "/endless" => {
            let zeros = stream::repeat_with(|| Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[0; 16_384])));
            Response::builder().body(Body::from_bytes_stream(zeros))
        }
        _ => Response::builder().body(facts(&req)),
    })
}

fn facts(req: &Request) -> String {
    let tls = req.extensions().get::<Arc<TlsConn>>();
    let tls = tls.map(|tls| format!("{:?} {:?} http2={} certificates={}", tls.name, tls.version, tls.http2, tls.client_certificates.len()));
    format!("from {} host {:?} {:?} {}", req.remote_addr(), req.header("host"), req.scheme().as_str(), tls.unwrap_or_default())
}

pub async fn say(stream: &mut (impl AsyncWrite + Unpin), text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}
/// Everything up to the end; an end without a goodbye is an end too.
pub async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    String::from_utf8_lossy(&all).into_owned()
}
/// What comes until `end` was said.
pub async fn hear_until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).contains(end) {
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => panic!("ended before {end:?}: {:?}", String::from_utf8_lossy(&all)),
            Ok(n) => all.extend(&more[..n]),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}
