//! The recipient's way at R0: the first page (`GET /p/TOKEN`, which records that the link was fetched), then the gesture
//! (`POST /p/TOKEN/open`, which commits the hand-over and answers 303) and the content (`GET /p/TOKEN/message`).

use super::{Stage, get, post, send};
use crate::{
    Result,
    client::Client,
    load::{Bounds, Journey, Measured},
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
    /// Gesture and content, two requests, as one operation.
    pub pickup: Measured,
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
    let pickup = stage.run(clients, bounds, &Pickup { visits }).await?;
    Ok(Way { first_page, pickup })
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

/// The two requests of a pickup, ready to be sent.
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
            gesture: post(&format!("{link}/open"), self.host, &form, &format!("nonce={nonce}")),
            content: get(&format!("{link}/message"), self.host, &cookie),
        };
        self.seen.borrow_mut().push(visit);
        Ok(())
    }
}

struct Pickup {
    visits: Vec<Visit>,
}

impl Journey for Pickup {
    async fn go(&self, client: &mut Client, turn: usize) -> Result<()> {
        let visit = &self.visits[turn];
        client.expect(&visit.gesture, 303).await?;
        client.expect(&visit.content, 200).await.map(|_| ())
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}
