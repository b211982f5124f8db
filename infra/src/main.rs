//! The program: reads the command line, then does one of `countersign::commands`.

use clap::{Parser, Subcommand};
use countersign::{
    Config,
    commands::{self, Stop},
    config::{LogConfig, LogFormat},
    demo::{self, Demo},
    logs,
};
use std::{io::Write, net::SocketAddr, path::PathBuf, process::ExitCode};

/// Certified mail for anyone with a browser and a mailbox.
#[derive(Parser)]
#[command(name = "countersign", version, about, arg_required_else_help = true)]
struct Line {
    /// The configuration file [default: $COUNTERSIGN_CONFIG, ./countersign.toml, /etc/countersign/countersign.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look around without any set-up: sample data, mail shown at /_mail
    Demo {
        /// Keep everything in this directory [default: a temporary one]
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Where to listen [default: 127.0.0.1:8080, or a free port when that is taken]
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<SocketAddr>,
        /// Serve https under a CA of our own, as on a machine without a public name
        #[arg(long)]
        tls: bool,
        /// Print one line of JSON: url, email, password, api_key (and ca, with --tls)
        #[arg(long)]
        json: bool,
    },
    /// Run the site, the API and the worker
    Serve {
        /// Apply pending migrations first (SQLite always does)
        #[arg(long)]
        migrate: bool,
    },
    /// Run the worker alone
    Work {
        /// Apply pending migrations first (SQLite always does)
        #[arg(long)]
        migrate: bool,
    },
    /// Bring the database up to date
    Migrate,
    /// Say what is wrong with this set-up and what to do about it
    Doctor,
    /// Print the whole annotated default configuration
    Config {
        /// Check this file instead
        #[arg(long, value_name = "FILE")]
        check: Option<PathBuf>,
    },
    /// Look after tenants, evidence, jobs and certificates
    #[command(subcommand)]
    Admin(Admin),
}

#[derive(Subcommand)]
enum Admin {
    /// Tenants: list, suspend, restore
    #[command(subcommand)]
    Tenant(Tenant),
    /// Evidence: verify
    #[command(subcommand)]
    Evidence(Evidence),
    /// Jobs: replay
    #[command(subcommand)]
    Job(Job),
    /// Certificates that are ordered from a CA: list, want, unwant
    #[command(subcommand)]
    Certificate(Certificate),
}

#[derive(Subcommand)]
enum Certificate {
    /// Every name, until when its certificate is good, and what the CA said last
    List,
    /// Keep a certificate for one more name of the site's
    Want { name: String },
    /// Undo that
    Unwant { name: String },
}

#[derive(Subcommand)]
enum Job {
    /// Queue the jobs again that were parked after too many tries
    Replay,
}

#[derive(Subcommand)]
enum Tenant {
    /// Every tenant, one a line
    List,
    /// Sign-in, API and sending stop; recipients go on picking up
    Suspend { id: String },
    /// Undo a suspension
    Restore { id: String },
}

#[derive(Subcommand)]
enum Evidence {
    /// Recompute the evidence chain of one tenant, or of all
    Verify { id: Option<String> },
}

fn main() -> ExitCode {
    countersign::install_cryptography();
    let line = Line::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(Stop::Refused(format!("The system gives us no threads: {error}")))),
    };
    let ended = runtime.block_on(run(line));
    // A blocking task that hangs must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    end(ended)
}

/// Text for standard output; an `Err` goes to standard error.
fn end(ended: Result<String, Stop>) -> ExitCode {
    match ended {
        Ok(text) => {
            // A reader that went away (`| head`) is no failure of ours.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(stop) => {
            let _ = writeln!(std::io::stderr(), "{stop}");
            ExitCode::from(stop.exit_code())
        }
    }
}

async fn run(line: Line) -> Result<String, Stop> {
    let named = line.config.as_deref();
    match line.command {
        Command::Config { check: None } => return Ok(commands::print()),
        Command::Config { check: Some(file) } => return commands::check(&file),
        Command::Demo { data, listen, tls, json } => {
            let level = if json { "info" } else { "warn" };
            logs::start(&LogConfig { format: LogFormat::Text, level: level.into() });
            demo::demo(&Demo { data, listen, tls, json }, &mut std::io::stdout()).await?;
            return Ok(String::new());
        }
        _ => {}
    }
    let config = Config::load(named)?;
    let quiet = LogConfig { level: "warn".into(), ..config.log.clone() };
    match line.command {
        Command::Serve { migrate } => {
            logs::start(&config.log);
            commands::serve(&config, migrate).await.map(|()| String::new())
        }
        Command::Work { migrate } => {
            logs::start(&config.log);
            commands::work(&config, migrate).await.map(|()| String::new())
        }
        command => {
            logs::start(&quiet);
            operate(&config, command).await
        }
    }
}

async fn operate(config: &Config, command: Command) -> Result<String, Stop> {
    match command {
        Command::Migrate => commands::migrate(config).await,
        Command::Doctor => doctor(config).await,
        Command::Admin(Admin::Tenant(Tenant::List)) => commands::list_tenants(config).await,
        Command::Admin(Admin::Tenant(Tenant::Suspend { id })) => commands::set_tenant_state(config, &id, "suspended").await,
        Command::Admin(Admin::Tenant(Tenant::Restore { id })) => commands::set_tenant_state(config, &id, "active").await,
        Command::Admin(Admin::Evidence(Evidence::Verify { id })) => commands::verify_evidence(config, id.as_deref()).await,
        Command::Admin(Admin::Certificate(Certificate::List)) => commands::list_certificates(config).await,
        Command::Admin(Admin::Certificate(Certificate::Want { name })) => commands::want_certificate(config, &name).await,
        Command::Admin(Admin::Certificate(Certificate::Unwant { name })) => commands::unwant_certificate(config, &name).await,
        Command::Admin(Admin::Job(Job::Replay)) => commands::replay_jobs(config).await,
        Command::Demo { .. } | Command::Serve { .. } | Command::Work { .. } | Command::Config { .. } => unreachable!("done by run"),
    }
}

async fn doctor(config: &Config) -> Result<String, Stop> {
    let checks = commands::doctor(config).await;
    let text: String = checks.iter().map(|check| format!("{check}\n")).collect();
    match checks.iter().filter(|check| check.is_wrong()).count() {
        0 => Ok(format!("{text}\nAll is well.\n")),
        n => Err(Stop::Refused(format!("{text}\n{n} thing(s) need you."))),
    }
}
