//! Faults are ours: logged once, here, with a reference number that the page shows too.

use kernel::{Chance, Fault, FaultKind};
use poem::http::StatusCode;
use std::fmt::Write;

/// A number to quote when asking for help: 10 characters that read well aloud.
pub struct Reference(String);

impl Reference {
    pub fn new(chance: &Chance) -> Reference {
        const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let bytes: [u8; 10] = chance.bytes();
        let mut text = String::with_capacity(11);
        for (i, byte) in bytes.iter().enumerate() {
            if i == 5 {
                text.push('-');
            }
            let _ = text.write_char(LETTERS[usize::from(byte & 31)] as char);
        }
        Reference(text)
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub fn log(fault: &Fault, reference: &Reference) {
    tracing::error!(reference = reference.as_str(), kind = ?fault.kind(), fault = %fault, "a page failed");
}

/// 503 where trying again helps, 507 where the disk is full, 500 for the rest.
pub fn status(fault: &Fault) -> StatusCode {
    match fault.kind() {
        FaultKind::Retry | FaultKind::Unavailable | FaultKind::Uncertain => StatusCode::SERVICE_UNAVAILABLE,
        FaultKind::Full => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
