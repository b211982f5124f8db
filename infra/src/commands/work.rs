//! `countersign work`: the worker alone, beside other processes on the same PostgreSQL database.

use super::{Stop, migrate::prepare_schema, serve::start_metrics};
use crate::{App, Config, Outside, until_told_to_stop};

/// Runs jobs until SIGTERM or Ctrl-C, finishes those in hand, then closes the database.
pub async fn work(config: &Config, migrate: bool) -> Result<(), Stop> {
    prepare_schema(config, migrate).await?;
    let app = App::build(config, Outside::real(config)?).await?;
    let stop = until_told_to_stop()?;
    let (end_metrics, metrics) = start_metrics(&app, config).await?;
    tracing::info!(concurrency = config.worker.concurrency, "working");
    let draining = app.draining().clone();
    let told = stop.clone();
    tokio::spawn(async move {
        told.cancelled().await;
        draining.begin();
    });
    app.worker(stop).await;
    end_metrics.cancel();
    if let Some(task) = metrics {
        let _ = task.await;
    }
    app.db.close().await;
    tracing::info!("stopped");
    Ok(())
}
