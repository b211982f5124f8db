//! One database from an empty directory to the table: every scenario, product and comparison in turns.

use crate::{
    Result,
    bare::Bare,
    load::{Bounds, Meter},
    options::{Kind, Options, Scenario},
    plant::{Office, Rooms},
    postgres::Cluster,
    process::Tree,
    raw::{RawPostgres, RawSqlite},
    report::{FileLine, Line, Memory, Report},
    scenarios::{
        Stage, files, look, pick_up,
        relay::{self, Relayed},
        send::Send,
    },
    server::{Place, Server, Worker},
    sink::Sink,
    template::Template,
};
use std::time::Duration;

/// Tenants that take turns.
const OFFICES: u8 = 16;
/// After the start, before memory is called at rest.
const REST: Duration = Duration::from_secs(2);

/// Sends that are mailed too; mailing takes longer than accepting.
const RELAYED: usize = 5_000;

/// One server on one database.
struct Site<'o> {
    options: &'o Options,
    place: Place,
    offices: Vec<Office>,
    database: Option<Tree>,
    bare: Bare,
}

/// The raw loop of whichever database.
enum Raw {
    Sqlite(Box<RawSqlite>),
    Postgres { url: String, template: Box<Template>, database: Tree },
}

pub async fn on_sqlite(options: &Options, template: &Template) -> Result<Report> {
    let raw_place = Place::new("")?;
    Rooms::open(&raw_place.config(Worker::Away)?).await?.close().await;
    let raw = RawSqlite::open(&raw_place.path().join("countersign.db"), template)?;
    let (first, second) = (Site::found(options, "", None).await?, Site::found(options, "", None).await?);
    measure(Kind::Sqlite, first, second, Raw::Sqlite(Box::new(raw))).await
}

pub async fn on_postgres(options: &Options, template: &Template) -> Result<Report> {
    let cluster = Cluster::start().await?;
    let (raw_owner, url) = cluster.database().await;
    Rooms::open(&Place::new(&raw_owner)?.config(Worker::Away)?).await?.close().await;
    let database = Some(cluster.tree);
    let first = Site::found(options, &cluster.database().await.0, database).await?;
    let second = Site::found(options, &cluster.database().await.0, database).await?;
    let raw = Raw::Postgres { url, template: Box::new(template.clone()), database: cluster.tree };
    measure(Kind::Postgres, first, second, raw).await
}

/// `second`: where the worker relays, from an empty job table.
async fn measure(kind: Kind, first: Site<'_>, second: Site<'_>, mut raw: Raw) -> Result<Report> {
    let (mut report, options) = (Report::new(kind), first.options);
    load(&first, &mut raw, &mut report).await?;
    if options.wants(Scenario::Files) {
        all_files(&first, &mut report).await?;
    }
    if options.wants(Scenario::Relay) {
        report.relayed = relayed(&second).await?;
    }
    Ok(report)
}

async fn load(site: &Site<'_>, raw: &mut Raw, report: &mut Report) -> Result<()> {
    let options = site.options;
    let server = site.start(Worker::Away)?;
    tokio::time::sleep(REST).await;
    report.memory = Memory { at_rest: server.tree().memory()?, ..Memory::default() };
    report.ready_after = server.ready_after;
    let stage = site.stage(&server);
    for clients in options.clients.iter().copied() {
        if options.wants(Scenario::Send) {
            sends(&stage, clients, site.offices.len(), options.pairs, raw, report).await?;
        }
        if options.wants(Scenario::Pickup) {
            pickups(&stage, clients, options, raw, report).await?;
        }
        looks(&stage, clients, options, report).await?;
    }
    if options.wants(Scenario::Send) {
        sends(&stage, 16, 1, options.pairs, raw, report).await?;
    }
    report.memory.after_load = server.tree().memory()?;
    server.stop()
}

async fn relayed(site: &Site<'_>) -> Result<Relayed> {
    let sink = Sink::start().await?;
    let server = site.start(Worker::Within(sink.port))?;
    let stage = site.stage(&server);
    let bounds = Bounds { operations: stage.bounds.operations.min(RELAYED), ..stage.bounds };
    let relayed = relay::measure(&stage, &sink, 16, bounds).await?;
    server.stop()?;
    Ok(relayed)
}

impl<'o> Site<'o> {
    async fn found(options: &'o Options, url: &str, database: Option<Tree>) -> Result<Site<'o>> {
        let place = Place::new(url)?;
        let rooms = Rooms::open(&place.config(Worker::Away)?).await?;
        let mut offices = Vec::new();
        for n in 0..OFFICES {
            offices.push(rooms.office(n).await?);
        }
        rooms.close().await;
        let bare = Bare::start(place.path())?;
        Ok(Site { options, place, offices, database, bare })
    }
    fn start(&self, worker: Worker) -> Result<Server> {
        Server::start(&self.options.server, &self.place, worker)
    }
    fn stage<'s>(&'s self, server: &'s Server) -> Stage<'s> {
        let bounds = Bounds { time: self.options.time(), operations: self.options.operations };
        let meter = Meter { server: server.tree(), database: self.database };
        Stage { server, meter, offices: &self.offices, bare: &self.bare, bounds }
    }
}

async fn sends(stage: &Stage<'_>, clients: usize, offices: usize, pairs: usize, raw: &mut Raw, report: &mut Report) -> Result<()> {
    let what = if offices == 1 { "send, one tenant" } else { "send" };
    let mut line = Line::new(what, clients);
    let send = Send::from(stage, offices);
    let mut connections = raw.connections(clients).await?;
    for _ in 0..pairs {
        line.product.push(stage.run(clients, stage.bounds, &send).await?);
        line.raw.push(raw.sends(&mut connections, stage.bounds.time)?);
        line.hello.push(stage.hello(clients).await?);
    }
    report.add(line);
    Ok(())
}

async fn pickups(stage: &Stage<'_>, clients: usize, options: &Options, raw: &mut Raw, report: &mut Report) -> Result<()> {
    let mut lines = ["first page", "pickup", "content again"].map(|what| Line::new(what, clients));
    let bounds = Bounds { operations: options.pickups, ..stage.bounds };
    for _ in 0..options.pairs {
        let way = pick_up::measure(stage, clients, bounds).await?;
        if let Raw::Sqlite(raw) = raw {
            lines[1].raw.push(raw.pickups(stage.bounds.time)?);
        }
        let hello = stage.hello(clients).await?;
        for (line, measured) in lines.iter_mut().zip([way.first_page, way.pickup, way.again]) {
            line.product.push(measured);
            line.hello.push(hello.clone());
        }
    }
    lines.into_iter().for_each(|line| report.add(line));
    Ok(())
}

async fn looks(stage: &Stage<'_>, clients: usize, options: &Options, report: &mut Report) -> Result<()> {
    let (list, message) = (look::sent_list(stage), look::one_message(stage).await?);
    for (scenario, what, journey) in [(Scenario::List, "sent list page", &list), (Scenario::Read, "API read", &message)] {
        let mut line = Line::new(what, clients);
        for _ in (0..options.pairs).filter(|_| options.wants(scenario)) {
            line.product.push(stage.run(clients, stage.bounds, journey).await?);
            line.hello.push(stage.hello(clients).await?);
        }
        report.add(line);
    }
    Ok(())
}

/// On a server just started, so that the memory is that of the file alone.
async fn all_files(site: &Site<'_>, report: &mut Report) -> Result<()> {
    let server = site.start(Worker::Away)?;
    let stage = site.stage(&server);
    let bytes = site.options.file_mib << 20;
    let (mut up, mut down) = (FileLine::new("up", bytes), FileLine::new("down", bytes));
    for _ in 0..site.options.pairs {
        let (product, plain) = (files::product(&stage, bytes).await?, files::plain(&stage, bytes).await?);
        up.product.push(product.0);
        down.product.push(product.1);
        up.plain.push(plain.0);
        down.plain.push(plain.1);
    }
    report.files.extend([up, down]);
    server.stop()
}

impl Raw {
    /// PostgreSQL: as many connections as the product has clients, at most its own pool.
    async fn connections(&self, clients: usize) -> Result<Option<RawPostgres>> {
        match self {
            Raw::Sqlite(_) => Ok(None),
            Raw::Postgres { url, template, database } => Ok(Some(RawPostgres::open(url, clients.min(16), template, *database).await?)),
        }
    }
    fn sends(&mut self, connections: &mut Option<RawPostgres>, time: Duration) -> Result<crate::raw::RawRate> {
        match (self, connections) {
            (Raw::Sqlite(raw), _) => raw.sends(time),
            (_, Some(connections)) => connections.sends(time),
            (_, None) => Err("no connections".into()),
        }
    }
}
