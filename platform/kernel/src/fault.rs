//! What is our fault: it travels up with its context, is logged once at the door, and the caller sees a reference number.

use std::{fmt, sync::Arc};

/// Kinds that rooms treat differently; everything else is `Other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A unique constraint did not hold.
    Unique,
    /// A foreign key did not hold.
    ForeignKey,
    /// A serialization failure or deadlock that outlasted the retries.
    Retry,
    /// No room left on the disk (or the database said so).
    Full,
    /// The database, blob store or mail server is away.
    Unavailable,
    /// The database went away while it committed: what was to be kept is there as a whole or not at all, and nobody knows which.
    Uncertain,
    /// Whoever asked was signed out, or their key was revoked, before what they asked for was done.
    Ended,
    /// Sealed data does not open: wrong key, moved row, damage.
    Sealed,
    Other,
}

/// A fault of ours, cheap to clone (a failed commit answers everyone who shared it).
#[derive(Clone)]
pub struct Fault(Arc<Inner>);

struct Inner {
    kind: FaultKind,
    what: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Fault {
    pub fn new(kind: FaultKind, what: impl Into<String>) -> Fault {
        Fault(Arc::new(Inner { kind, what: what.into(), source: None }))
    }
    pub fn other(what: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Other, what)
    }
    pub fn from_error(kind: FaultKind, what: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
        Fault(Arc::new(Inner { kind, what: what.into(), source: Some(source.into()) }))
    }
    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        let mut next = self.0.source.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(e) = next {
            write!(f, ": {e}")?;
            next = e.source();
        }
        Ok(())
    }
}
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}
impl std::error::Error for Fault {}
impl From<std::io::Error> for Fault {
    fn from(e: std::io::Error) -> Fault {
        let kind = if e.kind() == std::io::ErrorKind::StorageFull { FaultKind::Full } else { FaultKind::Other };
        Fault::from_error(kind, "input or output", e)
    }
}
