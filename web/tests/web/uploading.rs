use crate::town::{Answer, Person, Town, read};
use poem::http::{StatusCode, header};

/// What the store keeps at once.
const SEGMENT: usize = 4 << 20;

pub async fn put(town: &Town, person: &Person, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    let asked = town.site.put(format!("{path}?offset={offset}")).header(header::COOKIE, &person.cookie).header("x-form", &person.form);
    read(asked.content_type("application/octet-stream").body(bytes.to_vec()).send().await).await
}

async fn begun(town: &Town, person: &Person, name: &str, size: usize) -> (String, String) {
    let draft =
        town.script(person, "/drafts", &[("to", "bob@example.org"), ("subject", "Large")]).await.json()["id"].as_str().unwrap().to_owned();
    let begun =
        town.script(person, &format!("/drafts/{draft}/files"), &[("name", name), ("type", "video/mp4"), ("size", &size.to_string())]).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
    let file = format!("/drafts/{draft}/files/{}", begun.json()["id"].as_str().unwrap());
    (draft, file)
}

#[tokio::test]
async fn a_file_goes_in_by_pieces_and_resumes_where_it_stands() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let film: Vec<u8> = (0..SEGMENT * 2 + 12_345).map(|n| (n % 251) as u8).collect();
    let (draft, file) = begun(&town, &ana, "film.mp4", film.len()).await;

    // A piece that is no whole segment: what is kept is what counts.
    let first = put(&town, &ana, &file, 0, &film[..SEGMENT + 1000]).await;
    assert_eq!((first.status, first.json()["received"].as_u64()), (StatusCode::OK, Some(SEGMENT as u64)));
    let page = town.get(&ana, &format!("/drafts/{draft}")).await;
    assert!(page.shows("data-partial") && page.shows("4 MiB of 8 MiB") && page.shows("The upload stopped here"));
    let early = town.multipart(&ana, &format!("/drafts/{draft}/send"), &[("to", "bob@example.org"), ("subject", "Large")], &[]).await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(early.shows("is not here in full"));

    let wrong = put(&town, &ana, &file, SEGMENT + 1000, &film[SEGMENT + 1000..]).await;
    assert_eq!(
        (wrong.status, wrong.json()["received"].as_u64()),
        (StatusCode::CONFLICT, Some(SEGMENT as u64)),
        "the answer says where to go on"
    );
    assert_eq!(town.get(&ana, &file).await.json()["received"].as_u64(), Some(SEGMENT as u64));
    let rest = put(&town, &ana, &file, SEGMENT, &film[SEGMENT..]).await;
    assert_eq!(rest.json()["complete"], true);
    let repeated = put(&town, &ana, &file, SEGMENT, &film[SEGMENT..]).await;
    assert_eq!(
        (repeated.status, repeated.json()["complete"].as_bool()),
        (StatusCode::CONFLICT, Some(true)),
        "a lost answer is asked for again"
    );

    let message =
        town.multipart(&ana, &format!("/drafts/{draft}/send"), &[("to", "bob@example.org"), ("subject", "Large")], &[]).await.to();
    let page = town.get(&ana, &message).await;
    let link = crate::town::value(&page.body, "<a class=\"name\" href=\"");
    let asked =
        town.site.get(link).header(header::COOKIE, &ana.cookie).header(header::RANGE, format!("bytes={}-", SEGMENT * 2)).send().await;
    asked.assert_status(StatusCode::PARTIAL_CONTENT);
    asked.assert_bytes(&film[SEGMENT * 2..]).await;
}

#[tokio::test]
async fn too_many_bytes_empty_files_and_bad_names_are_refused_in_words() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let (draft, file) = begun(&town, &ana, "a.bin", 10).await;
    let more = put(&town, &ana, &file, 0, b"more than ten bytes").await;
    assert_eq!(more.status, StatusCode::BAD_REQUEST);
    assert!(more.json()["error"].as_str().unwrap().contains("more bytes than it said"));
    let path = format!("/drafts/{draft}/files");
    for (name, size, sentence) in [
        ("../../etc/passwd", "5", "slash"),
        ("a\u{202e}fdp.exe", "5", "cannot be seen"),
        ("a\r\nb", "5", "cannot be seen"),
        ("", "5", "no name"),
        ("a.txt", "0", "empty"),
        ("b.bin", "999999999999", "holds at most"),
    ] {
        let refused = town.script(&ana, &path, &[("name", name), ("size", size)]).await;
        assert!(refused.status.is_client_error(), "{name:?}");
        assert!(refused.json()["error"].as_str().unwrap().contains(sentence), "{name:?}: {}", refused.body);
    }
    let by_form =
        town.multipart(&ana, &path, &[("to", "bob@example.org"), ("subject", "kept")], &[("empty.txt", b""), ("good.txt", b"good")]).await;
    assert_eq!(by_form.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(by_form.shows("empty.txt") && by_form.shows("good.txt") && by_form.shows("value=\"kept\""));
}

#[tokio::test]
async fn a_removed_file_is_gone_and_the_text_beside_it_is_kept() {
    let town = Town::new().await;
    let ana = town.person("ana@example.org").await;
    let (draft, file) = begun(&town, &ana, "a.bin", 4).await;
    put(&town, &ana, &file, 0, b"1234").await;
    let shown = town.multipart(&ana, &format!("{file}/remove"), &[("subject", "typed meanwhile")], &[]).await.to();
    assert_eq!(shown, format!("/drafts/{draft}#attachments"));
    let page = town.get(&ana, &format!("/drafts/{draft}")).await;
    assert!(!page.shows("a.bin") && page.shows("typed meanwhile"));
    assert_eq!(town.get(&ana, &file).await.status, StatusCode::NOT_FOUND);
    assert_eq!(town.script(&ana, &format!("{file}/remove"), &[]).await.status, StatusCode::NOT_FOUND);
}
