//! kill -9 of the server during a storm of sends: what was answered `201` is there, opens, and its notice goes out under one Message-ID.

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};
use store::testing::{TestDatabase, fresh_postgres, fresh_sqlite};
use tests::{ApiKey, Ask, Recipient, Server, Site, wait_for};

const CLIENTS: usize = 16;
const ROUNDS: usize = 3;

/// Address of the one recipient → id of the message.
type Accepted = BTreeMap<String, String>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_survives_a_kill_on_sqlite() {
    storm(fresh_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_survives_a_kill_on_postgresql() {
    storm(fresh_postgres().await).await;
}

async fn storm(database: TestDatabase) {
    let site = Site::set_up(crate::PROGRAM, database).await;
    let mut server = site.serve().await;
    let key = site.member(&server, "ana@acme.example").await.key("ci").await;
    let mut accepted = Accepted::new();
    for round in 0..ROUNDS {
        let key = ApiKey { door: server.door.clone(), ..key.clone() };
        send_until_killed(&mut server, &key, round, 40 + 40 * round, &mut accepted).await;
        server = site.serve().await;
        println!("round {round}: {} accepted so far, started again in {:?}", accepted.len(), server.started_in);
    }
    let key = ApiKey { door: server.door.clone(), ..key };
    for (address, message) in &accepted {
        wait_for(async || (key.states(message).await == ["notified"]).then_some(())).await;
        is_whole(&site, &server, address).await;
    }
    one_message_id_each(&site, &accepted);
    let verified = site.run(&["admin", "evidence", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// Clients send as fast as they can; after `enough` answers the server is killed. Notes down all that were answered.
async fn send_until_killed(server: &mut Server, key: &ApiKey, round: usize, enough: usize, accepted: &mut Accepted) {
    let count = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (key, count) = (key.clone(), count.clone());
            tokio::spawn(async move {
                let mut accepted = Accepted::new();
                for n in 0.. {
                    let address = format!("r{round}-{client}-{n}@example.org");
                    match key.door.try_ask(message_to(&key, &address)).await {
                        Ok(answer) => {
                            let answer: Value = answer.is(201).json();
                            accepted.insert(address, answer["id"].as_str().unwrap().to_owned());
                            count.fetch_add(1, SeqCst);
                        }
                        Err(_) => break,
                    }
                }
                accepted
            })
        })
        .collect();
    wait_for(async || (count.load(SeqCst) >= enough).then_some(())).await;
    server.kill();
    for client in clients {
        accepted.append(&mut client.await.unwrap());
    }
}

fn message_to(key: &ApiKey, address: &str) -> Ask {
    let message = json!({ "to": [address], "subject": "Storm", "body": format!("Only for {address}."), "proof": "r0" });
    key.request("POST".parse().unwrap(), "/v1/messages").body("application/json", message.to_string())
}

/// The content opens with the link of the notice, and is what was sent.
async fn is_whole(site: &Site, server: &Server, address: &str) {
    let notice = site.letter_with(address, "/p/").await;
    let bob = Recipient::new(server.browser(), &notice.link("/p/"));
    assert_eq!(bob.open().await.step(), "message");
    let page = bob.message().await.is(200);
    assert!(page.shows(&format!("Only for {address}.")), "{}", page.text());
}

/// A letter that was in hand when the server died may go out twice, but as one letter.
fn one_message_id_each(site: &Site, accepted: &Accepted) {
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for letter in site.letters() {
        ids.entry(letter.to).or_default().push(letter.message_id);
    }
    let mut twice = 0;
    for address in accepted.keys() {
        let ids = &ids[address];
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 1, "{address}: {ids:?}");
        twice += usize::from(ids.len() > 1);
    }
    println!("{} accepted, none lost; {twice} notices went out twice under one Message-ID", accepted.len());
    // Only what was in hand at one of the kills: as many as the workers had.
    assert!(twice <= ROUNDS * 8, "{twice} of {} went out twice", accepted.len());
}
