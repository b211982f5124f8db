//! Readers: connections that cannot write, one snapshot a read. They never wait for the writer, nor it for them.

use super::connection::{Access, LiteConnection};
use crate::fault;
use kernel::{Fault, FaultKind};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const FEWEST: usize = 4;
const MOST: usize = 8;
/// How long a read waits for a connection before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Readers {
    idle: Mutex<Vec<LiteConnection>>,
    free: Arc<Semaphore>,
}

/// A connection lent out, inside its snapshot.
pub(crate) struct Reader {
    connection: Option<LiteConnection>,
    home: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    pub fn open(path: &Path) -> Result<Arc<Readers>, Fault> {
        let count = std::thread::available_parallelism().map_or(FEWEST, |n| (n.get() * 2).clamp(FEWEST, MOST));
        let idle = (0..count).map(|_| LiteConnection::open(path, Access::Read)).collect::<Result<Vec<_>, _>>()?;
        Ok(Arc::new(Readers { idle: Mutex::new(idle), free: Arc::new(Semaphore::new(count)) }))
    }

    /// A connection with its snapshot begun; the snapshot is taken by the first statement.
    pub async fn borrow(self: &Arc<Self>) -> Result<Reader, Fault> {
        let busy = |_| Fault::new(FaultKind::Unavailable, "every reader was busy for too long");
        let closed = |_| Fault::new(FaultKind::Unavailable, "the database is closed");
        let permit = tokio::time::timeout(PATIENCE, self.free.clone().acquire_owned()).await.map_err(busy)?.map_err(closed)?;
        let connection = self.lock().pop().expect("as many connections as permits");
        let reader = Reader { connection: Some(connection), home: self.clone(), _permit: permit };
        reader.connection().say("BEGIN").map_err(|e| fault::of_lite("beginning a read", e))?;
        Ok(reader)
    }

    pub fn close(&self) {
        self.free.close();
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<LiteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    pub fn connection(&self) -> &LiteConnection {
        self.connection.as_ref().expect("there until it is dropped")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Fails only when BEGIN did.
            let _ = connection.say("ROLLBACK");
            if !self.home.free.is_closed() {
                self.home.lock().push(connection);
            }
        }
    }
}
