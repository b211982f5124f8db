//! Logs: structured, on standard error, so that standard output stays for what a command answers.
//!
//! What would surprise you: only the house is heard below `info`, whatever filter the operator writes. Crates that read messages, mails
//! or requests for us print them there, and what is sealed must not stand in a log.

use crate::config::{LogConfig, LogFormat};
use std::io::IsTerminal;
use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Our crates, and the target under which requests are logged.
const HOUSE: [&str; 21] = [
    "access",
    "accounts",
    "acme",
    "billing",
    "client_certificates",
    "countersign",
    "countersign_tested",
    "domains",
    "download",
    "edge",
    "egress",
    "evidence",
    "issuing",
    "kernel",
    "keys",
    "mail",
    "messages",
    "openapi",
    "quota",
    "store",
    "web",
];
/// They quote the text of messages at any level.
const NEVER: [&str; 4] = ["ammonia", "html5ever", "markup5ever", "pulldown_cmark"];

/// Starts logging for the process. A filter that cannot be read is said so and becomes `info`. A second call does nothing.
pub fn start(config: &LogConfig) {
    // The migrator tells every step twice; what it applied is logged by us.
    let filter = EnvFilter::try_new(format!("sea_orm_migration=warn,{}", config.level));
    let bad = filter.as_ref().err().map(ToString::to_string);
    // With a hint of its own it leaves the filter's in force: else `log` would format every line of every crate.
    let heard = filter_fn(may_be_heard).with_max_level_hint(LevelFilter::TRACE);
    let heard = filter.unwrap_or_else(|_| EnvFilter::new("info")).and(heard);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
    };
    let started = tracing_subscriber::registry().with(lines.with_filter(heard)).try_init();
    if let (Ok(()), Some(bad)) = (started, bad) {
        tracing::warn!(level = config.level, bad, "log.level is not a filter; using info");
    }
}

/// A part of `filter` that would hear nothing or everything where somebody meant a level: a lone word is read as a target's name.
pub fn odd_part(filter: &str) -> Option<&str> {
    let level = |word: &str| word.parse::<LevelFilter>().is_ok() && !word.bytes().all(|b| b.is_ascii_digit());
    filter.split(',').map(str::trim).find(|part| !level(part.rsplit('=').next().unwrap_or_default()))
}

fn may_be_heard(about: &Metadata<'_>) -> bool {
    let by = about.target().split("::").next().unwrap_or_default();
    HOUSE.contains(&by) || (*about.level() <= Level::INFO && !NEVER.contains(&by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_s_odd_part_is_named() {
        for fine in ["info", "WARN", "off", "info,store=debug", "warn, mail=trace", "store::jobs=debug,error"] {
            assert_eq!(odd_part(fine), None, "{fine}");
        }
        for (odd, part) in
            [("warning", "warning"), ("loud", "loud"), ("info,verbose", "verbose"), ("store=chatty", "store=chatty"), ("3", "3")]
        {
            assert_eq!(odd_part(odd), Some(part));
        }
    }

    #[test]
    fn the_house_is_all_our_crates() {
        let lock = include_str!("../../Cargo.lock");
        let packages = lock.split("[[package]]").skip(1).filter(|package| !package.contains("\nsource ="));
        let names = packages.filter_map(|package| package.split('"').nth(1)).filter(|name| !["bench", "tests"].contains(name));
        let mut house: Vec<_> = names.map(|name| name.replace('-', "_")).chain(["access".into(), "countersign_tested".into()]).collect();
        house.sort();
        assert_eq!(house, HOUSE);
    }
}
