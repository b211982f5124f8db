//! For tests: a mail server on a free port that does as scripted and remembers what it saw, byte for byte.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// Vouches for the server's certificate.
pub const CA_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/testing/tls/ca.pem");

/// What the server does at a step instead of saying yes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Do {
    Say(&'static str),
    /// What need not be UTF-8.
    SayBytes(&'static [u8]),
    HangUp,
    Sleep,
}

/// Steps are `connect`, a command's verb, `letter` (instead of reading it) and `dot` (after reading it).
pub type Script = Vec<(&'static str, Do)>;

#[derive(Clone, Copy, PartialEq)]
pub enum Protection {
    None,
    StartTls,
    Implicit,
}

/// One connection: commands as they came, and each letter's bytes between 354 and the final dot, dots still doubled.
#[derive(Clone, Debug, Default)]
pub struct Session {
    pub commands: Vec<String>,
    pub letters: Vec<String>,
}

/// Ends with the process.
pub struct Peer {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    script: Mutex<VecDeque<(&'static str, Do)>>,
    sessions: Mutex<Vec<Session>>,
    protection: Protection,
    keywords: &'static str,
}

impl Peer {
    pub async fn start(script: Script) -> Peer {
        Peer::with(script, Protection::None, "").await
    }
    /// `keywords` are further lines of the EHLO answer (`"250-AUTH PLAIN\r\n"`).
    pub async fn with(script: Script, protection: Protection, keywords: &'static str) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let port = listener.local_addr().expect("it listens").port();
        let state = Arc::new(State { script: Mutex::new(script.into()), sessions: Mutex::default(), protection, keywords });
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(shared.clone().serve(tcp));
            }
        });
        Peer { port, state }
    }
    pub fn sessions(&self) -> Vec<Session> {
        self.state.sessions().clone()
    }
    pub fn letters(&self) -> Vec<String> {
        self.sessions().into_iter().flat_map(|s| s.letters).collect()
    }
    /// Everything said over all connections, in order within each.
    pub fn commands(&self) -> Vec<String> {
        self.sessions().into_iter().flat_map(|s| s.commands).collect()
    }
    /// Drops what is left of the script: from now on everything is taken.
    pub fn forget(&self) {
        self.state.script().clear();
    }
    pub fn then(&self, step: &'static str, what: Do) {
        self.state.script().push_back((step, what));
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}
type Stream = BufReader<Box<dyn Io>>;

impl State {
    fn sessions(&self) -> MutexGuard<'_, Vec<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn script(&self) -> MutexGuard<'_, VecDeque<(&'static str, Do)>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self: Arc<Self>, tcp: TcpStream) {
        let session = {
            let mut sessions = self.sessions();
            sessions.push(Session::default());
            sessions.len() - 1
        };
        let stream: Box<dyn Io> = match self.protection {
            Protection::Implicit => match acceptor().accept(tcp).await {
                Ok(tls) => Box::new(tls),
                Err(_) => return,
            },
            _ => Box::new(tcp),
        };
        let mut stream = BufReader::new(stream);
        if !self.step(&mut stream, "connect", "220 peer.test ESMTP\r\n").await {
            return;
        }
        let mut encrypted = self.protection == Protection::Implicit;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            self.sessions()[session].commands.push(line.trim_end().to_owned());
            let verb = line.split([' ', ':', '\r']).next().unwrap_or_default().to_owned();
            if verb == "STARTTLS" {
                if !self.step(&mut stream, "STARTTLS", "220 go ahead\r\n").await {
                    return;
                }
                match acceptor().accept(stream.into_inner()).await {
                    Ok(tls) => stream = BufReader::new(Box::new(tls)),
                    Err(_) => return,
                }
                encrypted = true;
                continue;
            }
            if !self.command(&mut stream, session, &verb, encrypted).await {
                return;
            }
        }
    }

    /// False when the connection is over.
    async fn command(&self, stream: &mut Stream, session: usize, verb: &str, encrypted: bool) -> bool {
        let start_tls = if self.protection == Protection::StartTls && !encrypted { "250-STARTTLS\r\n" } else { "" };
        let ehlo = format!("250-peer.test\r\n{start_tls}{}250 SIZE 99999999\r\n", self.keywords);
        match verb {
            "EHLO" => self.step(stream, "EHLO", &ehlo).await,
            "AUTH" => self.step(stream, "AUTH", "235 2.7.0 welcome\r\n").await,
            "MAIL" => self.step(stream, "MAIL", "250 2.1.0 sender ok\r\n").await,
            "RCPT" => self.step(stream, "RCPT", "250 2.1.5 recipient ok\r\n").await,
            "RSET" => self.step(stream, "RSET", "250 2.0.0 reset\r\n").await,
            "NOOP" => self.step(stream, "NOOP", "250 2.0.0 fine\r\n").await,
            "DATA" => {
                // A refused DATA is followed by commands, not by a letter.
                let go = self.step(stream, "DATA", "354 go on\r\n").await;
                go && (self.refused_data() || self.letter(stream, session).await)
            }
            "QUIT" => {
                let _ = stream.write_all(b"221 2.0.0 bye\r\n").await;
                false
            }
            _ => stream.write_all(b"500 5.5.1 what?\r\n").await.is_ok(),
        }
    }

    /// Set by a script entry `("DATA refused", …)` that goes with a negative answer to DATA.
    fn refused_data(&self) -> bool {
        self.take("DATA refused").is_some()
    }

    async fn letter(&self, stream: &mut Stream, session: usize) -> bool {
        if self.take("letter") == Some(Do::HangUp) {
            return false;
        }
        let mut raw = Vec::new();
        while !raw.ends_with(b"\r\n.\r\n") {
            match stream.read_u8().await {
                Ok(byte) => raw.push(byte),
                Err(_) => return false,
            }
        }
        raw.truncate(raw.len() - 3);
        self.sessions()[session].letters.push(String::from_utf8_lossy(&raw).into_owned());
        self.step(stream, "dot", "250 2.0.0 queued as 4XyZ\r\n").await
    }

    async fn step(&self, stream: &mut Stream, step: &'static str, usual: &str) -> bool {
        let words = match self.take(step) {
            None => usual.as_bytes(),
            Some(Do::Say(other)) => other.as_bytes(),
            Some(Do::SayBytes(other)) => other,
            Some(Do::HangUp) => return false,
            Some(Do::Sleep) => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return false;
            }
        };
        stream.write_all(words).await.is_ok() && stream.flush().await.is_ok()
    }

    fn take(&self, step: &str) -> Option<Do> {
        let mut script = self.script();
        let at = script.iter().position(|(s, _)| *s == step)?;
        script.remove(at).map(|(_, what)| what)
    }
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/localhost.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/localhost.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the key is the certificate's");
    TlsAcceptor::from(Arc::new(config))
}
