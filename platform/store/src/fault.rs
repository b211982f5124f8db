//! What the databases complain about, as kinds that rooms treat differently. `DbErr::sql_err` of sea-orm knows sqlx alone, so
//! both vocabularies are read here.

use kernel::{Fault, FaultKind};
use rusqlite::ffi;

/// SQLite's extended result codes (<https://sqlite.org/rescode.html>).
pub(crate) fn of_lite(what: &str, error: rusqlite::Error) -> Fault {
    let kind = match &error {
        rusqlite::Error::SqliteFailure(failure, _) => lite_kind(failure.extended_code),
        _ => FaultKind::Other,
    };
    Fault::from_error(kind, what, error)
}

fn lite_kind(extended: i32) -> FaultKind {
    match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => FaultKind::Unique,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => FaultKind::ForeignKey,
        code => match code & 0xff {
            ffi::SQLITE_FULL => FaultKind::Full,
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => FaultKind::Retry,
            ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN | ffi::SQLITE_READONLY => FaultKind::Unavailable,
            _ => FaultKind::Other,
        },
    }
}

/// Whether an fsync failed: what the kernel then still holds of earlier writes cannot be known.
pub(crate) fn is_failed_sync(error: &rusqlite::Error) -> bool {
    let extended = match error {
        rusqlite::Error::SqliteFailure(failure, _) => failure.extended_code,
        _ => return false,
    };
    matches!(extended, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
}

/// After a failed fsync the kernel may have dropped pages that it calls clean, so a later write would promise what is not there.
/// Starting again reads what is really on the disk.
pub(crate) fn failed_sync(error: &dyn std::fmt::Display) -> ! {
    tracing::error!(%error, "the disk did not take a write (fsync failed); stopping so that nothing is promised in vain");
    std::process::abort()
}

/// PostgreSQL's SQLSTATE (manual, appendix A) and what sqlx finds by itself.
pub(crate) fn of_pg(what: &str, error: sqlx::Error) -> Fault {
    Fault::from_error(sqlx_kind(&error), what, error)
}

/// Of COMMIT itself: whoever is away now may have taken it before.
pub(crate) fn of_pg_commit(error: sqlx::Error) -> Fault {
    let kind = match sqlx_kind(&error) {
        FaultKind::Unavailable => FaultKind::Uncertain,
        kind => kind,
    };
    Fault::from_error(kind, "committing", error)
}

fn sqlx_kind(error: &sqlx::Error) -> FaultKind {
    match error {
        sqlx::Error::Database(e) => pg_kind(e.code().as_deref().unwrap_or_default()),
        // A protocol error is a connection that broke off in the middle of an answer.
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => FaultKind::Unavailable,
        _ => FaultKind::Other,
    }
}

fn pg_kind(state: &str) -> FaultKind {
    match state {
        "23505" => FaultKind::Unique,
        "23503" => FaultKind::ForeignKey,
        "40001" | "40P01" => FaultKind::Retry,
        "53100" => FaultKind::Full,
        // Cancelled by a timeout of ours, lock not available, a standby or a server that was told to take no writes; below, shutdown and
        // connection trouble.
        "57014" | "55P03" | "25006" => FaultKind::Unavailable,
        _ if ["08", "53", "57"].iter().any(|class| state.starts_with(class)) => FaultKind::Unavailable,
        _ => FaultKind::Other,
    }
}

/// An error of sea-orm's own, met while migrating or while a row is read into its struct.
pub(crate) fn of_orm(what: &str, error: sea_orm::DbErr) -> Fault {
    Fault::from_error(FaultKind::Other, what, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_mean_the_same() {
        assert_eq!((lite_kind(2067), pg_kind("23505")), (FaultKind::Unique, FaultKind::Unique));
        assert_eq!((lite_kind(1555), pg_kind("23505")), (FaultKind::Unique, FaultKind::Unique));
        assert_eq!((lite_kind(787), pg_kind("23503")), (FaultKind::ForeignKey, FaultKind::ForeignKey));
        assert_eq!((lite_kind(13), pg_kind("53100")), (FaultKind::Full, FaultKind::Full));
        assert_eq!((lite_kind(5), pg_kind("40P01")), (FaultKind::Retry, FaultKind::Retry));
        assert_eq!((lite_kind(778), pg_kind("57P01")), (FaultKind::Unavailable, FaultKind::Unavailable));
        assert_eq!((lite_kind(8), pg_kind("25006")), (FaultKind::Unavailable, FaultKind::Unavailable));
        assert_eq!((lite_kind(19), pg_kind("42P01")), (FaultKind::Other, FaultKind::Other));
    }
}
