//! `countersign demo`: the whole product on this machine with no set-up. SQLite, mail shown instead of sent, one sample tenant.
//!
//! What would surprise you: the sample is made through the real rooms, down to reading the code out of the captured mail, so
//! a demo that starts has just walked the main journey once.

mod credentials;
mod greeting;
mod links;
mod mail_pages;
mod sample;

use crate::{
    App, Config, Outside,
    certificates::{self, Certificates},
    commands::{Stop, prepare_schema},
    config::CertificateSource,
    until_told_to_stop,
};
use credentials::Credentials;
use edge::{Doors, Listening};
use kernel::{Chance, Clock, Fault};
use mail::{CapturedMail, Mailer};
use messages::UnaskedMail;
use std::{
    io::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Letters shown at `/_mail`; the oldest make room.
const LETTERS_KEPT: usize = 10_000;
const USUAL_PORT: u16 = 8080;

/// What the operator asked for.
#[derive(Clone, Debug, Default)]
pub struct Demo {
    /// Kept between runs; `None`: a directory that goes when the demo stops.
    pub data: Option<PathBuf>,
    /// `None`: port 8080 of this machine, or a free one when that is taken.
    pub listen: Option<SocketAddr>,
    /// https under a CA of our own, as a machine without a public name would be served.
    pub tls: bool,
    /// One line of JSON on standard output instead of the greeting.
    pub json: bool,
}

/// Runs until SIGTERM or Ctrl-C; says where it is on `out` once the sample is there and the site answers.
pub async fn demo(demo: &Demo, out: &mut (dyn Write + Send)) -> Result<(), Stop> {
    let temporary = match demo.data {
        None => Some(tempfile::Builder::new().prefix("countersign-demo-").tempdir().map_err(Fault::from)?),
        Some(_) => None,
    };
    let dir = demo.data.as_deref().or(temporary.as_ref().map(|t| t.path())).expect("one of the two is there");
    let listener = listen(demo.listen).await?;
    let config = config(dir, &listener, demo.tls)?;
    let letters = Arc::new(CapturedMail::new(LETTERS_KEPT));
    prepare_schema(&config, true).await?;
    let outside = Outside { clock: Clock::system(), chance: Chance::system(), mailer: Mailer::Mailbox(letters.clone()) };
    let app = App::build(&config, outside).await?;
    let credentials = match Credentials::read(dir)? {
        Some(credentials) => credentials,
        None => plant(&app, &letters, dir).await?,
    };
    let stop = until_told_to_stop()?;
    let root = demo.tls.then(|| certificates::local_ca_dir(&config).join("ca.pem"));
    let doors = doors(&config, &app, listener, demo.tls, &stop).await?;
    let text = if demo.json {
        credentials.json(app.site.base(), root.as_deref())
    } else {
        greeting::greeting(&app, &credentials, temporary.is_none().then_some(dir), root.as_deref())
    };
    let worker = tokio::spawn({
        let (app, stop) = (app.clone(), stop.clone());
        async move { app.worker(stop).await }
    });
    // The listener takes connections from now on, so whoever reads the address may call at once.
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Fault::from)?;
    let front = app.endpoint_with(|route| mail_pages::routes(route, letters, app.site.clone()));
    let served = app.serve_front(front, doors, stop.clone()).await;
    stop.cancel();
    let _ = worker.await;
    app.db.close().await;
    Ok(served?)
}

async fn plant(app: &App, letters: &CapturedMail, dir: &Path) -> Result<Credentials, Fault> {
    let credentials = sample::plant(app, letters).await?;
    credentials.write(dir)?;
    Ok(credentials)
}

async fn listen(asked: Option<SocketAddr>) -> Result<TcpListener, Stop> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, USUAL_PORT));
    let address = asked.unwrap_or(usual);
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(e) if asked.is_none() && e.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Fault::from)?)
        }
        Err(e) => {
            Err(Stop::Refused(format!("Cannot listen on {address}: {e}. Choose another with --listen 127.0.0.1:PORT (0: any free one).")))
        }
    }
}

async fn doors(config: &Config, app: &App, listener: TcpListener, tls: bool, stop: &CancellationToken) -> Result<Doors, Fault> {
    if !tls {
        return Ok(Doors { plain: Some(listener), tls: None });
    }
    let Certificates { names, challenges, .. } = certificates::certificates(config, app, stop.clone()).await?;
    Ok(Doors { plain: None, tls: Some(Listening { listener, names, challenges }) })
}

fn config(dir: &Path, listener: &TcpListener, tls: bool) -> Result<Config, Fault> {
    let local = listener.local_addr()?;
    // Browsers keep Secure cookies over http for this machine only, whatever address we listen on.
    let host = match local.ip() {
        ip if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    let mut config = Config { data_dir: dir.to_owned(), ..Config::default() };
    config.site.base_url = format!("http://{}", SocketAddr::new(host, local.port()));
    if tls {
        // By name, because browsers ask for no name (SNI) where the host is an address.
        let authority =
            if host.is_loopback() { format!("localhost:{}", local.port()) } else { SocketAddr::new(host, local.port()).to_string() };
        config.site.base_url = format!("https://{authority}");
        config.listen.https = local.to_string();
        config.tls.certificates = CertificateSource::LocalCa;
    }
    config.listen.http = local;
    config.listen.drain_seconds = 5;
    config.worker.poll_seconds = 1;
    // Its mail goes nowhere, and who tries it out sends to the same few addresses.
    config.unasked_mail = UnaskedMail::UNLIMITED.into();
    Ok(config)
}
