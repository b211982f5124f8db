//! The ground: ids, addresses, time, chance, bounds and faults. No input or output.
//!
//! What would surprise you: nobody else may ask the operating system for the time or for random bytes
//! (`clippy.toml` forbids it by name), so that a test can stop the clock and seed the chance.

mod bounds;
mod chance;
mod email_address;
mod fault;
mod file_name;
mod host_name;
mod id;
mod job_end;
mod line;
mod network;
mod shown;
mod site;
mod time;

pub use bounds::*;
pub use chance::Chance;
pub use email_address::{BadAddress, EmailAddress};
pub use fault::{Fault, FaultKind};
pub use file_name::{BadFileName, FileName};
pub use host_name::{BadHostName, HostName};
pub use id::*;
pub use job_end::JobEnd;
pub use line::{BadLine, Line};
pub use network::{BadNetwork, Network};
pub use shown::{hides_something, is_blank, shown};
pub use site::Site;
pub use time::{Clock, Time};
