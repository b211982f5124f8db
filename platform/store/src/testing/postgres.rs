//! A PostgreSQL cluster in a temporary directory: real fsync, its own port, and gone with the process however that ends.

use super::free_port;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

/// Owns the databases of tests. Not a superuser: the migration must do without.
const OWNER: &str = "site";

/// A cluster: the one of this process, or one of a test's own that may be stopped in the middle.
pub struct Postgres {
    /// As the superuser, database `postgres`.
    pub url: String,
    port: u16,
    dir: PathBuf,
}

static CLUSTER: OnceLock<Postgres> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

impl Postgres {
    /// Starts the cluster, or answers the one that runs.
    pub fn start() -> &'static Postgres {
        CLUSTER.get_or_init(Postgres::apart)
    }

    /// Starts one more cluster.
    pub fn apart() -> Postgres {
        let dir = tempfile::Builder::new().prefix("countersign-pg").tempdir().expect("tests have a temporary directory").keep();
        let port = free_port();
        launch(&dir, port);
        Postgres { url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), port, dir }
    }

    /// As if the machine had lost power: nobody is waited for, nothing is written any more.
    pub fn stop(&self) {
        run(shell(&format!("{}/pg_ctl -D {}/data -m immediate -w stop >/dev/null", binaries().display(), self.dir.display())));
    }
    pub fn start_again(&self) {
        run(shell(&starting(&binaries(), &self.dir, self.port)));
    }

    /// A new empty database; its address, as its owner, who may create roles but is no superuser.
    pub async fn fresh_database(&self) -> String {
        let name = format!("town{}", DATABASES.fetch_add(1, SeqCst));
        self.admin(&format!("CREATE DATABASE {name} OWNER {OWNER}")).await;
        format!("postgres://{OWNER}@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs one statement as the superuser in database `postgres`.
    pub async fn admin(&self, sql: &str) {
        Self::run(&self.url, sql).await;
    }

    /// Runs one statement as the superuser in the database of `url`.
    pub async fn admin_in(&self, url: &str, sql: &str) {
        Self::run(&Self::as_superuser(url), sql).await;
    }

    /// The address of a fresh database, for the superuser.
    pub(super) fn as_superuser(url: &str) -> String {
        url.replace(&format!("{OWNER}@"), "postgres@")
    }

    pub(super) async fn run(url: &str, sql: &str) {
        let mut connection = PgConnection::connect(url).await.expect("the cluster runs");
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("the statement is right");
        connection.close().await.expect("the cluster runs");
    }
}

fn launch(dir: &Path, port: u16) {
    let bin = binaries();
    if rustix::process::getuid().is_root() {
        let mut give = Command::new("chown");
        give.arg("postgres").arg(dir);
        run(give);
    }
    let data = dir.join("data");
    let init = format!("{}/initdb -D {} -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null", bin.display(), data.display());
    run(shell(&init));
    run(shell(&starting(&bin, dir, port)));
    stop_with_us(&bin, dir);
    let role = format!("{}/psql -q -h 127.0.0.1 -p {port} -U postgres -c 'CREATE ROLE {OWNER} LOGIN CREATEROLE'", bin.display());
    run(shell(&role));
}

fn starting(bin: &Path, dir: &Path, port: u16) -> String {
    let (bin, dir) = (bin.display(), dir.display());
    let options = format!("-p {port} -k {dir} -c listen_addresses=127.0.0.1 -c max_connections=300");
    format!("{bin}/pg_ctl -D {dir}/data -w -t 60 -l {dir}/log -o '{options}' start >/dev/null")
}

/// The newest of Debian's.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("Debian's postgresql is installed");
    let newest = versions.flatten().map(|v| v.path()).max().expect("Debian's postgresql is installed");
    newest.join("bin")
}

/// A shell that waits for the end of its input, which comes when this process is gone, whatever ended it.
#[allow(clippy::zombie_processes)] // it outlives us
fn stop_with_us(bin: &Path, dir: &Path) {
    let stop = format!(
        "trap '' INT TERM HUP; cat >/dev/null; {}/pg_ctl -D {1}/data -m immediate stop >/dev/null 2>&1; rm -rf {1}",
        bin.display(),
        dir.display()
    );
    let mut watchdog = shell(&stop).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sh runs");
    let mut input = watchdog.stdin.take().expect("piped");
    input.write_all(b"\n").expect("the watchdog reads");
    // Open until the process ends.
    std::mem::forget(input);
}

/// As user postgres when we are root, because PostgreSQL refuses to run as root.
fn shell(script: &str) -> Command {
    let mut command = if rustix::process::getuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", "sh", "-c", script]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    };
    command.current_dir("/");
    command
}

fn run(mut command: Command) {
    let done = command.stdin(Stdio::null()).output().expect("the command is there");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}
