//! One large file in and out, through the product and as a plain file through the same HTTP stack.

use super::{Stage, bearer, get, post};
use crate::{Result, client::Client, message, process::Tree};
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

const LOOK: Duration = Duration::from_millis(20);

/// One file on its way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passed {
    pub bytes_a_second: f64,
    /// Processor seconds of the server a GiB.
    pub cpu_a_gib: f64,
    /// Most memory on the way, over what it was before.
    pub more_memory: u64,
}

/// In and out of the product.
pub async fn product(stage: &Stage<'_>, bytes: u64) -> Result<(Passed, Passed)> {
    let (office, host) = (&stage.offices[0], stage.host());
    let mut client = Client::open(host).await?;
    let head = format!(
        "POST /v1/attachments?name=film.bin HTTP/1.1\r\nHost: {host}\r\n{}Content-Type: application/octet-stream\r\nContent-Length: {bytes}\r\n\r\n",
        bearer(office)
    );
    let (uploaded, up) = passing(stage.server.tree(), bytes, async || {
        let answer = client.upload(head.as_bytes(), bytes, 201).await?;
        Ok(serde_json::from_slice::<Value>(answer.body)?)
    })
    .await?;
    let file = uploaded["id"].as_str().ok_or("no id")?;
    let json = serde_json::json!({ "to": [message::TO], "subject": message::SUBJECT, "body": "See the film.", "attachments": [file] });
    let headers = format!("{}Content-Type: application/json\r\n", bearer(office));
    let mut client = Client::open(host).await?;
    let sent: Value = serde_json::from_slice(client.expect(&post("/v1/messages", host, &headers, &json.to_string()), 201).await?.body)?;
    let path = format!("/v1/messages/{}/attachments/{file}", sent["id"].as_str().ok_or("no id")?);
    let request = get(&path, host, &bearer(office));
    let (seen, down) = passing(stage.server.tree(), bytes, async || client.download(&request).await).await?;
    whole(seen, bytes)?;
    Ok((up, down))
}

/// In and out of a plain file.
pub async fn plain(stage: &Stage<'_>, bytes: u64) -> Result<(Passed, Passed)> {
    let host = stage.bare.address;
    let mut client = Client::open(host).await?;
    let head = format!("PUT /file HTTP/1.1\r\nHost: {host}\r\nContent-Length: {bytes}\r\n\r\n");
    let ((), up) = passing(stage.bare.tree(), bytes, async || client.upload(head.as_bytes(), bytes, 200).await.map(|_| ())).await?;
    let request = get("/file", host, "");
    let (seen, down) = passing(stage.bare.tree(), bytes, async || client.download(&request).await).await?;
    whole(seen, bytes)?;
    Ok((up, down))
}

fn whole(seen: u64, bytes: u64) -> Result<()> {
    if seen == bytes { Ok(()) } else { Err(format!("{seen} of {bytes} bytes came back").into()) }
}

async fn passing<T>(server: Tree, bytes: u64, pass: impl AsyncFnOnce() -> Result<T>) -> Result<(T, Passed)> {
    let (before, cpu) = (server.memory()?, server.cpu()?);
    let watch = Watch::start(server);
    let began = Instant::now();
    let passed = pass().await;
    let seconds = began.elapsed().as_secs_f64();
    let most = watch.stop();
    let cpu = server.cpu()?.saturating_sub(cpu).as_secs_f64();
    let gib = bytes as f64 / (1u64 << 30) as f64;
    Ok((passed?, Passed { bytes_a_second: bytes as f64 / seconds, cpu_a_gib: cpu / gib, more_memory: most.saturating_sub(before) }))
}

/// Looks at a process's memory from time to time.
struct Watch {
    over: Arc<AtomicBool>,
    looking: JoinHandle<u64>,
}

impl Watch {
    fn start(server: Tree) -> Watch {
        let over = Arc::<AtomicBool>::default();
        let told = over.clone();
        let looking = std::thread::spawn(move || {
            let mut most = 0;
            while !told.load(SeqCst) {
                most = most.max(server.memory().unwrap_or_default());
                std::thread::sleep(LOOK);
            }
            most
        });
        Watch { over, looking }
    }
    fn stop(self) -> u64 {
        self.over.store(true, SeqCst);
        self.looking.join().unwrap_or_default()
    }
}
