//! From nothing to a connection that takes mail: TCP, greeting, EHLO, TLS, AUTH.
//!
//! STARTTLS is done here by hand rather than by the library: that keeps what a stranger put into the clear part of the line from being
//! read as an answer under TLS (the "response injection" of CVE-2021-38084 and its family), which would forge a "250 queued".

use crate::{
    Pause, SmtpAnswer, SmtpConfig, Tls,
    smtp_stream::{Guarded, MAX_ANSWER_BYTES, Wire},
};
use kernel::{Fault, FaultKind};
use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    client::AsyncSmtpConnection,
    extension::ClientId,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// Everything a connection needs, checked once.
pub(crate) struct Connector {
    host: String,
    port: u16,
    tls: Tls,
    name: Option<ServerName<'static>>,
    tls_config: Option<Arc<ClientConfig>>,
    hello: ClientId,
    credentials: Option<Credentials>,
    timeout: Duration,
}

impl Connector {
    pub(crate) fn new(config: &SmtpConfig) -> Result<Connector, Fault> {
        let encrypted = config.tls != Tls::None;
        let host = &config.host;
        if !encrypted && !config.is_loopback() && (!config.allow_plaintext || config.password.is_some()) {
            return Err(Fault::other(format!(
                "smtp: mail to {host} would travel in the clear; set tls, or allow_plaintext and no password"
            )));
        }
        let credentials = match (&config.user, &config.password) {
            (Some(user), Some(password)) => Some(Credentials::new(user.clone(), password.expose().to_owned())),
            (None, None) => None,
            _ => return Err(Fault::other("smtp: user and password go together; one of them is missing")),
        };
        let name =
            ServerName::try_from(host.clone()).map_err(|e| Fault::from_error(FaultKind::Other, "smtp: host is not a host name", e))?;
        Ok(Connector {
            host: host.clone(),
            port: config.port,
            tls: config.tls,
            name: encrypted.then_some(name),
            tls_config: if encrypted { Some(Arc::new(tls_config(config)?)) } else { None },
            hello: hello(config.hello_name.as_deref())?,
            credentials,
            timeout: Duration::from_secs(config.timeout_secs.clamp(1, 3600)),
        })
    }
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }
    /// For the operator: `mail.example.org:587, TLS, signed in`.
    pub(crate) fn describe(&self) -> String {
        let tls = if self.tls == Tls::None { "in the clear" } else { "TLS" };
        let user = if self.credentials.is_some() { "signed in" } else { "without signing in" };
        format!("{}:{}, {tls}, {user}", self.host, self.port)
    }

    /// A connection ready for MAIL. No step waits longer than the configured time.
    pub(crate) async fn open(&self) -> Result<AsyncSmtpConnection, Pause> {
        let stream = self.wire().await?;
        let hello = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello);
        let mut connection = self.timed("answer our greeting", hello).await?.map_err(|e| self.refused("EHLO", &e))?;
        if let Some(credentials) = &self.credentials {
            let auth = connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials);
            self.timed("answer our password", auth).await?.map_err(|e| self.refused("AUTH", &e))?;
        }
        Ok(connection)
    }

    async fn wire(&self) -> Result<Guarded, Pause> {
        let tcp = self.timed("let us connect", TcpStream::connect((self.host.as_str(), self.port))).await?;
        let tcp = tcp.map_err(|e| self.silent(&format!("did not let us connect: {e}")))?;
        // The end of a mail is a write of its own, which would wait for the peer's delayed acknowledgement of the one before (40 ms).
        let _ = tcp.set_nodelay(true);
        let peer = tcp.peer_addr().map_err(|e| self.silent(&format!("closed at once: {e}")))?;
        match self.tls {
            Tls::None => Ok(Guarded::new(Box::new(tcp), peer, b"")),
            Tls::Implicit => self.encrypted(tcp, peer, b"").await,
            Tls::StartTls => {
                let tcp = self.timed("answer STARTTLS", self.start_tls(tcp)).await??;
                // The greeting was read in the clear and there is none under TLS, but the library wants to see one.
                self.encrypted(tcp, peer, b"220 TLS is up\r\n").await
            }
        }
    }

    async fn encrypted(&self, tcp: TcpStream, peer: SocketAddr, preface: &'static [u8]) -> Result<Guarded, Pause> {
        let (Some(config), Some(name)) = (&self.tls_config, &self.name) else {
            return Err(self.silent("needs TLS, which is not set up"));
        };
        let shake = TlsConnector::from(config.clone()).connect(name.clone(), tcp);
        let tls = self.timed("finish the TLS handshake", shake).await?;
        let tls = tls.map_err(|e| {
            tracing::error!(step = "TLS", error = %e, "the mail relay's TLS is not acceptable");
            self.silent(&format!("did not agree on TLS: {e}"))
        })?;
        Ok(Guarded::new(Box::new(tls) as Box<dyn Wire>, peer, preface))
    }

    /// RFC 3207 §4: greeting, EHLO, STARTTLS, and then not one byte more in the clear.
    async fn start_tls(&self, tcp: TcpStream) -> Result<TcpStream, Pause> {
        let mut line = BufReader::new(tcp);
        self.expect(&mut line, "greeting", 220).await?;
        self.say(&mut line, &format!("EHLO {}\r\n", self.hello)).await?;
        let offered = self.expect(&mut line, "EHLO", 250).await?;
        if !offered.split('\n').any(|keyword| keyword.trim().eq_ignore_ascii_case("STARTTLS")) {
            tracing::error!(step = "STARTTLS", "the mail relay does not offer STARTTLS, which the configuration requires");
            return Err(self.silent("does not offer STARTTLS, and mail does not leave in the clear"));
        }
        self.say(&mut line, "STARTTLS\r\n").await?;
        self.expect(&mut line, "STARTTLS", 220).await?;
        if line.buffer().is_empty() {
            Ok(line.into_inner())
        } else {
            Err(self.silent("said something in the clear after STARTTLS; someone may be on the line"))
        }
    }

    async fn say(&self, line: &mut BufReader<TcpStream>, command: &str) -> Result<(), Pause> {
        line.write_all(command.as_bytes()).await.map_err(|e| self.silent(&format!("hung up: {e}")))
    }

    /// The text of a reply with the code `wanted`, lines joined by `\n`.
    async fn expect(&self, line: &mut BufReader<TcpStream>, step: &'static str, wanted: u16) -> Result<String, Pause> {
        let (code, text) = read_reply(line).await.map_err(|e| self.silent(&format!("broke off at {step}: {e}")))?;
        if code == wanted { Ok(text) } else { Err(self.answered(step, code, &text)) }
    }

    /// A refusal before the first letter is never about the letter: 4xx is the relay's mood, 5xx our set-up.
    fn refused(&self, step: &'static str, error: &lettre::transport::smtp::Error) -> Pause {
        match error.status() {
            Some(code) => self.answered(step, u16::from(code), &reply_text(error)),
            None => self.silent(&format!("broke off at {step}: {error}")),
        }
    }
    fn answered(&self, step: &'static str, code: u16, text: &str) -> Pause {
        let answer = SmtpAnswer::new(code, text, &self.host);
        if code < 500 {
            return Pause::Answered(answer);
        }
        tracing::error!(step, code, "the mail relay refuses our set-up; letters wait until it is mended");
        Pause::SetUp(answer)
    }
    pub(crate) fn silent(&self, what: &str) -> Pause {
        Pause::NoAnswer(crate::answer::one_line(&format!("{} {what}", self.host), kernel::MAX_SMTP_REPLY_CHARS))
    }
    /// Waits no longer than the configured time.
    pub(crate) async fn timed<T>(&self, what: &str, step: impl Future<Output = T>) -> Result<T, Pause> {
        let seconds = self.timeout.as_secs();
        tokio::time::timeout(self.timeout, step).await.map_err(|_| self.silent(&format!("did not {what} within {seconds} seconds")))
    }
}

/// What the server said, without the library's frame.
pub(crate) fn reply_text(error: &lettre::transport::smtp::Error) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

/// RFC 5321 §4.2.1: `250-text` goes on, `250 text` ends. At most [`MAX_ANSWER_BYTES`].
async fn read_reply(line: &mut BufReader<TcpStream>) -> std::io::Result<(u16, String)> {
    let broken = |what| std::io::Error::new(std::io::ErrorKind::InvalidData, what);
    let mut line = line.take(MAX_ANSWER_BYTES as u64);
    let mut text = String::new();
    loop {
        let mut raw = Vec::new();
        line.read_until(b'\n', &mut raw).await?;
        if raw.last() != Some(&b'\n') {
            return Err(broken("the answer stopped half-way"));
        }
        let raw = String::from_utf8_lossy(&raw);
        let code: u16 = raw.get(..3).and_then(|code| code.parse().ok()).ok_or_else(|| broken("this is not SMTP"))?;
        text.push_str(raw.get(4..).unwrap_or_default().trim_end());
        if raw.as_bytes().get(3) != Some(&b'-') {
            return Ok((code, text));
        }
        text.push('\n');
    }
}

fn hello(name: Option<&str>) -> Result<ClientId, Fault> {
    let Some(name) = name else { return Ok(ClientId::default()) };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '[' | ']' | ':');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(Fault::other("smtp: hello_name must be a host name"));
    }
    Ok(ClientId::Domain(name.to_owned()))
}

/// The public authorities and the operator's own; TLS 1.2 or 1.3 by aws-lc-rs.
fn tls_config(config: &SmtpConfig) -> Result<ClientConfig, Fault> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = &config.ca_file {
        let bad = |e: String| Fault::other(format!("smtp: ca_file {}: {e}", path.display()));
        let mut found = 0;
        for certificate in CertificateDer::pem_file_iter(path).map_err(|e| bad(e.to_string()))? {
            roots.add(certificate.map_err(|e| bad(e.to_string()))?).map_err(|e| bad(e.to_string()))?;
            found += 1;
        }
        if found == 0 {
            return Err(bad("has no certificate in PEM".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Fault::from_error(FaultKind::Other, "smtp: TLS versions", e))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
