//! `countersign serve`: site, API and, unless `work` does that elsewhere, the worker in one process.

use super::{Stop, migrate::prepare_schema};
use crate::{
    App, Config, Outside,
    certificates::{self, Certificates},
    numbers, until_told_to_stop,
};
use edge::{Doors, HandedOver, Listening};
use kernel::Fault;
use std::net::SocketAddr;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Serves until SIGTERM or Ctrl-C, then drains: requests first, then jobs, then the database is closed.
pub async fn serve(config: &Config, migrate: bool) -> Result<(), Stop> {
    prepare_schema(config, migrate).await?;
    let app = App::build(config, Outside::real(config)?).await?;
    let stop = until_told_to_stop()?;
    let (doors, ordering) = open_doors(config, &app, &stop).await?;
    let (end_metrics, metrics) = start_metrics(&app, config).await?;
    say_where(&doors, &app)?;
    let worker = tokio::spawn({
        let (app, stop, here) = (app.clone(), stop.clone(), config.worker.in_serve);
        async move {
            if here {
                app.worker(stop).await
            }
        }
    });
    let served = app.serve_front(app.endpoint(), doors, stop.clone()).await;
    stop.cancel();
    if let Err(error) = worker.await {
        tracing::error!(%error, "the worker ended badly");
    }
    if let Some(ordering) = ordering {
        let _ = ordering.await;
    }
    end_metrics.cancel();
    if let Some(task) = metrics {
        let _ = task.await;
    }
    app.db.close().await;
    tracing::info!("stopped");
    Ok(served?)
}

/// Certificates first, so that nobody is let in who cannot be answered; orders in hand go on. Sockets may have been handed over.
async fn open_doors(config: &Config, app: &App, stop: &CancellationToken) -> Result<(Doors, Option<JoinHandle<()>>), Stop> {
    let (mut handed_over, mut in_hand) = (HandedOver::from_env()?, None);
    let tls = match config.listen.https.as_str() {
        "" => None,
        address => {
            let Certificates { names, challenges, ordering } = certificates::certificates(config, app, stop.clone()).await?;
            in_hand = ordering;
            let uncovered = certificates::uncovered(&names, config);
            match (uncovered.is_empty(), challenges.is_some()) {
                (true, _) => {}
                (false, true) => tracing::info!(hosts = ?uncovered, "a certificate is being ordered"),
                (false, false) => tracing::warn!(hosts = ?uncovered, "no certificate is for these; browsers will warn"),
            }
            let address = address.parse().map_err(|e| Stop::Refused(format!("listen.https: {e}")))?;
            Some(Listening { listener: listener("https", address, &mut handed_over).await?, names, challenges })
        }
    };
    let plain = Some(listener("http", config.listen.http, &mut handed_over).await?);
    match handed_over.left_over().as_slice() {
        [] => Ok((Doors { plain, tls }, in_hand)),
        more => Err(Stop::Refused(format!(
            "Sockets were handed over (LISTEN_FDS) that no setting of listen names: {more:?}. Make the unit file and the configuration agree."
        ))),
    }
}

async fn listener(setting: &str, address: SocketAddr, handed_over: &mut HandedOver) -> Result<TcpListener, Stop> {
    handed_over.listener(address).await.map_err(|e| {
        let hint = match e.kind() {
            std::io::ErrorKind::PermissionDenied => {
                "Ports below 1024 need AmbientCapabilities=CAP_NET_BIND_SERVICE or systemd's socket activation".into()
            }
            _ => format!("Another process may be there; change listen.{setting} or stop it"),
        };
        Stop::Refused(format!("Cannot listen on {address}: {e}. {hint}."))
    })
}

fn say_where(doors: &Doors, app: &App) -> Result<(), Stop> {
    let local = |listener: &TcpListener| listener.local_addr().map(|address| address.to_string()).map_err(Fault::from);
    let https = doors.tls.as_ref().map(|tls| local(&tls.listener)).transpose()?;
    let plain = doors.plain.as_ref().map(local).transpose()?;
    tracing::info!(address = plain.unwrap_or_default(), https = https.unwrap_or_default(), site = app.site.base(), "serving");
    Ok(())
}

/// The metrics listener outlives the site's, so that a probe can watch it drain.
pub(super) async fn start_metrics(app: &App, config: &Config) -> Result<(CancellationToken, Option<tokio::task::JoinHandle<()>>), Stop> {
    let end = CancellationToken::new();
    if config.metrics.listen.is_empty() {
        return Ok((end, None));
    }
    let address = config.metrics.listen.parse().map_err(|e| Stop::Refused(format!("metrics.listen: {e}")))?;
    let (local, task) = numbers::listen(app, address, end.clone()).await?;
    tracing::info!(address = %local, "metrics");
    Ok((end, Some(task)))
}
