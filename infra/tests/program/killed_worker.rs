//! kill -9 while a letter is in hand: another worker has its jobs within the lease, however patient the letter was.

use super::{program, run, text};
use accounts::SignUp;
use countersign::{App, Config, Outside};
use kernel::{Chance, Clock};
use mail::{CapturedMail, Mailer};
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use store::Origin;

const LEASE: Duration = Duration::from_secs(3);

/// Signs somebody up: two jobs wait, one of them mails a link.
async fn leave_a_letter(config: &str) {
    let config = Config::load(Some(Path::new(config))).unwrap();
    let outside = Outside { clock: Clock::system(), chance: Chance::system(), mailer: Mailer::Mailbox(Arc::new(CapturedMail::new(1))) };
    let app = App::build(&config, outside).await.unwrap();
    let form = SignUp { name: "Ana".into(), email: "ana@example.org".into(), password: "four quiet lanterns by the harbour".into() };
    app.accounts.sign_up(&form, Origin::default()).await.unwrap();
    app.db.close().await;
}

fn work(config: &str) -> Child {
    program().args(["--config", config, "work"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Takes one letter as a relay does, and answers its text.
fn take(stream: TcpStream) -> String {
    let mut answer = stream.try_clone().unwrap();
    answer.write_all(b"220 relay.test\r\n").unwrap();
    let mut letter = None::<String>;
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = text(&line);
        let reply = match (&mut letter, line.trim_end()) {
            (Some(whole), ".") => {
                answer.write_all(b"250 taken\r\n").unwrap();
                return std::mem::take(whole);
            }
            (Some(whole), _) => {
                whole.push_str(&line);
                continue;
            }
            (None, "DATA") => {
                letter = Some(String::new());
                "354 go on"
            }
            (None, _) => "250 relay.test",
        };
        answer.write_all(format!("{reply}\r\n").as_bytes()).unwrap();
    }
    panic!("the worker hung up before the letter's end");
}

#[test]
fn the_letter_of_a_killed_worker_leaves_within_the_lease() {
    let dir = tempfile::tempdir().unwrap();
    let relay = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = dir.path().join("countersign.toml");
    let settings = format!(
        "data_dir = {:?}\n[smtp]\nhost = '127.0.0.1'\nport = {}\ntls = 'none'\n[worker]\nlease_seconds = {}\n",
        dir.path().join("data"),
        relay.local_addr().unwrap().port(),
        LEASE.as_secs()
    );
    std::fs::write(&config, settings).unwrap();
    let config = config.to_str().unwrap();
    assert!(run(&["--config", config, "migrate"]).status.success());
    tokio::runtime::Runtime::new().unwrap().block_on(leave_a_letter(config));

    let mut first = work(config);
    let (_silent, _) = relay.accept().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    let killed = Instant::now();
    let mut second = work(config);
    let (talks, _) = relay.accept().unwrap();
    let letter = take(talks);
    let took = killed.elapsed();
    second.kill().unwrap();
    second.wait().unwrap();
    assert!(letter.contains("ana@example.org"), "{letter}");
    // Starting the second one takes its time on a busy machine; without a short lease it would be a quarter of an hour.
    assert!(took < LEASE + Duration::from_secs(12), "{took:?}");
}
