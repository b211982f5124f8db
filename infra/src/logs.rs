//! Logs: structured, on standard error, so that standard output stays for what a command answers.

use crate::config::{LogConfig, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging for the process. A filter that cannot be read is said so and becomes `info`. A second call does nothing.
pub fn start(config: &LogConfig) {
    // The migrator tells every step twice; what it applied is logged by us.
    let filter = EnvFilter::try_new(format!("sea_orm_migration=warn,{}", config.level));
    let bad = filter.as_ref().err().map(ToString::to_string);
    let base = tracing_subscriber::fmt().with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new("info"))).with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Json => base.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
        LogFormat::Text => base.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    if let (Ok(()), Some(bad)) = (started, bad) {
        tracing::warn!(level = config.level, bad, "log.level is not a filter; using info");
    }
}
