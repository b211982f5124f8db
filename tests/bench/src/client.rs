//! One keep-alive connection and one request at a time, as a closed loop needs. Bare HTTP/1.1, so that the load program takes
//! as little of the shared processors as it can.

use crate::Result;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PIECE: usize = 1 << 20;

pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, in the connection's buffer until the next request.
pub struct Answer<'c> {
    pub status: u16,
    pub head: &'c str,
    pub body: &'c [u8],
}

struct Head {
    bytes: usize,
    status: u16,
    length: u64,
}

impl Client {
    pub async fn open(address: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a whole request and reads the whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        let head = self.head().await?;
        let whole = head.bytes + usize::try_from(head.length)?;
        while self.buffer.len() < whole {
            self.more().await?;
        }
        if self.buffer.len() > whole {
            return Err("bytes after the answer".into());
        }
        let (text, body) = self.buffer.split_at(head.bytes);
        Ok(Answer { status: head.status, head: std::str::from_utf8(text)?, body })
    }

    /// As [`ask`](Self::ask), and an error unless the status is the one expected.
    pub async fn expect(&mut self, request: &[u8], status: u16) -> Result<Answer<'_>> {
        let answer = self.ask(request).await?;
        if answer.status == status {
            return Ok(answer);
        }
        Err(format!("{status} expected: {}{}", answer.head, String::from_utf8_lossy(answer.body)).into())
    }

    /// Sends the head of a request, then `bytes` bytes of body, and reads the answer.
    pub async fn upload(&mut self, head: &[u8], bytes: u64, status: u16) -> Result<Answer<'_>> {
        self.stream.write_all(head).await?;
        let piece: Vec<u8> = (0..PIECE).map(|i| (i % 251) as u8).collect();
        let mut left = bytes;
        while left > 0 {
            let now = left.min(PIECE as u64);
            self.stream.write_all(&piece[..usize::try_from(now)?]).await?;
            left -= now;
        }
        self.expect(b"", status).await
    }

    /// Reads an answer's body and forgets it; how many bytes came.
    pub async fn download(&mut self, request: &[u8]) -> Result<u64> {
        self.stream.write_all(request).await?;
        let head = self.head().await?;
        if head.status != 200 {
            return Err(format!("a download was answered {}", head.status).into());
        }
        let mut seen = (self.buffer.len() - head.bytes) as u64;
        let mut piece = vec![0; PIECE];
        while seen < head.length {
            match self.stream.read(&mut piece).await? {
                0 => return Err("the download broke".into()),
                n => seen += n as u64,
            }
        }
        self.buffer.clear();
        Ok(seen)
    }

    async fn head(&mut self) -> Result<Head> {
        self.buffer.clear();
        loop {
            self.more().await?;
            if let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                return parse(&self.buffer[..end + 4]);
            }
        }
    }

    async fn more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server hung up".into()),
            _ => Ok(()),
        }
    }
}

fn parse(head: &[u8]) -> Result<Head> {
    let text = std::str::from_utf8(head)?;
    let status = text.get(9..12).ok_or("no status")?.parse()?;
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    };
    let length = text.split("\r\n").find_map(field);
    let length = length.or((status == 204).then_some(0)).ok_or_else(|| format!("an answer of unknown length: {text}"))?;
    Ok(Head { bytes: head.len(), status, length })
}
