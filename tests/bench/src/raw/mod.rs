//! The raw loops: no server, no seal, no hash; the database alone commits the rows that the product commits, 100 sends a
//! transaction. What they reach is what the disk and the database give here and now.

mod postgres;
mod sqlite;

pub use postgres::RawPostgres;
pub use sqlite::RawSqlite;

use crate::template::{Row, Template, Value};
use kernel::{Chance, MessageId, RecipientId, Time};
use uuid::Uuid;

/// Sends (or pickups) a transaction.
pub const GROUP: usize = 100;

/// What a raw loop came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawRate {
    pub rate: f64,
    /// Microseconds of the loop itself and (PostgreSQL) of the database, together.
    pub cpu_us: f64,
}

/// One tenant's rows in the making: fresh ids, the next number of its chain.
pub struct Maker {
    template: Template,
    tenant: Uuid,
    chance: Chance,
    seq: i64,
    head: Vec<u8>,
    /// Sent and not yet picked up.
    waiting: Vec<(Uuid, Uuid)>,
}

impl Maker {
    /// For a tenant of its own, whose rows are `office`.
    pub fn new(template: &Template) -> Maker {
        let chance = Chance::system();
        let tenant = kernel::TenantId::new(now(), &chance).0;
        let mut template = template.clone();
        let all = template.office.iter_mut().chain(&mut template.sent).chain(&mut template.picked_up);
        all.for_each(|row| row.point(template.tenant, tenant));
        template.office.iter_mut().filter(|row| row.table == "chain").for_each(|row| row.set("seq", Value::Whole(Some(0))));
        Maker { template, tenant, chance, seq: 0, head: vec![0; 32], waiting: Vec::new() }
    }
    pub fn office(&self) -> &[Row] {
        &self.template.office
    }
    pub fn sent(&self) -> &[Row] {
        &self.template.sent
    }
    pub fn picked_up(&self) -> &[Row] {
        &self.template.picked_up
    }
    pub fn tenant(&self) -> Uuid {
        self.tenant
    }
    /// Number and hash of the newest evidence.
    pub fn head(&self) -> (i64, &[u8]) {
        (self.seq, &self.head)
    }
    pub fn can_pick_up(&self) -> usize {
        self.waiting.len()
    }

    /// Gives the rows of a send new ids.
    pub fn next_send(&mut self) {
        let (message, recipient) = (MessageId::new(now(), &self.chance).0, RecipientId::new(now(), &self.chance).0);
        let (old_message, old_recipient) = (self.template.message, self.template.recipient);
        for row in &mut self.template.sent {
            row.point(old_message, message);
            row.point(old_recipient, recipient);
            if matches!(row.table, "job" | "evidence") {
                row.set("id", Value::Uuid(Some(MessageId::new(now(), &self.chance).0)));
            }
            if row.table == "recipient" {
                row.set("token_hash", Value::Bytes(Some(self.chance.bytes::<32>().to_vec())));
            }
        }
        self.waiting.push((message, recipient));
        (self.template.message, self.template.recipient) = (message, recipient);
        self.chain(false);
    }

    /// Gives the rows of a pickup new ids; the recipient who opens.
    pub fn next_pickup(&mut self) -> Option<Uuid> {
        let (message, recipient) = self.waiting.pop()?;
        for row in &mut self.template.picked_up {
            row.set("message_id", Value::Uuid(Some(message)));
            row.set("recipient_id", Value::Uuid(Some(recipient)));
            row.set("id", Value::Uuid(Some(MessageId::new(now(), &self.chance).0)));
        }
        self.chain(true);
        Some(recipient)
    }

    fn chain(&mut self, pickup: bool) {
        self.seq += 1;
        let before = std::mem::replace(&mut self.head, self.chance.bytes::<32>().to_vec());
        let rows = if pickup { &mut self.template.picked_up } else { &mut self.template.sent };
        for row in rows.iter_mut().filter(|row| row.table == "evidence") {
            row.set("seq", Value::Whole(Some(self.seq)));
            row.set("prev", Value::Bytes(Some(before.clone())));
            row.set("hash", Value::Bytes(Some(self.head.clone())));
        }
    }
}

fn now() -> Time {
    kernel::Clock::system().now()
}
