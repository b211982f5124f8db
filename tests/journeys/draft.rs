//! Writing: drafts that keep what was typed.

use tests::{Town, on_both};

#[tokio::test]
async fn two_submits_of_one_draft_send_once() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let draft = ana.draft(&[("to", "bob@example.org"), ("subject", "Once")], &[]).await;
        let fields = [("to", "bob@example.org"), ("subject", "Once"), ("body", "Only once.")];
        let path = format!("/drafts/{draft}/send");
        let (first, second) = tokio::join!(ana.browser.press(&path, &fields), ana.browser.press(&path, &fields));
        assert_eq!((first.to(), second.to()), (&*format!("/messages/{draft}"), &*format!("/messages/{draft}")));
        town.run_jobs().await;
        assert_eq!(town.letters_to("bob@example.org"), 1);
    })
    .await;
}

#[tokio::test]
async fn two_submits_of_one_blank_page_send_once() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let once = ana.browser.get("/compose").await.hidden("once").unwrap();
        let fields = [("to", "bob@example.org"), ("subject", "Once"), ("body", "Only once."), ("once", &once)];
        let press = async || ana.browser.press("/drafts?then=send", &fields).await;
        let (first, second) = tokio::join!(press(), press());
        assert_eq!(first.to(), second.to());
        assert!(ana.browser.get("/drafts").await.shows("No drafts"), "the second press left nothing behind");
        town.run_jobs().await;
        assert_eq!(town.letters_to("bob@example.org"), 1);
    })
    .await;
}

#[tokio::test]
async fn a_draft_keeps_what_was_typed_and_an_older_window_does_not_overwrite_it() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let draft = ana.draft(&[("to", "bob@exam"), ("body", "half a sen")], &[]).await;
        let path = format!("/drafts/{draft}");
        let save = async |body: &str, revision: &str| {
            ana.browser.press(&path, &[("to", "bob@exam"), ("body", body), ("revision", revision)]).await
        };
        save("half a sentence", "1").await.is(303);
        let older = save("half a sen", "1").await.is(409);
        assert!(older.shows("half a sen"), "what the older window typed is still there: {}", older.text());
        let kept = ana.browser.get(&path).await.is(200);
        assert!(kept.shows("half a sentence") && kept.shows("bob@exam"));
        ana.browser.press(&format!("{path}/discard"), &[]).await.is(303);
        ana.browser.get(&path).await.is(404);
        let gone = ana.browser.press(&format!("{path}/send"), &[("to", "bob@example.org"), ("subject", "Late")]).await.is(404);
        assert!(gone.shows("Late"), "the page comes back with the text: {}", gone.text());
    })
    .await;
}

#[tokio::test]
async fn drafts_are_bounded_in_number_and_what_was_typed_into_one_too_many_stays_on_the_page() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let mut last = String::new();
        for n in 0..200 {
            last = ana.draft(&[("subject", &format!("Draft {n}"))], &[]).await;
        }
        let more = ana.browser.press("/drafts?then=send", &[("to", "bob@example.org"), ("body", "one more thing")]).await.is(409);
        assert!(more.shows("There are 200 drafts already") && more.shows("one more thing"), "{}", more.text());
        let script = ana.browser.script("/drafts", &[("body", "one more thing")]).await.is(409);
        assert!(script.text().contains("There are 200 drafts already"), "{}", script.text());
        let with_file = [tests::File { name: "a.pdf", media_type: "application/pdf", bytes: b"%PDF" }];
        let files = ana.browser.press_with_files("/drafts?then=files", &[("body", "one more thing")], &with_file).await;
        assert!(files.shows("There are 200 drafts already") && files.shows("one more thing") && files.shows("a.pdf"), "{}", files.text());
        ana.browser.press(&format!("/drafts/{last}"), &[("subject", "changed")]).await.is(303);
        ana.browser.press(&format!("/drafts/{last}/discard"), &[]).await.is(303);
        ana.draft(&[("body", "one more thing")], &[]).await;
        let other = town.member("bea@bolt.example").await;
        other.draft(&[("subject", "Another tenant's")], &[]).await;
    })
    .await;
}

#[tokio::test]
async fn the_text_of_all_drafts_is_bounded_and_shortening_always_works() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let long = "x".repeat(1 << 20);
        let small = ana.draft(&[("body", "little")], &[]).await;
        for _ in 0..19 {
            ana.draft(&[("body", &long)], &[]).await;
        }
        let more = ana.browser.press("/drafts", &[("subject", "Twenty"), ("body", &long)]).await.is(409);
        assert!(more.shows("20 MiB of text") && more.shows("Twenty") && more.shows(&long));
        let path = format!("/drafts/{small}");
        assert!(ana.browser.press(&path, &[("body", &long)]).await.is(409).shows("20 MiB of text"), "growing is no way around");
        ana.browser.press(&path, &[("body", "les")]).await.is(303);
    })
    .await;
}
