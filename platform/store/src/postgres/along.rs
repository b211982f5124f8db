//! Inserts that wait for the act's next statement and travel with it (`WITH w0 AS (INSERT …) UPDATE …`): on PostgreSQL a round trip
//! costs more than the row. An update that is hoped to change one row waits for the next SELECT, which finds nothing where it did not.
//!
//! What would surprise you: all parts of such a statement see the rows as they were before it (manual §7.8.2), so a statement that
//! names a table with waiting rows goes after them, on its own.

use sea_orm::{DbBackend, Statement, Value};
use std::fmt::Write as _;

/// Values in one statement; those of a bigger insert do not wait.
const MOST_VALUES: usize = 2_000;

#[derive(Default)]
pub(super) struct Waiting {
    inserts: Vec<(&'static str, Statement)>,
    /// An update that is to change one row.
    hope: Option<(&'static str, Statement)>,
    values: usize,
}

impl Waiting {
    /// `Err`: there is no room for it; it goes by itself, after what waits.
    pub fn add(&mut self, table: &'static str, insert: Statement) -> Result<(), Statement> {
        let values = values_of(&insert);
        if self.values + values > MOST_VALUES {
            return Err(insert);
        }
        self.values += values;
        self.inserts.push((table, insert));
        Ok(())
    }
    /// `Err`: it cannot wait; it goes by itself, after what waits.
    pub fn hope(&mut self, table: &'static str, update: Statement) -> Result<(), Statement> {
        let values = values_of(&update);
        if self.hope.is_some() || self.values + values > MOST_VALUES || !self.is_apart_from(&update.sql) {
            return Err(update);
        }
        self.values += values;
        self.hope = Some((table, update));
        Ok(())
    }
    pub fn hopes(&self) -> bool {
        self.hope.is_some()
    }
    /// Whether `sql` says nothing of the tables whose rows wait.
    pub fn is_apart_from(&self, sql: &str) -> bool {
        let mut words = sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        !words.any(|word| self.inserts.iter().chain(&self.hope).any(|(table, _)| *table == word))
    }
    /// Whether what waits can travel with `statement`, whose answer is its own.
    pub fn can_join(&self, statement: &Statement) -> bool {
        let changes = statement.sql.starts_with("UPDATE ") || statement.sql.starts_with("INSERT ");
        changes && self.hope.is_none() && self.has_room_beside(statement)
    }
    /// Whether a hope waits and can travel with `statement`.
    pub fn can_lead(&self, statement: &Statement) -> bool {
        statement.sql.starts_with("SELECT ") && self.hopes() && self.has_room_beside(statement)
    }
    fn has_room_beside(&self, statement: &Statement) -> bool {
        self.values + values_of(statement) <= MOST_VALUES && self.is_apart_from(&statement.sql)
    }
    /// What waits before `select`, which finds nothing unless the hoped for row was changed.
    ///
    /// The update runs before `select` looks at or locks a row: a condition that knows no row is asked once, above it (EXPLAIN: One-Time
    /// Filter). Acts that meet would otherwise lock the same two rows in two orders.
    pub fn lead(&mut self, select: Statement) -> Statement {
        let Some((_, hope)) = self.hope.take() else { return select };
        let (mut sql, mut values) = self.with();
        let _ = write!(sql, "{} hoped AS (", if sql.is_empty() { "WITH" } else { "," });
        append(&mut sql, &mut values, hope);
        sql.push_str(" RETURNING 1) SELECT * FROM (");
        append(&mut sql, &mut values, select);
        sql.push_str(") AS led WHERE (SELECT COUNT(*) FROM hoped) = 1");
        Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
    }
    /// What waits, before `last`; `None`: before nothing. `None` when nothing waits either. Where a hope waited, it is the last, and its
    /// answer is how many rows it changed.
    pub fn take(&mut self, last: Option<Statement>) -> Option<Statement> {
        let hope = self.hope.take().map(|(_, update)| update);
        let last = last.or(hope).or_else(|| self.inserts.pop().map(|(_, insert)| insert))?;
        if self.inserts.is_empty() {
            self.values = 0;
            return Some(last);
        }
        let (mut sql, mut values) = self.with();
        sql.push(' ');
        append(&mut sql, &mut values, last);
        Some(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
    }
    /// The inserts as the beginning of a statement (empty where there are none), and their values.
    fn with(&mut self) -> (String, Vec<Value>) {
        self.values = 0;
        let (mut sql, mut values) = (String::new(), Vec::new());
        for (n, (_, insert)) in std::mem::take(&mut self.inserts).into_iter().enumerate() {
            let _ = write!(sql, "{}w{n} AS (", if n == 0 { "WITH " } else { ", " });
            append(&mut sql, &mut values, insert);
            sql.push(')');
        }
        (sql, values)
    }
}

fn values_of(statement: &Statement) -> usize {
    statement.values.as_ref().map_or(0, |values| values.0.len())
}

/// Writes `part` behind what is there, its `$1` counted on from the values before.
fn append(sql: &mut String, values: &mut Vec<Value>, part: Statement) {
    let before = values.len();
    let mut pieces = part.sql.split('$');
    sql.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        match piece[..end].parse::<usize>() {
            Ok(n) => {
                let _ = write!(sql, "${}{}", n + before, &piece[end..]);
            }
            Err(_) => {
                let _ = write!(sql, "${piece}");
            }
        }
    }
    values.extend(part.values.map(|v| v.0).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(sql: &str, values: &[i64]) -> Statement {
        Statement::from_sql_and_values(DbBackend::Postgres, sql, values.iter().map(|v| Value::from(*v)))
    }

    #[test]
    fn what_waits_goes_with_the_next_statement_in_one() {
        let mut waiting = Waiting::default();
        waiting.add("message", say("INSERT INTO \"message\" (\"a\", \"b\") VALUES ($1, $2)", &[1, 2])).unwrap();
        waiting.add("job", say("INSERT INTO \"job\" (\"a\") VALUES ($1), ($2)", &[3, 4])).unwrap();
        let update = say("UPDATE \"chain\" SET \"seq\" = $2 WHERE \"tenant_id\" = $1", &[5, 6]);
        assert!(waiting.can_join(&update));
        let one = waiting.take(Some(update)).unwrap();
        assert_eq!(
            one.sql,
            "WITH w0 AS (INSERT INTO \"message\" (\"a\", \"b\") VALUES ($1, $2)), w1 AS (INSERT INTO \"job\" (\"a\") VALUES ($3), ($4)) \
             UPDATE \"chain\" SET \"seq\" = $6 WHERE \"tenant_id\" = $5"
        );
        assert_eq!(one.values.unwrap().0, [1_i64, 2, 3, 4, 5, 6].map(Value::from));
        assert!(waiting.take(None).is_none());
    }

    #[test]
    fn what_names_a_waiting_table_goes_after_it() {
        let mut waiting = Waiting::default();
        waiting.add("message", say("INSERT INTO \"message\" VALUES ($1)", &[1])).unwrap();
        for (sql, joins) in [
            ("UPDATE \"recipient\" SET \"message_id\" = $1", true),
            ("UPDATE \"message\" SET \"a\" = $1", false),
            ("UPDATE recipient SET a = $1 WHERE EXISTS (SELECT 1 FROM message)", false),
            ("SELECT \"a\" FROM \"chain\"", false),
            ("DELETE FROM \"chain\"", false),
        ] {
            assert_eq!(waiting.can_join(&say(sql, &[1])), joins, "{sql}");
        }
        assert!(waiting.is_apart_from("SELECT \"message_id\" FROM \"chain\""));
        assert_eq!(waiting.take(None).unwrap().sql, "INSERT INTO \"message\" VALUES ($1)");
    }

    #[test]
    fn a_hope_travels_with_the_next_select_of_another_table() {
        let mut waiting = Waiting::default();
        let (update, chain) =
            (|| say("UPDATE \"allowance\" SET \"a\" = $1", &[1]), || say("SELECT \"seq\" FROM \"chain\" WHERE \"t\" = $1", &[2]));
        waiting.hope("allowance", update()).unwrap();
        assert!(waiting.hope("recipient", update()).is_err(), "one at a time");
        assert!(waiting.can_lead(&chain()) && !waiting.can_join(&say("UPDATE \"chain\" SET \"seq\" = $1", &[3])));
        assert!(!waiting.can_lead(&say("SELECT \"a\" FROM \"allowance\"", &[])));
        let alone = "WITH hoped AS (UPDATE \"allowance\" SET \"a\" = $1 RETURNING 1) SELECT * FROM (SELECT \"seq\" FROM \"chain\" WHERE \"t\" = $2) \
                     AS led WHERE (SELECT COUNT(*) FROM hoped) = 1";
        assert_eq!(waiting.lead(chain()).sql, alone);
        waiting.add("message", say("INSERT INTO \"message\" VALUES ($1)", &[1])).unwrap();
        assert!(!waiting.can_lead(&chain()), "there is no hope");
        waiting.hope("allowance", update()).unwrap();
        let both = "WITH w0 AS (INSERT INTO \"message\" VALUES ($1)), hoped AS (UPDATE \"allowance\" SET \"a\" = $2 RETURNING 1) \
                    SELECT * FROM (SELECT \"seq\" FROM \"chain\" WHERE \"t\" = $3) AS led WHERE (SELECT COUNT(*) FROM hoped) = 1";
        assert_eq!(waiting.lead(chain()).sql, both);
        waiting.hope("allowance", update()).unwrap();
        assert_eq!(waiting.take(None).unwrap().sql, update().sql, "and is the last where nothing comes");
        assert!(waiting.take(None).is_none());
    }

    #[test]
    fn a_big_insert_does_not_wait() {
        let mut waiting = Waiting::default();
        let big = say("INSERT", &vec![0; MOST_VALUES + 1]);
        assert!(waiting.add("message", big).is_err());
    }
}
