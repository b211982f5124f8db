//! The rows that one send and one pickup leave, read off a real one, for the raw loops to commit again and again. So the loops
//! commit what the product commits, whatever the tables become.

use crate::{
    Result, message,
    plant::Rooms,
    server::{Place, Worker},
};
use keys::Token;
use messages::{Outline, Proof, Step, gesture, submit};
use rusqlite::{Connection, types::ValueRef};
use std::{path::Path, sync::Arc};
use store::{Caller, Origin, Who};
use uuid::Uuid;

/// A value with its column's type, which NULL needs too.
#[derive(Clone, Debug)]
pub enum Value {
    Uuid(Option<Uuid>),
    Bytes(Option<Vec<u8>>),
    Text(Option<String>),
    Whole(Option<i64>),
    Bool(Option<bool>),
}

#[derive(Clone, Debug)]
pub struct Row {
    pub table: &'static str,
    pub columns: Vec<String>,
    pub values: Vec<Value>,
    /// The statement that inserts it, written once.
    pub insert: Arc<str>,
}

/// Everything the raw loops need to know.
#[derive(Clone)]
pub struct Template {
    /// Rows a tenant must have before anything is sent.
    pub office: Vec<Row>,
    /// Rows that a send inserts; it updates `chain` and `allowance` besides.
    pub sent: Vec<Row>,
    /// Rows that a pickup inserts; it updates `chain` and `recipient` besides.
    pub picked_up: Vec<Row>,
    pub tenant: Uuid,
    pub message: Uuid,
    pub recipient: Uuid,
}

impl Row {
    /// `$1` is a parameter's number to PostgreSQL, and a name to SQLite, which numbers names as they come: the same here.
    fn new(table: &'static str, columns: Vec<String>, values: Vec<Value>) -> Row {
        let names: Vec<String> = columns.iter().map(|c| format!("\"{c}\"")).collect();
        let marks: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
        let insert = format!("INSERT INTO \"{table}\" ({}) VALUES ({})", names.join(", "), marks.join(", ")).into();
        Row { table, columns, values, insert }
    }
    pub fn set(&mut self, column: &str, value: Value) {
        if let Some(at) = self.columns.iter().position(|c| c == column) {
            self.values[at] = value;
        }
    }
    /// Every reference to `old` becomes one to `new`.
    pub fn point(&mut self, old: Uuid, new: Uuid) {
        for value in &mut self.values {
            if matches!(value, Value::Uuid(Some(id)) if *id == old) {
                *value = Value::Uuid(Some(new));
            }
        }
    }
}

impl Template {
    /// Sends and opens one message in a database of its own.
    pub async fn make() -> Result<Template> {
        let place = Place::new("")?;
        let rooms = Rooms::open(&place.config(Worker::Away)?).await?;
        let office = rooms.office(1).await?;
        let post = &rooms.app.post;
        let key = accounts::key_token(&office.api_key).ok_or("not a key")?;
        let sender = post.db.front_desk().api_key(&key, origin()).await?.ok_or("the key is not good")?;
        let outline =
            Outline { to: vec![message::TO.into()], subject: message::SUBJECT.into(), body: message::body(), ..Outline::default() };
        let sent = submit(post, &sender, &Outline { proof: Some(Proof::R0), ..outline }, None).await?;
        let recipient = sent.recipients.first().ok_or("no recipient")?.id;
        let who = post.db.front_desk().pickup(&office.keys.pickup_token(recipient), origin()).await?.ok_or("no such link")?;
        let before = read(&place.path().join("countersign.db"), &sender, sent.id.0)?;
        if gesture(post, &who, &Token::random(post.db.chance())).await?.step != Step::Open {
            return Err("the gesture did not open an R0 message".into());
        }
        let after = read(&place.path().join("countersign.db"), &sender, sent.id.0)?;
        rooms.close().await;
        let picked_up = after.1.into_iter().filter(|row| row.table == "visit" || is_hand_over(row)).collect();
        Ok(Template { office: before.0, sent: before.1, picked_up, tenant: sender.tenant().0, message: sent.id.0, recipient: recipient.0 })
    }
}

fn origin() -> Origin {
    Origin::new("127.0.0.1".parse().ok(), message::AGENT)
}

fn is_hand_over(row: &Row) -> bool {
    row.values.iter().any(|v| matches!(v, Value::Text(Some(kind)) if kind == "handed_over"))
}

/// The tenant's own rows, and those about the message.
fn read(path: &Path, sender: &Caller, message: Uuid) -> Result<(Vec<Row>, Vec<Row>)> {
    let connection = Connection::open(path)?;
    let tenant = sender.tenant().0;
    let Who::Key { member, .. } = sender.who() else { return Err("not an API key".into()) };
    let mut office = Vec::new();
    for (table, key, id) in
        [("tenant", "tenant_id", tenant), ("member", "id", member.0), ("chain", "tenant_id", tenant), ("allowance", "tenant_id", tenant)]
    {
        office.extend(rows(&connection, table, key, id)?);
    }
    let mut about = Vec::new();
    for (table, key) in [("message", "id"), ("recipient", "message_id"), ("visit", "message_id"), ("evidence", "message_id")] {
        about.extend(rows(&connection, table, key, message)?);
    }
    about.extend(rows(&connection, "job", "tenant_id", tenant)?);
    Ok((office, about))
}

fn rows(connection: &Connection, table: &'static str, key: &str, id: Uuid) -> Result<Vec<Row>> {
    let mut select = connection.prepare(&format!("SELECT * FROM \"{table}\" WHERE \"{key}\" = ?1"))?;
    let columns: Vec<(String, String)> =
        select.columns().iter().map(|c| (c.name().to_owned(), c.decl_type().unwrap_or_default().to_ascii_lowercase())).collect();
    let mut found = select.query([id.as_bytes().as_slice()])?;
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        let values = columns.iter().enumerate().map(|(i, (_, kind))| value(row.get_ref(i)?, kind)).collect::<Result<_>>()?;
        out.push(Row::new(table, columns.iter().map(|(name, _)| name.clone()).collect(), values));
    }
    Ok(out)
}

fn value(stored: ValueRef<'_>, kind: &str) -> Result<Value> {
    let null = matches!(stored, ValueRef::Null);
    Ok(match kind {
        k if k.starts_with("uuid") => Value::Uuid(if null { None } else { Some(Uuid::from_slice(stored.as_blob()?)?) }),
        k if k.starts_with("blob") => Value::Bytes(if null { None } else { Some(stored.as_blob()?.to_vec()) }),
        k if k.starts_with("bool") => Value::Bool(if null { None } else { Some(stored.as_i64()? != 0) }),
        k if k.starts_with("bigint") || k.starts_with("integer") => Value::Whole(if null { None } else { Some(stored.as_i64()?) }),
        k if k.starts_with("text") => Value::Text(if null { None } else { Some(stored.as_str()?.to_owned()) }),
        other => return Err(format!("a column of type {other}").into()),
    })
}
