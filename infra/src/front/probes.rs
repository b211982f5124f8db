//! `/live`: the process answers. `/ready`: it can do its work, and is not on its way out. On a disk that is nearly full it is ready all
//! the same, and says so: recipients must still be let in.

use crate::App;
use edge::Draining;
use poem::{Endpoint, Request, Response, http::StatusCode};
use std::time::Duration;
use store::Db;

const LOW: &str = "ready, but the disk is nearly full: new messages and files are refused";
/// A database that takes longer is not ready.
const PING_TIME: Duration = Duration::from_secs(2);

pub(crate) fn live() -> Response {
    say(StatusCode::OK, "live")
}

pub(crate) fn ready(app: &App) -> Ready {
    Ready { db: app.db.clone(), draining: app.shared.draining.clone() }
}

#[derive(Clone)]
pub(crate) struct Ready {
    db: Db,
    draining: Draining,
}

impl Endpoint for Ready {
    type Output = Response;
    async fn call(&self, _: Request) -> poem::Result<Response> {
        Ok(self.answer().await)
    }
}

impl Ready {
    pub(crate) async fn answer(&self) -> Response {
        if self.draining.begun() {
            return say(StatusCode::SERVICE_UNAVAILABLE, "stopping");
        }
        match tokio::time::timeout(PING_TIME, self.db.ping()).await {
            Ok(Ok(())) if self.db.disk().is_low() => say(StatusCode::OK, LOW),
            Ok(Ok(())) => say(StatusCode::OK, "ready"),
            Ok(Err(fault)) => {
                tracing::warn!(%fault, "not ready: the database does not answer");
                say(StatusCode::SERVICE_UNAVAILABLE, "database away")
            }
            Err(_) => say(StatusCode::SERVICE_UNAVAILABLE, "database slow"),
        }
    }
}

fn say(status: StatusCode, word: &str) -> Response {
    Response::builder()
        .status(status)
        .content_type("text/plain; charset=utf-8")
        .header("cache-control", "no-store")
        .body(format!("{word}\n"))
}
