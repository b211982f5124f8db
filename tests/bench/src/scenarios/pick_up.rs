//! The recipient's way at R0: the first page (`GET /p/TOKEN`, which records that the link was fetched), then the pickup
//! (`POST /p/TOKEN/open` as the page's script sends it, which commits the hand-over and answers with the content), and the content once
//! more (`GET /p/TOKEN/message`, as a reload asks for it).

use super::{Stage, get, post, send};
use crate::{
    Result,
    client::Client,
    load::{Bounds, Journey, Measured},
    message,
    plant::Office,
};
use kernel::RecipientId;
use serde_json::Value;
use std::{cell::RefCell, net::SocketAddr, time::Duration};

const LONG: Duration = Duration::from_secs(600);
const CLIENTS: usize = 16;

/// What measuring the recipients' way came to.
pub struct Way {
    pub first_page: Measured,
    /// One request: the hand-over is committed, then the content is answered.
    pub pickup: Measured,
    pub again: Measured,
}

/// Sends as many messages as the bounds ask for (not measured), fetches every first page, then picks up.
pub async fn measure(stage: &Stage<'_>, clients: usize, bounds: Bounds) -> Result<Way> {
    let sending = Sending { stage, links: RefCell::default() };
    // Warming up takes a tenth more.
    let count = bounds.operations + bounds.operations / 10;
    stage.run(CLIENTS, Bounds { time: LONG, operations: count }, &sending).await?;
    let first = FirstPage { host: stage.host(), links: sending.links.into_inner(), seen: RefCell::default() };
    let first_page = stage.run(clients, Bounds { operations: count * 10 / 11, ..bounds }, &first).await?;
    let visits = first.seen.into_inner();
    let bounds = Bounds { operations: visits.len() * 10 / 11, ..bounds };
    let opened = Pickup { visits, done: RefCell::default() };
    let pickup = stage.run(clients, bounds, &opened).await?;
    let again = stage.run(clients, bounds, &Again { contents: opened.done.into_inner() }).await?;
    Ok(Way { first_page, pickup, again })
}

struct Sending<'s> {
    stage: &'s Stage<'s>,
    /// Paths of the links that are mailed.
    links: RefCell<Vec<String>>,
}

impl Journey for Sending<'_> {
    async fn go(&self, client: &mut Client, turn: usize) -> Result<()> {
        let office = &self.stage.offices[turn % self.stage.offices.len()];
        let answer = client.expect(&send::request(office, self.stage.host(), Some("r0")), 201).await?;
        self.links.borrow_mut().push(link(office, answer.body)?);
        Ok(())
    }
}

/// The link to the first recipient of an accepted message.
fn link(office: &Office, accepted: &[u8]) -> Result<String> {
    let accepted: Value = serde_json::from_slice(accepted)?;
    let recipient: RecipientId = accepted["recipients"][0]["id"].as_str().ok_or("no recipient")?.parse()?;
    Ok(format!("/p/{}", office.keys.pickup_token(recipient)))
}

struct FirstPage {
    host: SocketAddr,
    links: Vec<String>,
    seen: RefCell<Vec<Visit>>,
}

/// The requests of one browser, ready to be sent.
struct Visit {
    gesture: Vec<u8>,
    content: Vec<u8>,
}

impl Journey for FirstPage {
    async fn go(&self, client: &mut Client, turn: usize) -> Result<()> {
        let link = &self.links[turn];
        let answer = client.expect(&get(link, self.host, ""), 200).await?;
        let cookie = between(answer.head, "__Host-pickup=", ";").ok_or("no cookie")?;
        let nonce = between(std::str::from_utf8(answer.body)?, "name=\"nonce\" value=\"", "\"").ok_or("no nonce")?;
        let cookie = format!("Cookie: __Host-pickup={cookie}\r\n");
        let form = format!("{cookie}Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n");
        let visit = Visit {
            gesture: post(&format!("{link}/open"), self.host, &form, &format!("nonce={nonce}&here=yes")),
            content: get(&format!("{link}/message"), self.host, &cookie),
        };
        self.seen.borrow_mut().push(visit);
        Ok(())
    }
}

struct Pickup {
    visits: Vec<Visit>,
    /// Contents of those that were opened.
    done: RefCell<Vec<Vec<u8>>>,
}

impl Journey for Pickup {
    async fn go(&self, client: &mut Client, turn: usize) -> Result<()> {
        let visit = &self.visits[turn];
        let answer = client.expect(&visit.gesture, 200).await?;
        if !std::str::from_utf8(answer.body)?.contains(message::SUBJECT) {
            return Err("a pickup without its content".into());
        }
        self.done.borrow_mut().push(visit.content.clone());
        Ok(())
    }
}

struct Again {
    contents: Vec<Vec<u8>>,
}

impl Journey for Again {
    async fn go(&self, client: &mut Client, turn: usize) -> Result<()> {
        client.expect(&self.contents[turn % self.contents.len()], 200).await.map(|_| ())
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}
