//! What was measured, as Markdown: medians over the turns, and the median of each turn's own ratio.

use crate::{
    load::Measured,
    options::Kind,
    raw::RawRate,
    scenarios::{files::Passed, relay::Relayed},
};
use std::{fmt, time::Duration};

const MIB: f64 = (1u64 << 20) as f64;

pub struct Report {
    kind: Kind,
    lines: Vec<Line>,
    pub files: Vec<FileLine>,
    pub relayed: Relayed,
    pub memory: Memory,
    pub ready_after: Duration,
}

/// One scenario at one number of clients, turn by turn.
pub struct Line {
    what: &'static str,
    clients: usize,
    pub product: Vec<Measured>,
    pub raw: Vec<RawRate>,
    pub hello: Vec<Measured>,
}

pub struct FileLine {
    what: &'static str,
    bytes: u64,
    pub product: Vec<Passed>,
    pub plain: Vec<Passed>,
}

/// Bytes of the server's process tree.
#[derive(Default)]
pub struct Memory {
    pub at_rest: u64,
    pub after_load: u64,
}

impl Report {
    pub fn new(kind: Kind) -> Report {
        let (relayed, memory) = (Relayed::default(), Memory::default());
        Report { kind, lines: Vec::new(), files: Vec::new(), relayed, memory, ready_after: Duration::ZERO }
    }
    /// Shows the line at once, too: a run takes minutes.
    pub fn add(&mut self, line: Line) {
        if line.product.is_empty() {
            return;
        }
        eprint!("{}", Row { line: &line, postgres: self.kind == Kind::Postgres });
        self.lines.push(line);
    }
}

impl Line {
    pub fn new(what: &'static str, clients: usize) -> Line {
        Line { what, clients, product: Vec::new(), raw: Vec::new(), hello: Vec::new() }
    }
}

impl FileLine {
    pub fn new(what: &'static str, bytes: u64) -> FileLine {
        FileLine { what, bytes, product: Vec::new(), plain: Vec::new() }
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The middle of what `of` says of each turn; a dash where there was none.
fn middle<T>(turns: &[T], digits: usize, of: impl Fn(&T) -> f64) -> String {
    median(turns.iter().map(of)).map_or("–".to_owned(), |value| format!("{value:.digits$}"))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let postgres = self.kind == Kind::Postgres;
        writeln!(f, "## {}\n", if postgres { "PostgreSQL" } else { "SQLite" })?;
        write!(f, "| | clients | a second | p50 ms | p99 ms | server µs |")?;
        write!(f, "{}", if postgres { " database µs | together µs |" } else { "" })?;
        writeln!(f, " raw loop a second | raw µs | of the raw loop | hello a second | hello µs |")?;
        writeln!(f, "|---|{}", "--:|".repeat(if postgres { 12 } else { 10 }))?;
        for line in &self.lines {
            write!(f, "{}", Row { line, postgres })?;
        }
        writeln!(f, "\n| file | MiB | MiB/s | server s a GiB | more memory, MiB | plain MiB/s | plain s a GiB | of plain |")?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|--:|--:|")?;
        for line in &self.files {
            line.write(f)?;
        }
        let Relayed { rate, server_us, database_us } = self.relayed;
        writeln!(f, "\nAccepted and relayed, 16 clients: {rate:.0} a second, {server_us:.0} µs server, {database_us:.0} µs database.")?;
        let (rest, load) = (self.memory.at_rest as f64 / MIB, self.memory.after_load as f64 / MIB);
        writeln!(
            f,
            "Memory: {rest:.1} MiB at rest, {load:.1} MiB after the load. Answers {} ms after its start.",
            self.ready_after.as_millis()
        )
    }
}

/// One line of the table.
struct Row<'l> {
    line: &'l Line,
    postgres: bool,
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { what, clients, product, raw, hello } = self.line;
        let of = |digits, what: fn(&Measured) -> f64| middle(product, digits, what);
        write!(f, "| {what} | {clients} | {} |", of(0, |m| m.rate))?;
        write!(f, " {} | {} |", of(2, |m| m.p50.as_secs_f64() * 1e3), of(2, |m| m.p99.as_secs_f64() * 1e3))?;
        write!(f, " {} |", of(0, |m| m.server_us))?;
        if self.postgres {
            write!(f, " {} | {} |", of(0, |m| m.database_us), of(0, |m| m.server_us + m.database_us))?;
        }
        let ratio = median(product.iter().zip(raw).map(|(product, raw)| product.rate / raw.rate));
        let ratio = ratio.map_or("–".into(), |r| format!("{r:.2}"));
        write!(f, " {} | {} | {ratio} |", middle(raw, 0, |r| r.rate), middle(raw, 0, |r| r.cpu_us))?;
        writeln!(f, " {} | {} |", middle(hello, 0, |m| m.rate), middle(hello, 1, |m| m.server_us))
    }
}

impl FileLine {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (up, mib) = (self.what, self.bytes >> 20);
        write!(f, "| {up} | {mib} | {} |", middle(&self.product, 0, |p| p.bytes_a_second / MIB))?;
        let most = self.product.iter().map(|p| p.more_memory).max().unwrap_or_default() as f64 / MIB;
        write!(f, " {} | {most:.1} |", middle(&self.product, 2, |p| p.cpu_a_gib))?;
        let pairs = self.product.iter().zip(&self.plain);
        let ratio = median(pairs.map(|(product, plain)| product.bytes_a_second / plain.bytes_a_second)).unwrap_or_default();
        write!(f, " {} | {} |", middle(&self.plain, 0, |p| p.bytes_a_second / MIB), middle(&self.plain, 2, |p| p.cpu_a_gib))?;
        writeln!(f, " {ratio:.2} |")
    }
}
