//! SQLite by rusqlite alone: one connection, prepared statements, the product's pragmas.

use super::{GROUP, Maker, RawRate};
use crate::{
    Result,
    process::Tree,
    template::{Row, Template, Value},
};
use rusqlite::{
    Connection, Statement,
    types::{ToSqlOutput, Value as Owned, ValueRef},
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

pub struct RawSqlite {
    connection: Connection,
    maker: Maker,
}

const TAKE: &str = "UPDATE allowance SET sends_used = sends_used + 1
    WHERE tenant_id = ?1 AND (sends_limit IS NULL OR sends_used + 1 <= sends_limit)";
const CHAIN: &str = "UPDATE chain SET seq = ?2, head = ?3 WHERE tenant_id = ?1";
const OPENED: &str = "UPDATE recipient SET state = 'opened', opened_at = ?3, changed_at = ?3
    WHERE tenant_id = ?1 AND id = ?2 AND state IN ('waiting', 'notified', 'failed', 'opened')";

impl RawSqlite {
    /// Opens a migrated file and founds a tenant in it.
    pub fn open(path: &Path, template: &Template) -> Result<RawSqlite> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode=wal; PRAGMA synchronous=FULL; PRAGMA foreign_keys=1; PRAGMA wal_autocheckpoint=4000;
             PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY;",
        )?;
        let full: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
        if full != 2 {
            return Err("the raw loop must be durable too".into());
        }
        connection.set_prepared_statement_cache_capacity(64);
        let maker = Maker::new(template);
        for row in maker.office() {
            insert(&connection, row)?;
        }
        Ok(RawSqlite { connection, maker })
    }

    pub fn sends(&mut self, time: Duration) -> Result<RawRate> {
        self.group_after_group(time, usize::MAX, |connection, maker| {
            maker.next_send();
            for row in maker.sent() {
                insert(connection, row)?;
            }
            connection.prepare_cached(TAKE)?.execute([maker.tenant().as_bytes().as_slice()])?;
            chain(connection, maker)
        })
    }

    pub fn pickups(&mut self, time: Duration) -> Result<RawRate> {
        // What is picked up has to be sent first; that is not measured.
        if self.maker.can_pick_up() < GROUP {
            self.sends(time)?;
        }
        let most = self.maker.can_pick_up();
        self.group_after_group(time, most, |connection, maker| {
            let Some(recipient) = maker.next_pickup() else { return Ok(()) };
            for row in maker.picked_up() {
                insert(connection, row)?;
            }
            let (tenant, recipient) = (maker.tenant().into_bytes(), recipient.into_bytes());
            connection.prepare_cached(OPENED)?.execute((&tenant[..], &recipient[..], super::now().0))?;
            chain(connection, maker)
        })
    }

    fn group_after_group(
        &mut self,
        time: Duration,
        most: usize,
        mut one: impl FnMut(&Connection, &mut Maker) -> Result<()>,
    ) -> Result<RawRate> {
        let (cpu, began, mut done) = (Tree::own().cpu()?, Instant::now(), 0);
        while began.elapsed() < time && done < most {
            self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            for _ in 0..GROUP.min(most - done) {
                one(&self.connection, &mut self.maker)?;
                done += 1;
            }
            self.connection.prepare_cached("COMMIT")?.execute([])?;
        }
        let (seconds, cpu) = (began.elapsed().as_secs_f64(), Tree::own().cpu()?.saturating_sub(cpu));
        Ok(RawRate { rate: done as f64 / seconds, cpu_us: cpu.as_secs_f64() * 1e6 / done as f64 })
    }
}

fn chain(connection: &Connection, maker: &Maker) -> Result<()> {
    let (seq, head) = maker.head();
    connection.prepare_cached(CHAIN)?.execute((maker.tenant().as_bytes().as_slice(), seq, head))?;
    Ok(())
}

fn insert(connection: &Connection, row: &Row) -> Result<()> {
    let mut statement = connection.prepare_cached(&row.insert)?;
    bind(&mut statement, row)?;
    statement.raw_execute()?;
    Ok(())
}

fn bind(statement: &mut Statement<'_>, row: &Row) -> Result<()> {
    for (i, value) in row.values.iter().enumerate() {
        let null = ToSqlOutput::Owned(Owned::Null);
        let bound = match value {
            Value::Uuid(v) => v.as_ref().map_or(null, |id| ToSqlOutput::Borrowed(ValueRef::Blob(id.as_bytes()))),
            Value::Bytes(v) => v.as_ref().map_or(null, |bytes| ToSqlOutput::Borrowed(ValueRef::Blob(bytes))),
            Value::Text(v) => v.as_ref().map_or(null, |text| ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))),
            Value::Whole(v) => v.map_or(null, |n| ToSqlOutput::Owned(Owned::Integer(n))),
            Value::Bool(v) => v.map_or(null, |b| ToSqlOutput::Owned(Owned::Integer(b.into()))),
        };
        statement.raw_bind_parameter(i + 1, bound)?;
    }
    Ok(())
}
