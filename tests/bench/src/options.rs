//! The command line.

use clap::{Parser, Subcommand, ValueEnum};
use std::{path::PathBuf, time::Duration};

/// Measures a release build of Countersign over real HTTP.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The program to measure
    #[arg(long, default_value = "target/release/countersign")]
    pub server: PathBuf,
    /// Which databases
    #[arg(long, value_enum, value_delimiter = ',', default_value = "sqlite,postgres")]
    pub database: Vec<Kind>,
    /// Which scenarios; left out: all
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Scenario>,
    /// How many clients at a time
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    pub clients: Vec<usize>,
    /// Seconds a run lasts at most
    #[arg(long, default_value = "3")]
    pub seconds: f64,
    /// Operations a run lasts at most
    #[arg(long, default_value = "1000000")]
    pub operations: usize,
    /// Pickups a run lasts at most (each needs a message sent before it)
    #[arg(long, default_value = "12000")]
    pub pickups: usize,
    /// How often product, raw loop and bare server take turns
    #[arg(long, default_value = "3")]
    pub pairs: usize,
    /// Size of the file that goes in and out
    #[arg(long, default_value = "1024")]
    pub file_mib: u64,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// The bare server to compare with: "hello", and a plain file in DIR
    #[command(hide = true)]
    Bare { dir: PathBuf },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Sqlite,
    Postgres,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    Send,
    Pickup,
    List,
    Read,
    Files,
    Relay,
}

impl Options {
    pub fn wants(&self, scenario: Scenario) -> bool {
        self.only.is_empty() || self.only.contains(&scenario)
    }
    pub fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}
