//! Lists of revoked certificates, from a host inside a private network: fetched where the operator allows that network, and nowhere else.

use countersign::Config;
use std::{
    io::{Read, Write},
    net::TcpListener,
};
use tests::{Authority, Member, Town, on_both_with};

/// Serves `body` at every path, as long as the process runs; its address.
fn host(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    format!("http://{address}/list.crl")
}

/// What the settings say after the first look for the list.
async fn settings(town: &Town, acme: &Authority, url: &str) -> String {
    let ana: Member = town.member("ana@acme.example").await;
    ana.step_up().await;
    ana.browser.get("/settings/certificates").await.is(200);
    let fields = [("chain", acme.pem.as_str()), ("lists", url), ("crl_grace_hours", "0")];
    ana.browser.press("/settings/certificates/authorities", &fields).await.is(303);
    town.run_jobs().await;
    ana.browser.get("/settings/certificates").await.is(200).text()
}

fn allowing(networks: &[&str]) -> impl Fn(&mut Config) {
    let networks: Vec<String> = networks.iter().map(|network| (*network).to_owned()).collect();
    move |config| config.client_certificates.list_networks.clone_from(&networks)
}

#[tokio::test]
async fn a_list_inside_a_private_network_is_fetched_where_the_operator_allows_it_alone() {
    let acme = Authority::called("Acme Root");
    let url = host(acme.list());
    for networks in [&[][..], &["10.0.0.0/8"], &["127.0.0.2", "::1"]] {
        on_both_with(allowing(networks), async |town: Town| {
            let text = settings(&town, &acme, &url).await;
            assert!(text.contains("has an address inside a private network") && text.contains("no list yet"), "{text}");
        })
        .await;
    }
    on_both_with(allowing(&["127.0.0.1"]), async |town: Town| {
        let text = settings(&town, &acme, &url).await;
        assert!(text.contains("list counts until") && !text.contains("came to nothing"), "{text}");
    })
    .await;
}
