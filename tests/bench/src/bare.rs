//! What the same HTTP stack does with nothing behind it: poem's "hello", and a plain file in and out. A process of its own, so
//! that its processor time is its own.

use crate::{Result, process::Tree};
use futures_util::StreamExt;
use poem::{
    Body, EndpointExt, Request, Response, Route, get, handler,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
    put,
    web::Data,
};
use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tokio::{fs::File, io::AsyncWriteExt};
use tokio_util::io::ReaderStream;

/// Read and written at a time: the best of 64 KiB, 256 KiB, 1 MiB and 4 MiB here.
const PIECE: usize = 1 << 20;

/// The bare server, seen from the load program.
pub struct Bare {
    child: Child,
    pub address: SocketAddr,
}

impl Bare {
    pub fn start(dir: &Path) -> Result<Bare> {
        let mut child = Command::new(std::env::current_exe()?).arg("bare").arg(dir).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Bare { child, address: line.trim().parse()? })
    }
    pub fn tree(&self) -> Tree {
        Tree(self.child.id())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process itself: says its address, then serves until it is killed.
pub async fn serve(dir: PathBuf) -> Result<()> {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await?;
    let address = acceptor.local_addr().into_iter().find_map(|a| a.0.as_socket_addr().copied()).ok_or("no address")?;
    println!("{address}");
    std::io::stdout().flush()?;
    let routes = Route::new().at("/", get(hello)).at("/file", put(take).get(give)).data(dir.join("plain"));
    Ok(poem::Server::new_with_acceptor(acceptor).run(routes).await?)
}

#[handler]
fn hello() -> &'static str {
    "hello"
}

/// Durable when it answers, as the product is.
#[handler]
async fn take(Data(path): Data<&PathBuf>, body: Body) -> poem::Result<StatusCode> {
    let mut file = File::create(path).await.map_err(poem::error::InternalServerError)?;
    file.set_max_buf_size(PIECE);
    let mut pieces = body.into_bytes_stream();
    while let Some(piece) = pieces.next().await {
        file.write_all(&piece.map_err(poem::error::BadRequest)?).await.map_err(poem::error::InternalServerError)?;
    }
    file.sync_all().await.map_err(poem::error::InternalServerError)?;
    Ok(StatusCode::OK)
}

#[handler]
async fn give(Data(path): Data<&PathBuf>, _req: &Request) -> poem::Result<Response> {
    let mut file = File::open(path).await.map_err(poem::error::InternalServerError)?;
    file.set_max_buf_size(PIECE);
    let length = file.metadata().await.map_err(poem::error::InternalServerError)?.len();
    let body = Body::from_bytes_stream(ReaderStream::with_capacity(file, PIECE));
    Ok(Response::builder().header("content-length", length).body(body))
}
