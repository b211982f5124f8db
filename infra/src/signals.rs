//! SIGTERM and Ctrl-C: both mean "finish what you do, then go".

use kernel::Fault;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first SIGTERM or SIGINT; a second one ends the process at once.
pub fn until_told_to_stop() -> Result<CancellationToken, Fault> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::info!("told to stop");
        told.cancel();
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::warn!("told to stop again; leaving at once");
        std::process::exit(130);
    });
    Ok(stop)
}
