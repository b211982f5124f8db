//! What comes back, and what does not.

use bytes::Bytes;
use egress::{Answer, Egress, FixedNames, NotSent, Outgoing, Rules};
use hyper::{HeaderMap, Method, header::HeaderValue};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A host that reads one request's head, says `answer`, keeps what it heard, and waits.
async fn host(answer: Vec<u8>) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.windows(4).any(|w| w == b"\r\n\r\n") {
                let mut some = [0; 1024];
                match stream.read(&mut some).await {
                    Ok(0) | Err(_) => break,
                    Ok(n) => head.extend(&some[..n]),
                }
            }
            let _ = tell.send(String::from_utf8_lossy(&head).into_owned());
            let _ = stream.write_all(&answer).await;
            let _ = stream.read(&mut [0; 1]).await;
        }
    });
    (address, heard)
}

fn here() -> Rules {
    Rules { allow: vec!["127.0.0.0/8".parse().unwrap()], ..Rules::default() }
}
async fn post(egress: &Egress, address: &str) -> Result<Answer, NotSent> {
    let mut headers = HeaderMap::new();
    headers.insert("x-kind", HeaderValue::from_static("test"));
    headers.insert("host", HeaderValue::from_static("evil.test"));
    let body = Bytes::from_static(b"{}");
    egress.send(&Outgoing { method: Method::POST, address, plain: true, headers, body, most: 1_000 }).await
}
async fn answer_of(text: &str) -> Result<Answer, NotSent> {
    let (address, _heard) = host(text.as_bytes().to_vec()).await;
    post(&Egress::new(here()).unwrap(), &format!("http://{address}/hook?a=b")).await
}

#[tokio::test]
async fn the_request_arrives_as_meant_and_the_answer_comes_back() {
    let (address, mut heard) = host(b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nx-answer: 1\r\n\r\nok".to_vec()).await;
    let names = FixedNames::from([("hook.test".into(), vec![address.ip()])]);
    let egress = Egress::new(here()).unwrap().with_names(names);
    let answer = post(&egress, &format!("http://hook.test:{}/hook?a=b", address.port())).await.unwrap();
    assert_eq!((answer.status.as_u16(), &answer.body[..], answer.headers["x-answer"].as_bytes()), (202, &b"ok"[..], &b"1"[..]));
    let heard = heard.recv().await.unwrap();
    assert!(heard.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains(&format!("host: hook.test:{}\r\n", address.port())) && !heard.contains("evil"), "{heard}");
    assert!(heard.contains("x-kind: test") && heard.contains("content-length: 2"), "{heard}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_follows_it() {
    let (elsewhere, mut heard) = host(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    let answer = answer_of(&format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\n\r\n")).await;
    assert_eq!(answer.unwrap().status, 307);
    assert!(heard.try_recv().is_err(), "somebody followed");
}

#[tokio::test]
async fn what_is_too_large_or_no_http_is_refused() {
    let large = format!("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n{}", "a".repeat(1_001));
    assert_eq!(answer_of(&large).await.unwrap_err(), NotSent::TooLarge(1_000));
    let endless = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", "400\r\n".to_owned() + &"a".repeat(1_024) + "\r\n");
    assert_eq!(answer_of(&endless).await.unwrap_err(), NotSent::TooLarge(1_000));
    for bad in ["SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(100_000))] {
        assert!(matches!(answer_of(&bad).await.unwrap_err(), NotSent::Broken(_)), "{}", &bad[..20]);
    }
}

#[tokio::test]
async fn who_does_not_answer_in_ten_seconds_is_given_up() {
    let (address, mut heard) = host(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhal".to_vec()).await;
    let egress = Egress::new(here()).unwrap();
    let url = format!("http://{address}/");
    let asking = tokio::spawn(async move { post(&egress, &url).await });
    heard.recv().await.unwrap();
    tokio::time::pause();
    assert_eq!(asking.await.unwrap().unwrap_err(), NotSent::TooSlow(10));
}

#[tokio::test]
async fn an_address_that_is_dead_gives_way_to_the_next() {
    let (address, _heard) = host(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    let names = FixedNames::from([("two.test".into(), vec!["127.0.0.9".parse().unwrap(), address.ip()])]);
    let egress = Egress::new(here()).unwrap().with_names(names);
    assert!(post(&egress, &format!("http://two.test:{}/", address.port())).await.is_ok());
}

/// A TLS host for `hook.test` whose authority is itself; it answers 200 to anything.
async fn encrypted() -> (SocketAddr, rustls::pki_types::CertificateDer<'static>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["hook.test".to_owned()]).unwrap().self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                let _ = stream.shutdown().await;
            }
        }
    });
    (address, certificate.der().clone())
}

#[tokio::test]
async fn a_host_must_have_a_certificate_that_we_trust_for_its_name() {
    let (address, authority) = encrypted().await;
    let names = || FixedNames::from([("hook.test".into(), vec![address.ip()]), ("other.test".into(), vec![address.ip()])]);
    let trusting = Rules { authorities: vec![authority], ..here() };
    let (strict, trusting) = (Egress::new(here()).unwrap().with_names(names()), Egress::new(trusting).unwrap().with_names(names()));
    assert!(post(&trusting, &format!("https://hook.test:{}/", address.port())).await.is_ok());
    for (egress, host) in [(&strict, "hook.test"), (&trusting, "other.test")] {
        let refused = post(egress, &format!("https://{host}:{}/", address.port())).await.unwrap_err();
        assert!(matches!(refused, NotSent::NotTrusted(..)), "{refused}");
    }
}
