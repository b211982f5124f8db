//! A site as an operator runs it: real servers of the real program, one configuration and database for all of them, and a mail
//! server that takes what they send. Everything on loopback, at free ports.

use crate::{Browser, Door, Letter, Member, letters::read_letter};
use mail::testing::Peer;
use std::{
    io::{BufRead, BufReader},
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use store::{Database, testing::TestDatabase};

/// How long anything may take that happens by itself, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Site {
    pub database: TestDatabase,
    pub relay: Peer,
    program: PathBuf,
    config: PathBuf,
}

/// What a server has logged so far.
type Log = Arc<Mutex<String>>;

/// One running server; killed when it is dropped.
pub struct Server {
    pub door: Door,
    /// From its start until it listened.
    pub started_in: Duration,
    child: Child,
    log: Log,
}

impl Site {
    /// `program`: the server's executable.
    pub async fn set_up(program: &str, database: TestDatabase) -> Site {
        Site::set_up_logging(program, database, "info").await
    }

    /// The same with this `log.level`.
    pub async fn set_up_logging(program: &str, database: TestDatabase, level: &str) -> Site {
        let relay = Peer::start(Vec::new()).await;
        let config = database.dir.path().join("countersign.toml");
        std::fs::write(&config, configuration(&database, relay.port, level)).expect("the directory is ours");
        Site { database, relay, program: program.into(), config }
    }

    /// Starts a server and waits until it listens.
    pub async fn serve(&self) -> Server {
        let (program, config) = (self.program.clone(), self.config.clone());
        let started = tokio::task::spawn_blocking(move || Server::start(&program, &config));
        started.await.expect("nothing panicked")
    }

    /// Runs one of the operator's commands to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        command(&self.program, &self.config).args(arguments).output().expect("the program is there")
    }

    /// A new tenant whose owner followed the link in the mail.
    pub async fn member(&self, server: &Server, email: &str) -> Member {
        let member = Member::sign_up(server.browser(), "Ana Brandt", email).await;
        let link = self.letter_with(email, "/prove/").await.link("/prove/");
        member.browser.get(&link).await.is(200);
        member.browser.press(&link, &[]).await.is(303);
        member
    }

    /// Everything that the relay has taken, oldest first.
    pub fn letters(&self) -> Vec<Letter> {
        self.relay.letters().iter().map(|raw| read_letter(raw)).collect()
    }
    /// Waits for a letter to `email` with a link under `path`.
    pub async fn letter_with(&self, email: &str, path: &str) -> Letter {
        let wanted = |letter: &Letter| letter.to == email && letter.text.contains(path);
        wait_for(async || self.letters().into_iter().find(wanted)).await
    }
}

/// Asks again and again until there is an answer.
pub async fn wait_for<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "it did not happen within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Server {
    fn start(program: &Path, config: &Path) -> Server {
        let began = Instant::now();
        let mut child =
            command(program, config).arg("serve").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program is there");
        let mut lines = BufReader::new(child.stderr.take().expect("piped"));
        let log = Log::default();
        let address = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).expect("a pipe") > 0, "the server ended: {:?}", child.wait());
            log.lock().expect("nobody panics").push_str(&line);
            let entry: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if entry["message"] == "serving" {
                break entry["address"].as_str().expect("an address").to_owned();
            }
        };
        let started_in = began.elapsed();
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in lines.split(b'\n').map_while(Result::ok) {
                *kept.lock().expect("nobody panics") += &(String::from_utf8_lossy(&line) + "\n");
            }
        });
        Server { door: Door::wire(&format!("http://{address}")), started_in, child, log }
    }

    /// All that it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics").clone()
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.door.clone(), IpAddr::from(Ipv4Addr::LOCALHOST))
    }
    /// Bytes that it has held at one time at most (proc_pid_status(5), `VmHWM`).
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs, on Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it is there");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of KiB") << 10
    }
    /// SIGKILL, in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was ours");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(program: &Path, config: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("RUST_BACKTRACE", "0").arg("--config").arg(config);
    command
}

fn configuration(database: &TestDatabase, relay: u16, level: &str) -> String {
    let url = match &database.database {
        Database::Sqlite { path } => format!("sqlite:{}", path.display()),
        Database::Postgres { url, connections } => format!("{url}?connections={connections}"),
    };
    let data = database.dir.path().join("data");
    format!(
        "data_dir = {data:?}\n[database]\nurl = '{url}'\n[listen]\nhttp = '127.0.0.1:0'\n[smtp]\nhost = '127.0.0.1'\nport = {relay}\ntls = 'none'\n\
         [sign_up]\nplan = 'server'\n[unasked_mail]\nan_hour = 1000000\na_day = 1000000\n[worker]\nlease_seconds = 5\npoll_seconds = 1\n\
         [log]\nformat = 'json'\nlevel = '{level}'\n"
    )
}
