//! The operator's commands, one file each. They answer the text for standard output, or a [`Stop`] with what to do.

mod admin;
mod config;
mod doctor;
mod doctor_certificates;
mod migrate;
mod serve;
mod work;

pub use admin::{list_certificates, list_tenants, replay_jobs, set_tenant_state, unwant_certificate, verify_evidence, want_certificate};
pub use config::{check, print};
pub use doctor::{Check, Verdict, doctor};
pub use migrate::{migrate, prepare_schema};
pub use serve::serve;
pub use work::work;

use crate::BadConfig;
use kernel::Fault;

/// Why a command ended without doing its work: a sentence on standard error and an exit code.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    #[error("{0}")]
    Config(#[from] BadConfig),
    /// Refused, with what to do about it.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Fault(#[from] Fault),
}

impl Stop {
    /// 2 for what the operator typed or configured (as `sysexits` would say 64 and 78), 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Stop::Config(_) | Stop::Refused(_) => 2,
            Stop::Fault(_) => 1,
        }
    }
}
