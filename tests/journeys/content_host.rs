//! Files on a host of their own: the way there, what is served there, and what is not.

use poem::http::Method;
use std::time::Duration;
use tests::{Answer, Ask, Browser, File, Member, Recipient, Town, on_both_with};

const SITE: &str = "mail.example.test";
const CONTENT: &str = "files.example.test";
const PLAIN: &[u8] = b"<script>document.title = 'mine'</script>";

fn apart(config: &mut countersign::Config) {
    config.site.content_host = CONTENT.into();
}

/// Whoever follows a link there sends no cookie of the site's: browsers keep those by host.
async fn at_the_content_host(town: &Town, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let ask = Ask::new(method, path, town.browser().address).header("host", CONTENT);
    town.door.ask(headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))).await
}
async fn follow(town: &Town, path: &str) -> Answer {
    at_the_content_host(town, Method::GET, path, &[]).await
}

/// A message with one file, opened at bob's browser; the file's id.
async fn opened(town: &Town, ana: &Member) -> (String, Recipient, String) {
    let file = [File { name: "a b.html", media_type: "text/html", bytes: PLAIN }];
    let message = ana.send_with(&[("to", "bob@example.org"), ("proof", "r0")], &file).await;
    town.run_jobs().await;
    let bob = town.recipient("bob@example.org");
    bob.open().await.is(303);
    let file = bob.message().await.is(200).after("/files/").expect("a button for the file");
    (message, bob, file)
}

/// The path of a link that leads to the content host.
fn there(answer: &Answer) -> String {
    let path = answer.to().strip_prefix("https://files.example.test").unwrap_or_else(|| panic!("{} leads elsewhere", answer.to()));
    path.to_owned()
}

#[tokio::test]
async fn files_leave_from_their_own_host_sandboxed_and_without_a_cookie() {
    on_both_with(apart, async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let (message, bob, file) = opened(&town, &ana).await;
        let page = bob.message().await.is(200);
        assert!(page.header("content-security-policy").contains("form-action 'self' https://files.example.test;"));
        let on_the_site = bob.release(&file).await;
        let key = ana.key("watch").await;
        let recorded = key.kinds(&message).await;
        let link = there(&bob.browser.get(&on_the_site).await);
        assert!(link.ends_with("/a%20b.html") && !link.contains(&file), "{link}");
        let served = follow(&town, &link).await.is(200);
        assert_eq!(served.bytes, PLAIN);
        for (name, value) in [
            ("content-security-policy", "sandbox; default-src 'none'"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("set-cookie", ""),
        ] {
            assert_eq!(served.header(name), value, "{name}");
        }
        assert!(served.header("content-disposition").starts_with("attachment;"));
        let part = at_the_content_host(&town, Method::GET, &link, &[("range", "bytes=1-6")]).await.is(206);
        assert_eq!(part.bytes, &PLAIN[1..7]);
        at_the_content_host(&town, Method::GET, &link, &[("range", "bytes=999-")]).await.is(416);
        at_the_content_host(&town, Method::HEAD, &link, &[]).await.is(200);
        assert_eq!(key.kinds(&message).await, recorded, "handed over is recorded at the button, not at the download");
        let file_of_hers = format!("/messages/{message}/files/{file}/a%20b.html");
        let link = there(&ana.browser.get(&file_of_hers).await);
        assert_eq!(follow(&town, &link).await.is(200).bytes, PLAIN);
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_link_there_ends_by_itself_and_with_what_it_stands_on() {
    on_both_with(apart, async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let (message, bob, file) = opened(&town, &ana).await;
        let on_the_site = bob.release(&file).await;
        let again = async |browser: &Browser, path: &str| there(&browser.get(path).await);
        let link = again(&bob.browser, &on_the_site).await;
        for place in [4, 30, link.len() / 2, link.rfind('/').unwrap() - 2] {
            let mut bent = link.clone().into_bytes();
            bent[place] = if bent[place] == b'A' { b'B' } else { b'A' };
            follow(&town, &String::from_utf8(bent).unwrap()).await.is(404);
        }
        town.clock.advance(Duration::from_secs(299));
        follow(&town, &link).await.is(200);
        town.clock.advance(Duration::from_secs(1));
        let ended = follow(&town, &link).await.is(404);
        assert!(ended.shows("This link to a file"));
        assert_eq!((ended.header("content-security-policy"), ended.header("set-cookie")), ("sandbox; default-src 'none'", ""));

        let hers = format!("/messages/{message}/files/{file}/a.html");
        let link = again(&ana.browser, &hers).await;
        follow(&town, &link).await.is(200);
        ana.browser.get("/settings").await.is(200);
        ana.browser.press("/sign-out", &[]).await.is(303);
        follow(&town, &link).await.is(404);
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn each_host_serves_its_own_and_nothing_of_the_other() {
    on_both_with(apart, async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let (_, bob, file) = opened(&town, &ana).await;
        let on_the_site = bob.release(&file).await;
        let link = there(&bob.browser.get(&on_the_site).await);
        let signed_in = ana.browser.cookie_line();
        let visiting = bob.browser.cookie_line();
        for path in ["/", "/sign-in", "/sent", "/v1/account", "/openapi.json", "/docs", "/c/", "/c/x/y", &bob.link, &on_the_site] {
            for cookies in [&signed_in, &visiting] {
                let answer = at_the_content_host(&town, Method::GET, path, &[("cookie", cookies)]).await.is(404);
                assert!(answer.shows("This link to a file") && answer.header("set-cookie").is_empty(), "{path}");
            }
        }
        at_the_content_host(&town, Method::POST, &link, &[("cookie", &visiting)]).await.is(404);
        for host in ["FILES.example.test:443", "files.example.test."] {
            let ask = Ask::new(Method::GET, &link, town.browser().address).header("host", host);
            town.door.ask(ask).await.is(200);
        }
        for host in [SITE, "files.example.test.evil.example"] {
            let ask = Ask::new(Method::GET, &link, town.browser().address).header("host", host);
            assert!(!town.door.ask(ask).await.is(404).shows("This link to a file"), "{host}");
        }
        let crossed = [("origin", "https://files.example.test"), ("content-type", "application/x-www-form-urlencoded")];
        let fields = ana.browser.hidden_fields().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        ana.browser.ask(Method::POST, "/settings/proof", &crossed, tests::Body::Whole(fields.into())).await.is(403);
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn without_a_content_host_files_leave_from_the_site() {
    on_both_with(
        |_| {},
        async |town: Town| {
            let ana = town.member("ana@acme.example").await;
            let (_, bob, file) = opened(&town, &ana).await;
            let on_the_site = bob.release(&file).await;
            assert_eq!(bob.browser.get(&on_the_site).await.is(200).bytes, PLAIN);
            assert!(!bob.message().await.header("content-security-policy").contains("files.example.test"));
            assert!(!follow(&town, "/c/x/y").await.is(404).shows("This link to a file"), "a page of the site");
            town.run_jobs().await;
        },
    )
    .await;
}

#[tokio::test]
async fn downloads_by_the_api_stay_where_the_key_belongs_as_bytes_to_be_saved() {
    on_both_with(apart, async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let (message, _, file) = opened(&town, &ana).await;
        let key = ana.key("ci").await;
        let bearer = format!("Bearer {}", key.secret);
        for path in [format!("/v1/attachments/{file}"), format!("/v1/messages/{message}/attachments/{file}")] {
            for (range, status, bytes) in [("bytes=0-", 206, PLAIN), ("bytes=1-6", 206, &PLAIN[1..7]), ("", 200, PLAIN)] {
                let ask = key.request(Method::GET, &path);
                let served = town.door.ask(if range.is_empty() { ask } else { ask.header("range", range) }).await.is(status);
                assert_eq!(served.bytes, bytes);
                for (name, value) in [
                    ("content-type", "application/octet-stream"),
                    ("content-security-policy", "sandbox; default-src 'none'"),
                    ("x-content-type-options", "nosniff"),
                    ("cross-origin-resource-policy", "same-origin"),
                    ("cache-control", "no-store"),
                    ("set-cookie", ""),
                ] {
                    assert_eq!(served.header(name), value, "{name} of {path}");
                }
                assert!(served.header("content-disposition").starts_with("attachment;"), "{path}");
            }
            // A browser that is led there has no key to send, and its session is nothing there.
            ana.browser.get(&path).await.is(401);
            at_the_content_host(&town, Method::GET, &path, &[("authorization", &bearer)]).await.is(404);
        }
        town.run_jobs().await;
    })
    .await;
}
