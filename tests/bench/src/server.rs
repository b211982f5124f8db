//! The real `countersign serve`, as an operator runs it: its own process, its own directory, its log in a file.

use crate::{Result, process::Tree};
use countersign::Config;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(40);

/// Where one server's data is. Gone when it is dropped.
pub struct Place {
    dir: tempfile::TempDir,
    database_url: String,
}

/// Who sends the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    /// Nobody: jobs wait in their table.
    Away,
    /// The server's own, through the relay on this port.
    Within(u16),
}

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process until it answered.
    pub ready_after: Duration,
}

impl Place {
    /// `database_url`: empty for SQLite in the directory.
    pub fn new(database_url: &str) -> Result<Place> {
        let dir = tempfile::Builder::new().prefix("countersign-bench").tempdir()?;
        Ok(Place { dir, database_url: database_url.to_owned() })
    }
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
    pub fn config(&self, worker: Worker) -> Result<Config> {
        Ok(Config::parse(&self.settings(worker))?)
    }
    /// Everything not said here is the default, the access log at `info` too.
    fn settings(&self, worker: Worker) -> String {
        let (in_serve, port) = match worker {
            Worker::Away => (false, 25),
            Worker::Within(port) => (true, port),
        };
        format!(
            "data_dir = \"{}\"\n[listen]\nhttp = \"127.0.0.1:0\"\n[database]\nurl = \"{}\"\n[sign_up]\nplan = \"server\"\n\
             [unasked_mail]\nan_hour = 1000000000\na_day = 1000000000\n[worker]\nin_serve = {in_serve}\n[smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n",
            self.path().display(),
            self.database_url
        )
    }
}

impl Server {
    pub fn start(program: &Path, place: &Place, worker: Worker) -> Result<Server> {
        let (config, log) = (place.path().join("bench.toml"), place.path().join("log"));
        fs::write(&config, place.settings(worker))?;
        let began = Instant::now();
        let mut child = Command::new(program)
            .args(["--config".as_ref(), config.as_os_str(), "serve".as_ref()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .map_err(|e| format!("{}: {e}; build it with `cargo build --release`", program.display()))?;
        match wait_for_address(&log, &mut child) {
            Ok(address) => Ok(Server { child, address, ready_after: began.elapsed() }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }
    pub fn tree(&self) -> Tree {
        Tree(self.child.id())
    }
    /// As an operator stops it, so that a run ends with a clean database.
    pub fn stop(mut self) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM)?;
        let until = Instant::now() + STOP;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) };
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err("the server did not stop".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The server says where it listens once it does.
fn wait_for_address(log: &PathBuf, child: &mut Child) -> Result<SocketAddr> {
    let until = Instant::now() + START;
    while Instant::now() < until {
        let said = fs::read_to_string(log)?;
        let address = said.lines().filter(|line| line.contains("serving")).find_map(|line| line.split("address=").nth(1));
        if let Some(address) = address {
            return Ok(address.split_whitespace().next().unwrap_or_default().trim_matches('"').parse()?);
        }
        if child.try_wait()?.is_some() {
            return Err(format!("the server ended at once: {said}").into());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Err("the server does not say that it serves".into())
}
