//! A relay that takes every mail and keeps none (RFC 5321, as little of it as a client needs); it counts them.

use crate::Result;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

pub struct Sink {
    pub port: u16,
    taken: Arc<AtomicU64>,
}

impl Sink {
    pub async fn start() -> Result<Sink> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (port, taken) = (listener.local_addr()?.port(), Arc::<AtomicU64>::default());
        let counter = taken.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, counter.clone()));
            }
        });
        Ok(Sink { port, taken })
    }
    /// Mails taken since the start.
    pub fn taken(&self) -> u64 {
        self.taken.load(SeqCst)
    }
}

async fn converse(stream: TcpStream, taken: Arc<AtomicU64>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink.example ESMTP\r\n").await?;
    let (mut line, mut content) = (Vec::new(), false);
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let answer: &[u8] = match line.get(..4).map(<[u8]>::to_ascii_uppercase).as_deref() {
            _ if content && line != b".\r\n" => continue,
            _ if content => {
                content = false;
                taken.fetch_add(1, SeqCst);
                b"250 2.0.0 taken\r\n"
            }
            Some(b"DATA") => {
                content = true;
                b"354 go on\r\n"
            }
            Some(b"EHLO") => b"250-sink.example\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            Some(b"QUIT") => return stream.write_all(b"221 2.0.0 bye\r\n").await,
            _ => b"250 2.0.0 ok\r\n",
        };
        stream.write_all(answer).await?;
    }
}
