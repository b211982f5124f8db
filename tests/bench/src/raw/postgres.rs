//! PostgreSQL by sqlx alone: so many connections, each with a tenant of its own so that none waits for another's chain, prepared
//! statements, as the superuser and so without row-level security.

use super::{GROUP, Maker, RawRate};
use crate::{
    Result,
    process::Tree,
    template::{Row, Template, Value},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgArguments, query::Query};
use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

type Statement = Query<'static, sqlx::Postgres, PgArguments>;

const TAKE: &str = "UPDATE allowance SET sends_used = sends_used + 1
    WHERE tenant_id = $1 AND (sends_limit IS NULL OR sends_used + 1 <= sends_limit)";
const CHAIN: &str = "UPDATE chain SET seq = $2, head = $3 WHERE tenant_id = $1";

pub struct RawPostgres {
    url: String,
    database: Tree,
    /// One a connection.
    makers: Vec<Maker>,
}

impl RawPostgres {
    /// `url`: a migrated database, as the superuser.
    pub async fn open(url: &str, connections: usize, template: &Template, database: Tree) -> Result<RawPostgres> {
        let mut connection = PgConnection::connect(url).await?;
        let makers: Vec<Maker> = (0..connections).map(|_| Maker::new(template)).collect();
        for row in makers.iter().flat_map(Maker::office) {
            insert(row)?.execute(&mut connection).await?;
        }
        connection.close().await?;
        Ok(RawPostgres { url: url.to_owned(), database, makers })
    }

    /// Every connection on a thread with a runtime of its own, so that the loop is not what is measured.
    pub fn sends(&mut self, time: Duration) -> Result<RawRate> {
        let cpu = || Ok::<_, crate::Error>(Tree::own().cpu()? + self.database.cpu()?);
        let connected = Barrier::new(self.makers.len() + 1);
        let (before, began, done) = thread::scope(|scope| {
            let (url, connected) = (self.url.as_str(), &connected);
            let running: Vec<_> = self.makers.iter_mut().map(|maker| scope.spawn(move || run(maker, url, connected, time))).collect();
            connected.wait();
            let (before, began) = (cpu()?, Instant::now());
            let done = running.into_iter().map(|thread| thread.join().map_err(|_| "a raw loop panicked")?).sum::<Result<usize>>()?;
            Ok::<_, crate::Error>((before, began, done))
        })?;
        let (seconds, spent) = (began.elapsed().as_secs_f64(), cpu()?.saturating_sub(before));
        Ok(RawRate { rate: done as f64 / seconds, cpu_us: spent.as_secs_f64() * 1e6 / done as f64 })
    }
}

/// One connection's loop. Waits for the others whether it could connect or not.
fn run(maker: &mut Maker, url: &str, connected: &Barrier, time: Duration) -> Result<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let connection = PgConnection::connect(url).await;
        connected.wait();
        let (mut connection, mut done, until) = (connection?, 0, Instant::now() + time);
        while Instant::now() < until {
            let mut transaction = connection.begin().await?;
            for _ in 0..GROUP {
                maker.next_send();
                for row in maker.sent() {
                    insert(row)?.execute(&mut *transaction).await?;
                }
                let (seq, head) = maker.head();
                sqlx::query(TAKE).bind(maker.tenant()).execute(&mut *transaction).await?;
                sqlx::query(CHAIN).bind(maker.tenant()).bind(seq).bind(head).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            done += GROUP;
        }
        Ok(done)
    })
}

fn insert(row: &Row) -> Result<Statement> {
    let mut statement = sqlx::query(AssertSqlSafe(row.insert.clone()));
    for value in row.values.iter().cloned() {
        statement = match value {
            Value::Uuid(v) => statement.bind(v),
            Value::Bytes(v) => statement.bind(v),
            Value::Text(v) => statement.bind(v),
            Value::Whole(v) => statement.bind(v),
            Value::Bool(v) => statement.bind(v),
        };
    }
    Ok(statement)
}
