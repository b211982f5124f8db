use crate::town::{Answer, Person, Town, read};
use poem::http::{Method, StatusCode, header};

/// Asks as `person` with their own form token; the headers of a page of ours, and a plain form as the body.
async fn ask(town: &Town, person: &Person, method: &str, path: &str) -> Answer {
    let method: Method = method.parse().unwrap();
    let asked = town.site.request(method, path).header(header::COOKIE, &person.cookie).header("x-form", &person.form);
    read(
        asked
            .content_type("application/x-www-form-urlencoded")
            .body(format!("form={}&recipient=rcp_00000000000000000000000001", person.form))
            .send()
            .await,
    )
    .await
}

#[tokio::test]
async fn anothers_message_and_one_that_never_was_answer_the_same_bytes() {
    let town = Town::new().await;
    let (ana, eve) = (town.person("ana@example.org").await, town.person("eve@example.net").await);
    let message = town.sent(&ana, "bob@example.org", "Canary", "r0").await;
    let draft = town.multipart(&ana, "/drafts", &[("subject", "Canary")], &[("a.pdf", b"canary")]).await.to();
    let page = town.get(&ana, &draft).await;
    let file = crate::town::value(&page.body, "data-id=\"").to_owned();
    let (message, draft) = (message.trim_start_matches("/messages/").to_owned(), draft.trim_start_matches("/drafts/").to_owned());
    for route in web::ROUTES
        .iter()
        .filter(|r| r.path.contains("/drafts/:id") || r.path.contains("/messages/:id") || r.path.contains("/received/:id"))
    {
        let real = route
            .path
            .replace(":id", if route.path.starts_with("/drafts") { &draft } else { &message })
            .replace(":att", &file)
            .replace(":name", "a.pdf");
        let none = "00000000000000000000000001";
        let absent = route.path.replace(":id", &format!("msg_{none}")).replace(":att", &format!("att_{none}")).replace(":name", "a.pdf");
        let (foreign, absent) = (ask(&town, &eve, route.method, &real).await, ask(&town, &eve, route.method, &absent).await);
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{} {}", route.method, route.path);
        assert_eq!((absent.status, absent.body), (foreign.status, foreign.body), "{} {}", route.method, route.path);
    }
    let page = town.get(&ana, &format!("/drafts/{draft}")).await;
    assert!(page.shows("Canary") && page.shows("a.pdf"), "nothing of hers was touched");
    assert!(town.get(&ana, &format!("/messages/{message}")).await.shows("Canary"));
}

#[tokio::test]
async fn a_form_without_its_token_does_nothing() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let draft = town.multipart(&ana, "/drafts", &[("subject", "kept")], &[]).await.to();
    let stranger = Person { form: "AAAA".into(), cookie: ana.cookie.clone(), caller: ana.caller.clone() };
    for path in ["/drafts", "/drafts?then=send", &draft, &format!("{draft}/send"), &format!("{draft}/files")] {
        let answer = town.multipart(&stranger, path, &[("to", "bob@example.org"), ("subject", "forged")], &[("a.pdf", b"a")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(town.post(&stranger, &format!("{draft}/discard"), &[]).await.status, StatusCode::FORBIDDEN);
    let put = town
        .site
        .put(format!("{draft}/files/att_00000000000000000000000001?offset=0"))
        .header(header::COOKIE, &ana.cookie)
        .body("x")
        .send()
        .await;
    put.assert_status(StatusCode::FORBIDDEN);
    let page = town.get(&ana, &draft).await;
    assert!(page.shows("kept") && !page.shows("a.pdf") && !page.shows("forged"));
    let from_elsewhere = town.site.post("/drafts").header(header::COOKIE, &ana.cookie).header("sec-fetch-site", "cross-site");
    from_elsewhere
        .content_type("application/x-www-form-urlencoded")
        .body(format!("form={}", ana.form))
        .send()
        .await
        .assert_status(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn nobody_signed_in_is_sent_to_the_sign_in_page() {
    let town = Town::new().await;
    // The stream of news is asked for by a script alone, which is told 401.
    for route in web::ROUTES.iter().filter(|r| r.who == web::Who::Member && r.path != "/messages/:id/events") {
        let method: Method = route.method.parse().unwrap();
        let answer = read(town.site.request(method, route.path).header("x-form", "x").send().await).await;
        assert!(answer.to().starts_with("/sign-in"), "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn what_is_not_a_form_is_said_to_be_none() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    for kind in ["application/json", "text/plain", "multipart/form-data"] {
        let answer = town.site.post("/drafts").header(header::COOKIE, &ana.cookie).content_type(kind).body("{}").send().await;
        answer.assert_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let broken = town.site.post("/drafts").header(header::COOKIE, &ana.cookie).content_type("multipart/form-data; boundary=x");
    broken.body("--x\r\nContent-Disposition: form-data; name=\"form\"\r\n\r\nabc").send().await.assert_status(StatusCode::BAD_REQUEST);
}
