//! Addresses inside private networks, counted where every address of the world is ours: a network namespace whose routes all lead back.

use crate::private_list::{HOSTS, names};
use bytes::Bytes;
use egress::{Egress, NotSent, Outgoing, Rules};
use hyper::{HeaderMap, Method};
use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::net::{TcpListener, UdpSocket};

/// Every address leads to this machine, so a call that is made arrives.
const NAMESPACE: &str = "ip link set lo up && ip route add local 0.0.0.0/0 dev lo && ip -6 route add local ::/0 dev lo";
/// Its names are ours as well.
const RESOLVER: &str = "echo nameserver 127.0.0.1 >\"$2\" && mount --bind \"$2\" /etc/resolv.conf";
const GO_ON: &str = "exec \"$0\" --ignored --exact \"$1\" --nocapture";

#[test]
fn no_private_address_is_ever_called() {
    in_a_namespace(&format!("{NAMESPACE} && {GO_ON}"), "private::inside_the_namespace");
}

/// DNS rebinding: a name that is public when it is looked at and private a moment later.
#[test]
fn a_name_that_changes_after_it_was_judged_is_called_where_it_was_judged() {
    in_a_namespace(&format!("{NAMESPACE} && {RESOLVER} && {GO_ON}"), "private::inside_with_names_that_change");
}

fn in_a_namespace(script: &str, test: &str) {
    let apart = ["--user", "--map-root-user", "--net", "--mount"];
    if !Command::new("unshare").args(apart).arg("true").status().is_ok_and(|ended| ended.success()) {
        return println!("LEFT OUT: this machine lets nobody have a network namespace");
    }
    let resolver = std::env::temp_dir().join(format!("egress-resolv-{}", std::process::id()));
    let me = std::env::current_exe().unwrap();
    let ended = Command::new("unshare").args(apart).args(["sh", "-c", script]).arg(me).arg(test).arg(&resolver).output().unwrap();
    let _ = std::fs::remove_file(&resolver);
    let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}

async fn call(egress: &Egress, address: &str) -> Result<(), NotSent> {
    let request = Outgoing { method: Method::GET, address, plain: true, headers: HeaderMap::new(), body: Bytes::new(), most: 1_000 };
    egress.send(&request).await.map(|_| ())
}

/// A listener that counts who comes and hangs up on them.
async fn count(listener: TcpListener, came: Arc<AtomicUsize>) {
    while listener.accept().await.is_ok() {
        came.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
#[ignore = "run by no_private_address_is_ever_called in a namespace of its own"]
async fn inside_the_namespace() {
    let six = TcpListener::bind("[::]:0").await.unwrap();
    let port = six.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    // On Linux a listener on [::] takes IPv4 as well.
    tokio::spawn(count(six, came.clone()));
    let arrived = async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        came.swap(0, Ordering::SeqCst)
    };
    let everything = Rules { allow: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()], ..Rules::default() };
    let careless = Egress::new(everything).unwrap().with_names(names());
    for host in ["10.0.0.1", "[fd00::1]", "169.254.169.254", "inside.test", "mixed.test", "0x7f000001", "[::ffff:10.0.0.1]"] {
        let _ = call(&careless, &format!("http://{host}:{port}/")).await;
        assert_eq!(arrived().await, 1, "the control must arrive at {host}, or nothing is counted here");
    }
    let careful = Egress::new(Rules::default()).unwrap().with_names(names());
    for host in ["8.8.8.8", "[2606:4700::1]", "public.test", "public6.test"] {
        let _ = call(&careful, &format!("http://{host}:{port}/")).await;
        assert_eq!(arrived().await, 1, "{host} is public");
    }
    for host in HOSTS {
        let refused = call(&careful, &format!("http://{host}:{port}/")).await.expect_err(host);
        let early = matches!(refused, NotSent::NotPublic(_) | NotSent::NoFullName(_) | NotSent::NotFound(_) | NotSent::NotAnAddress(_));
        assert!(early, "{host}: {refused}");
    }
    assert_eq!(arrived().await, 0, "calls to private addresses");
}

/// Answers the first question for each name with a public address and every later one with a private one, to be forgotten at once;
/// counts the questions for addresses of IPv4.
async fn turn(dns: UdpSocket, asked: Arc<AtomicUsize>) {
    let mut seen = std::collections::HashSet::new();
    let mut question = [0; 512];
    while let Ok((len, peer)) = dns.recv_from(&mut question).await {
        let name = question[12..len].iter().position(|b| *b == 0).unwrap();
        let end = 12 + name + 5;
        let for_ipv4 = question[end - 4..end - 2] == [0, 1];
        let mut answer = [&question[..2], &[0x81, 0x80, 0, 1, 0, for_ipv4 as u8, 0, 0, 0, 0], &question[12..end]].concat();
        if for_ipv4 {
            asked.fetch_add(1, Ordering::SeqCst);
            let address = if seen.insert(question[12..12 + name].to_vec()) { [8, 8, 8, 8] } else { [10, 0, 0, 1] };
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
            answer.extend(address);
        }
        dns.send_to(&answer, peer).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "run by a_name_that_changes_after_it_was_judged_is_called_where_it_was_judged in a namespace of its own"]
async fn inside_with_names_that_change() {
    let asked = Arc::new(AtomicUsize::new(0));
    tokio::spawn(turn(UdpSocket::bind("127.0.0.1:53").await.unwrap(), asked.clone()));
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let egress = Egress::new(Rules::default()).unwrap();
    for n in 0..20 {
        let address = format!("http://name{n}.turning.test:{port}/");
        let (came, _) = tokio::join!(
            async {
                let (stream, _) = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await.expect("a call").unwrap();
                stream.local_addr().unwrap().ip().to_string()
            },
            call(&egress, &address)
        );
        assert_eq!((came.as_str(), asked.swap(0, Ordering::SeqCst)), ("8.8.8.8", 1), "name{n} was asked for once, and called there");
        let refused = call(&egress, &address).await.expect_err("it is private now");
        assert!(matches!(refused, NotSent::NotPublic(_)), "{refused}");
        asked.store(0, Ordering::SeqCst);
    }
    let more = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(more.is_err(), "a call to a private address");
}
