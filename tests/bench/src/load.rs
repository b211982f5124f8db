//! The closed loop: so many clients, each asking again as soon as it was answered.

use crate::{Result, client::Client, process::Tree};
use futures_util::future::try_join_all;
use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    time::{Duration, Instant},
};

/// What one client does again and again.
pub trait Journey {
    /// `turn` counts the operations of all clients from 0; an `Err` ends the run.
    fn go(&self, client: &mut Client, turn: usize) -> impl Future<Output = Result<()>>;
}

/// How long a run may last; whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub time: Duration,
    pub operations: usize,
}

/// Whose processor time counts.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    pub server: Tree,
    pub database: Option<Tree>,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub rate: f64,
    pub p50: Duration,
    pub p99: Duration,
    /// Microseconds an operation.
    pub server_us: f64,
    pub database_us: f64,
}

/// Warms up with a tenth of the bounds, then measures. `turn` goes on from `first`; answers what it came to and the next turn.
pub async fn run(
    address: SocketAddr,
    clients: usize,
    bounds: Bounds,
    meter: Meter,
    first: usize,
    journey: &impl Journey,
) -> Result<(Measured, usize)> {
    let mut open = try_join_all((0..clients).map(|_| Client::open(address))).await?;
    let warm = Bounds { time: bounds.time / 10, operations: bounds.operations / 10 };
    let (_, first) = drive(&mut open, warm, first, journey).await?;
    let before = meter.read()?;
    let began = Instant::now();
    let (mut took, next) = drive(&mut open, bounds, first, journey).await?;
    let seconds = began.elapsed().as_secs_f64();
    let after = meter.read()?;
    took.sort_unstable();
    let at = |part: f64| took.get(((took.len() as f64 * part) as usize).min(took.len().saturating_sub(1))).copied().unwrap_or_default();
    let each = |from: Duration, to: Duration| (to.saturating_sub(from)).as_secs_f64() * 1e6 / took.len() as f64;
    let measured = Measured {
        rate: took.len() as f64 / seconds,
        p50: at(0.5),
        p99: at(0.99),
        server_us: each(before.0, after.0),
        database_us: each(before.1, after.1),
    };
    Ok((measured, next))
}

impl Meter {
    pub fn read(&self) -> Result<(Duration, Duration)> {
        let database = self.database.map(Tree::cpu).transpose()?;
        Ok((self.server.cpu()?, database.unwrap_or_default()))
    }
}

async fn drive(clients: &mut [Client], bounds: Bounds, first: usize, journey: &impl Journey) -> Result<(Vec<Duration>, usize)> {
    let turn = Cell::new(first);
    let took = RefCell::new(Vec::new());
    let (until, last) = (Instant::now() + bounds.time, first + bounds.operations);
    let one = async |client: &mut Client| {
        while Instant::now() < until && turn.get() < last {
            let mine = turn.replace(turn.get() + 1);
            let began = Instant::now();
            journey.go(client, mine).await?;
            took.borrow_mut().push(began.elapsed());
        }
        Ok::<_, crate::Error>(())
    };
    try_join_all(clients.iter_mut().map(one)).await?;
    Ok((took.into_inner(), turn.get()))
}
