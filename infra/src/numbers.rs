//! Numbers for Prometheus: what was answered, what ran, what waits. Served on a listener of their own.
//!
//! What would surprise you: labels are closed sets (route classes, job kinds), so nobody outside can make the series grow.

use crate::{App, front};
use kernel::Fault;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use poem::{Endpoint, EndpointExt, Response, Route, endpoint::make, get, http::StatusCode};
use std::{net::SocketAddr, sync::OnceLock, time::Duration};
use store::JobCounts;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Seconds; a page takes milliseconds, an upload minutes.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Old samples are folded this often.
const UPKEEP: Duration = Duration::from_secs(5);
/// Linux says memory in pages.
const PAGE_BYTES: f64 = 4096.0;

/// One request was answered.
pub fn request(class: &'static str, status: u16, took: Duration) {
    metrics::counter!("countersign_requests_total", "route" => class, "status" => status_class(status)).increment(1);
    metrics::histogram!("countersign_request_seconds", "route" => class).record(took);
}

/// One job ended: done, again, waits, parked, or fenced (a later attempt has it).
pub fn job(kind: &str, end: &'static str, took: Duration) {
    metrics::counter!("countersign_jobs_total", "kind" => kind.to_owned(), "end" => end).increment(1);
    metrics::histogram!("countersign_job_seconds", "kind" => kind.to_owned()).record(took);
}

fn status_class(status: u16) -> &'static str {
    match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// Starts counting, once a process; without it every count costs one branch.
fn recorder() -> Result<&'static PrometheusHandle, Fault> {
    if let Some(handle) = RECORDER.get() {
        return Ok(handle);
    }
    let handle = install().map_err(|e| Fault::other(format!("metrics cannot be counted: {e}")))?;
    Ok(RECORDER.get_or_init(|| handle))
}

fn install() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)?.install_recorder()
}

/// Serves `/metrics`, `/live` and `/ready` until `stop`; the address it got, and the task.
pub async fn listen(app: &App, address: SocketAddr, stop: CancellationToken) -> Result<(SocketAddr, JoinHandle<()>), Fault> {
    let handle = recorder()?;
    let listener = TcpListener::bind(address).await.map_err(|e| Fault::other(format!("metrics.listen {address}: {e}")))?;
    let local = listener.local_addr()?;
    let routes = endpoint(app, handle);
    let acceptor = poem::listener::TcpAcceptor::from_tokio(listener)?;
    let task = tokio::spawn(async move {
        let upkeep = async {
            loop {
                tokio::time::sleep(UPKEEP).await;
                handle.run_upkeep();
            }
        };
        let serve =
            poem::Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(routes, stop.cancelled(), Some(Duration::from_secs(1)));
        tokio::select! {
            ended = serve => if let Err(error) = ended { tracing::error!(%error, "the metrics listener ended") },
            () = upkeep => {}
        }
    });
    Ok((local, task))
}

fn endpoint(app: &App, handle: &'static PrometheusHandle) -> impl Endpoint + 'static {
    let app_for_metrics = app.clone();
    Route::new()
        .at(
            "/metrics",
            get(make(move |_| {
                let app = app_for_metrics.clone();
                async move { render(&app, handle).await }
            })),
        )
        .at("/live", get(make(|_| async { front::live() })))
        .at("/ready", get(front::ready(app)))
        .catch_all_error(|error: poem::Error| async move { Response::builder().status(error.status()).body(()) })
}

async fn render(app: &App, handle: &PrometheusHandle) -> Response {
    let stats = app.db.stats();
    metrics::counter!("countersign_commits_total").absolute(stats.commits);
    metrics::counter!("countersign_acts_total").absolute(stats.acts);
    metrics::gauge!("countersign_writer_waiting").set(stats.writer_waiting as f64);
    if let Ok(JobCounts { queued, running, parked, failed_before }) = app.db.jobs().counts().await {
        for (state, count) in [("queued", queued), ("running", running), ("parked", parked), ("failed_before", failed_before)] {
            metrics::gauge!("countersign_jobs", "state" => state).set(count as f64);
        }
    }
    metrics::gauge!("countersign_disk_low").set(f64::from(app.db.disk().is_low()));
    for (outcome, count) in app.mailer.tally().counts() {
        metrics::counter!("countersign_mails_total", "outcome" => outcome).absolute(count);
    }
    if let Some(bytes) = resident_bytes() {
        metrics::gauge!("process_resident_memory_bytes").set(bytes);
    }
    Response::builder().status(StatusCode::OK).content_type("text/plain; version=0.0.4; charset=utf-8").body(handle.render())
}

/// Second field of `/proc/self/statm` (proc_pid_statm(5)); nowhere but on Linux.
fn resident_bytes() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split(' ').nth(1)?.parse::<f64>().ok().map(|pages| pages * PAGE_BYTES)
}
