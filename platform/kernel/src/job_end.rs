//! How a job ends; the worker writes it down.

use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// Done, or nothing to do any more.
    Done,
    /// The room finished the job in its own act; nothing is left to write.
    Written,
    /// To be tried again after the pause.
    Again { after: Duration, why: String },
    /// Nothing was tried; it waits its turn, and the attempt does not count.
    Wait { after: Duration, why: String },
    /// Will not succeed by trying: kept for a person to look at.
    Park(String),
}
