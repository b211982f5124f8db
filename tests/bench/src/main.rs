//! The load program: what an accepted send, a pickup, a look and a file cost, beside what the database and the HTTP stack give
//! on the same machine in the same minute. `README.md` says how it measures and what it found.

mod bare;
mod client;
mod journeys;
mod load;
mod message;
mod options;
mod plant;
mod postgres;
mod process;
mod raw;
mod report;
mod scenarios;
mod server;
mod sink;
mod template;

use clap::Parser;
use options::{Command, Kind, Options};
use std::process::ExitCode;

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

fn main() -> ExitCode {
    countersign::install_cryptography();
    let options = Options::parse();
    // One thread for the clients: the server has the rest of the machine.
    let ended = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::from).and_then(|runtime| {
        runtime.block_on(async {
            match &options.command {
                Some(Command::Bare { dir }) => bare::serve(dir.clone()).await,
                None => measure(&options).await,
            }
        })
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> Result<()> {
    let template = template::Template::make().await?;
    for kind in &options.database {
        let report = match kind {
            Kind::Sqlite => journeys::on_sqlite(options, &template).await?,
            Kind::Postgres => journeys::on_postgres(options, &template).await?,
        };
        println!("{report}");
    }
    Ok(())
}
