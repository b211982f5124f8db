//! Sends with the worker in the same process: accepted, mailed to a relay on this machine, and the relay's answer recorded.

use super::{Stage, send::Send};
use crate::{
    Result,
    load::{self, Bounds},
    sink::Sink,
};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);
/// After the last mail was taken its evidence is still to be committed.
const REST: Duration = Duration::from_millis(500);

/// What a send came to, to the end of its notice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relayed {
    pub rate: f64,
    pub server_us: f64,
    pub database_us: f64,
}

pub async fn measure(stage: &Stage<'_>, sink: &Sink, clients: usize, bounds: Bounds) -> Result<Relayed> {
    let send = Send::from(stage, stage.offices.len());
    let (before, taken, began) = (stage.meter.read()?, sink.taken(), Instant::now());
    let (_, sent) = load::run(stage.host(), clients, bounds, stage.meter, 0, &send).await?;
    while sink.taken() - taken < sent as u64 {
        if began.elapsed() > PATIENCE {
            return Err(format!("{} of {sent} notices were mailed", sink.taken() - taken).into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    tokio::time::sleep(REST).await;
    let after = stage.meter.read()?;
    let each = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64() * 1e6 / sent as f64;
    Ok(Relayed { rate: sent as f64 / seconds, server_us: each(before.0, after.0), database_us: each(before.1, after.1) })
}
