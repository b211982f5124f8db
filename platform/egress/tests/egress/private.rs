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
use tokio::net::TcpListener;

/// Every address leads to this machine, so a call that is made arrives.
const NAMESPACE: &str = "ip link set lo up && ip route add local 0.0.0.0/0 dev lo && ip -6 route add local ::/0 dev lo \
    && exec \"$0\" --ignored --exact private::inside_the_namespace --nocapture";

#[test]
fn no_private_address_is_ever_called() {
    let me = std::env::current_exe().unwrap();
    let ended = Command::new("unshare").args(["--user", "--map-root-user", "--net", "sh", "-c", NAMESPACE]).arg(me).output().unwrap();
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
