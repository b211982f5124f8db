//! Lists of revoked certificates, fetched from a host by the real client.

use super::{
    town::*,
    workshop::{CA, PERSON},
};
use crate::{BadCertificate, Rules, crl::MAX_LIST_BYTES};
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A host that answers each request with what was put here last.
fn host() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/list.crl", listener.local_addr().unwrap());
    let says = Arc::new(Mutex::new(Vec::new()));
    let kept = says.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let answer = kept.lock().unwrap().clone();
            let _ = stream.write_all(&answer);
        }
    });
    (url, says)
}

fn ok(body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

const DAY: Duration = Duration::from_secs(86_400);

facts! {
    async fn a_list_is_fetched_revokes_goes_stale_and_comes_back(town) {
        let ana = town.owner("ana@example.org").await;
        let root = town.shop.root("root", "Acme", 300, CA);
        let (card, lost) = (town.shop.issue("ana", "root", 30, PERSON), town.shop.issue("lost", "root", 30, PERSON));
        let (url, says) = host();
        let here = ana.caller.tenant();
        let stale = || Err(BadCertificate::ListStale.to_string());
        let rules = Rules { maps_by_address: true, lists: vec![url], crl_grace_hours: 24 };
        town.accept(&ana, &root.pem, rules).await;
        assert_eq!(town.whose(here, &card.der).await, stale(), "before the first look nobody gets in");
        *says.lock().unwrap() = ok(&town.shop.list("root", &[&lost], 48, ""));
        assert_eq!(town.work().await, 1);
        assert_eq!(town.whose(here, &card.der).await, Ok("ana@example.org".into()));
        assert_eq!(town.whose(here, &lost.der).await, Err(BadCertificate::Revoked.to_string()));

        *says.lock().unwrap() = b"HTTP/1.1 302 Found\r\nlocation: /list.crl\r\ncontent-length: 0\r\n\r\n".to_vec();
        town.clock.advance(DAY);
        assert_eq!(town.work().await, 1);
        let list = town.room.authorities(&ana.caller).await.unwrap().remove(0).lists.remove(0);
        assert!(list.said.contains("leads to another"), "{list:?}");
        assert_eq!(town.whose(here, &card.der).await, Ok("ana@example.org".into()), "the list before still counts");
        town.clock.advance(DAY + DAY - Duration::from_secs(120));
        assert_eq!(town.whose(here, &card.der).await, Ok("ana@example.org".into()), "also within the grace");
        town.clock.advance(Duration::from_secs(240));
        assert_eq!(town.whose(here, &card.der).await, stale());

        *says.lock().unwrap() = ok(&town.shop.list("root", &[], 24 * 10, ""));
        assert_eq!(town.work().await, 1);
        assert_eq!(town.whose(here, &card.der).await, Ok("ana@example.org".into()));

        *says.lock().unwrap() = ok(&town.shop.list("root", &[&card], 24 * 10, ""));
        town.clock.advance(DAY);
        assert_eq!(town.work().await, 1);
        assert_eq!(town.whose(here, &card.der).await, Err(BadCertificate::Revoked.to_string()), "no list before it is kept in mind");
    }

    async fn what_is_no_list_of_the_authority_changes_nothing_and_is_told(town) {
        let ana = town.owner("ana@example.org").await;
        let root = town.shop.root("root", "Acme", 300, CA);
        town.shop.root("bolt", "Bolt", 300, CA);
        let (url, says) = host();
        town.accept(&ana, &root.pem, Rules { lists: vec![url], ..Rules::default() }).await;
        let huge = ok(&vec![0x30; MAX_LIST_BYTES + 1]);
        for (answer, said) in [
            (ok(b"<!doctype html>"), "cannot be read"),
            (ok(&town.shop.list("bolt", &[], 24, "")), "issued by “Bolt”"),
            (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(), "answers 404"),
            (huge, "larger than"),
            (b"HTTP/1.1 301 Moved\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n".to_vec(), "leads to another"),
            (Vec::new(), "did not answer"),
        ] {
            *says.lock().unwrap() = answer;
            assert_eq!(town.work().await, 1, "{said}");
            let list = town.room.authorities(&ana.caller).await.unwrap().remove(0).lists.remove(0);
            assert!(list.said.contains(said) && list.good_until.is_none(), "{said}: {list:?}");
            town.clock.advance(Duration::from_secs(601));
        }
    }

    async fn an_older_list_does_not_take_the_place_of_a_newer_one(town) {
        let ana = town.owner("ana@example.org").await;
        let root = town.shop.root("root", "Acme", 300, CA);
        let lost = town.shop.issue("lost", "root", 30, PERSON);
        let (url, says) = host();
        town.accept(&ana, &root.pem, Rules { maps_by_address: true, lists: vec![url], ..Rules::default() }).await;
        let before = town.shop.list("root", &[], 24 * 10, "");
        // Lists are dated to the second.
        std::thread::sleep(Duration::from_millis(1_100));
        *says.lock().unwrap() = ok(&town.shop.list("root", &[&lost], 24 * 10, ""));
        assert_eq!(town.work().await, 1);
        *says.lock().unwrap() = ok(&before);
        town.clock.advance(DAY);
        assert_eq!(town.work().await, 1);
        let list = town.room.authorities(&ana.caller).await.unwrap().remove(0).lists.remove(0);
        assert!(list.said.contains("older than the one that we have"), "{list:?}");
        assert_eq!(town.whose(ana.caller.tenant(), &lost.der).await, Err(BadCertificate::Revoked.to_string()));
    }

    async fn an_address_that_changed_or_an_authority_that_went_is_looked_at_no_more(town) {
        let ana = town.owner("ana@example.org").await;
        let root = town.shop.root("root", "Acme", 300, CA);
        let (url, _) = host();
        let id = town.accept(&ana, &root.pem, Rules { lists: vec![url], ..Rules::default() }).await;
        assert_eq!(town.work().await, 1);
        town.room.set_rules(&ana.caller, id, &Rules::default()).await.unwrap();
        town.clock.advance(Duration::from_secs(601));
        assert_eq!(town.work().await, 1, "the job sees that nobody wants it");
        town.clock.advance(DAY);
        assert_eq!(town.work().await, 0);
    }

    async fn an_authority_has_a_few_lists_and_each_is_kept_while_its_address_stays(town) {
        let ana = town.owner("ana@example.org").await;
        let root = town.shop.root("root", "Acme", 300, CA);
        let card = town.shop.issue("ana", "root", 30, PERSON);
        let ((url, says), (other, other_says)) = (host(), host());
        let rules = |lists: &[&String]| Rules {
            maps_by_address: true,
            lists: lists.iter().map(|url| format!(" {url} ")).chain(["".into()]).collect(),
            crl_grace_hours: 1,
        };
        let here = ana.caller.tenant();
        let shown = async || {
            let lists = town.room.authorities(&ana.caller).await.unwrap().remove(0).lists;
            lists.into_iter().map(|list| (list.url, list.good_until.is_some())).collect::<Vec<_>>()
        };
        *says.lock().unwrap() = ok(&town.shop.list("root", &[], 48, ""));
        *other_says.lock().unwrap() = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec();
        let id = town.accept(&ana, &root.pem, rules(&[&url, &other, &url])).await;
        assert_eq!(town.work().await, 2, "each once");
        assert_eq!(shown().await, [(url.clone(), true), (other.clone(), false)]);
        assert_eq!(town.whose(here, &card.der).await, Err(BadCertificate::ListStale.to_string()), "the other may be its issuer's");

        town.room.set_rules(&ana.caller, id, &rules(&[&other, &url])).await.unwrap();
        assert_eq!(shown().await, [(other.clone(), false), (url.clone(), true)], "in another order, and nothing fetched again");
        for lists in [&[&url][..], &[&other, &url], &[&url]] {
            town.room.set_rules(&ana.caller, id, &rules(lists)).await.unwrap();
        }
        assert_eq!(town.whose(here, &card.der).await, Ok("ana@example.org".into()));
        town.room.set_rules(&ana.caller, id, &rules(&[])).await.unwrap();
        assert_eq!(shown().await, []);
        let many: Vec<String> = (0..6).map(|n| format!("http://crl.example/{n}")).collect();
        let refused = town.room.set_rules(&ana.caller, id, &rules(&many.iter().collect::<Vec<_>>())).await.unwrap_err();
        assert!(refused.to_string().contains("5 lists") && refused.field() == Some("lists"), "{refused}");
        for lists in [&[&url][..], &[], &[&url]] {
            town.room.set_rules(&ana.caller, id, &rules(lists)).await.unwrap();
        }
        town.clock.advance(DAY + Duration::from_secs(1));
        assert_eq!(town.work().await, 2, "one of each address, however often it came and went");
    }
}
