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
    thread,
    time::{Duration, Instant},
};

type Statement = Query<'static, sqlx::Postgres, PgArguments>;

const TAKE: &str = "UPDATE allowance SET sends_used = sends_used + 1
    WHERE tenant_id = $1 AND (sends_limit IS NULL OR sends_used + 1 <= sends_limit)";
const CHAIN: &str = "UPDATE chain SET seq = $2, head = $3 WHERE tenant_id = $1";

pub struct RawPostgres {
    database: Tree,
    loops: Vec<Loop>,
}

/// One connection.
struct Loop {
    connection: PgConnection,
    maker: Maker,
}

impl RawPostgres {
    /// `url`: a migrated database, as the superuser.
    pub async fn open(url: &str, connections: usize, template: &Template, database: Tree) -> Result<RawPostgres> {
        let mut loops = Vec::new();
        for _ in 0..connections {
            let mut connection = PgConnection::connect(url).await?;
            let maker = Maker::new(template);
            for row in maker.office() {
                insert(row)?.execute(&mut connection).await?;
            }
            loops.push(Loop { connection, maker });
        }
        Ok(RawPostgres { database, loops })
    }

    /// Every connection on a thread of its own, so that the loop is not what is measured.
    pub async fn sends(&mut self, time: Duration) -> Result<RawRate> {
        let cpu = || Ok::<_, crate::Error>(Tree::own().cpu()? + self.database.cpu()?);
        let (before, began) = (cpu()?, Instant::now());
        let until = began + time;
        let done: usize = thread::scope(|scope| {
            let running: Vec<_> = self.loops.iter_mut().map(|one| scope.spawn(move || one.run(until))).collect();
            running.into_iter().map(|thread| thread.join().map_err(|_| "a raw loop panicked")?).sum::<Result<usize>>()
        })?;
        let (seconds, spent) = (began.elapsed().as_secs_f64(), (Tree::own().cpu()? + self.database.cpu()?).saturating_sub(before));
        Ok(RawRate { rate: done as f64 / seconds, cpu_us: spent.as_secs_f64() * 1e6 / done as f64 })
    }
}

impl Loop {
    fn run(&mut self, until: Instant) -> Result<usize> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut done = 0;
            while Instant::now() < until {
                let mut transaction = self.connection.begin().await?;
                for _ in 0..GROUP {
                    self.maker.next_send();
                    for row in self.maker.sent() {
                        insert(row)?.execute(&mut *transaction).await?;
                    }
                    let (seq, head) = self.maker.head();
                    sqlx::query(TAKE).bind(self.maker.tenant()).execute(&mut *transaction).await?;
                    sqlx::query(CHAIN).bind(self.maker.tenant()).bind(seq).bind(head).execute(&mut *transaction).await?;
                }
                transaction.commit().await?;
                done += GROUP;
            }
            Ok(done)
        })
    }
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
