//! SQLite, by rusqlite in the caller's own task: sea-orm builds the SQL and reads the rows, no worker thread in between.

mod connection;
mod readers;
mod turn;
mod value;
mod writer;

use crate::herald::Herald;
use kernel::Fault;
use std::{path::Path, sync::Arc};

pub(crate) use connection::{Access, LiteConnection};
pub(crate) use readers::{Reader, Readers};
pub(crate) use turn::Turn;
pub(crate) use writer::Writer;

/// One database file: the writer everybody shares, and the readers.
pub(crate) struct Lite {
    pub writer: Arc<Writer>,
    pub readers: Arc<Readers>,
}

impl Lite {
    pub fn open(path: &Path, herald: Herald) -> Result<Lite, Fault> {
        let writer = LiteConnection::open(path, Access::Write)?;
        Ok(Lite { writer: Writer::new(writer, herald)?, readers: Readers::open(path)? })
    }
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close();
    }
}
