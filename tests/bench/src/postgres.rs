//! PostgreSQL as the tests have it: a cluster of our own in a temporary directory, with fsync, gone when we are.

use crate::{Result, process::Tree};
use sqlx::{Connection, PgConnection, Row};
use store::testing::Postgres;

pub struct Cluster {
    postgres: &'static Postgres,
    /// The server and all its backends.
    pub tree: Tree,
}

impl Cluster {
    pub async fn start() -> Result<Cluster> {
        let postgres = Postgres::start();
        let mut connection = PgConnection::connect(&postgres.url).await?;
        let fsync: String = sqlx::query("SHOW fsync").fetch_one(&mut connection).await?.get(0);
        let directory: String = sqlx::query("SHOW data_directory").fetch_one(&mut connection).await?.get(0);
        connection.close().await?;
        if fsync != "on" {
            return Err("a commit must be durable".into());
        }
        let pid = std::fs::read_to_string(format!("{directory}/postmaster.pid"))?;
        Ok(Cluster { postgres, tree: Tree(pid.lines().next().unwrap_or_default().parse()?) })
    }
    /// A new database: its address as its owner, and as the superuser.
    pub async fn database(&self) -> (String, String) {
        let owner = self.postgres.fresh_database().await;
        let superuser = owner.replacen("site@", "postgres@", 1);
        (owner, superuser)
    }
}
