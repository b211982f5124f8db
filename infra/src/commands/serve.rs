//! `countersign serve`: site, API and worker in one process.

use super::{Stop, migrate::prepare_schema};
use crate::{App, Config, Outside, numbers, until_told_to_stop};
use kernel::Fault;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves until SIGTERM or Ctrl-C, then drains: requests first, then jobs, then the database is closed.
pub async fn serve(config: &Config, migrate: bool) -> Result<(), Stop> {
    prepare_schema(config, migrate).await?;
    let app = App::build(config, Outside::real(config)?).await?;
    let stop = until_told_to_stop()?;
    let address = config.listen.http;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|e| {
        Stop::Refused(format!("Cannot listen on {address}: {e}. Another process may be there; change listen.http or stop it."))
    })?;
    let (end_metrics, metrics) = start_metrics(&app, config).await?;
    tracing::info!(address = %listener.local_addr().map_err(Fault::from)?, site = app.site.base(), "serving");
    let worker = tokio::spawn({
        let (app, stop) = (app.clone(), stop.clone());
        async move { app.worker(stop).await }
    });
    let served = app.serve(listener, stop.clone()).await;
    stop.cancel();
    if let Err(error) = worker.await {
        tracing::error!(%error, "the worker ended badly");
    }
    end_metrics.cancel();
    if let Some(task) = metrics {
        let _ = task.await;
    }
    app.db.close().await;
    tracing::info!("stopped");
    Ok(served?)
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
