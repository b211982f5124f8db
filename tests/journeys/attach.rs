use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use kernel::FileName;
use messages::{AttachRefused, AttachmentView, Proof, Reader, Step};
use store::Caller;
use tests::{Town, letter_to, on_both};

const MIB: usize = 1024 * 1024;

/// Bytes that differ everywhere, so that a segment in the wrong place shows.
fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    kernel::Chance::seeded(len as u64).fill(&mut bytes);
    bytes
}

fn pieces(bytes: &[u8]) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + Send + Unpin + use<> {
    let chunks: Vec<_> = bytes.chunks(100_000).map(Bytes::copy_from_slice).map(Ok).collect();
    stream::iter(chunks)
}

async fn begin(town: &Town, who: &Caller, declared: Option<u64>) -> AttachmentView {
    let name = FileName::parse("report.pdf").unwrap();
    town.db().act(who, async |tx| messages::begin_attachment(tx, None, &name, "application/pdf", declared).await).await.unwrap()
}

async fn read_back(town: &Town, who: &Caller, reader: Reader<'_>, file: &AttachmentView, range: Option<std::ops::Range<u64>>) -> Vec<u8> {
    let found = messages::open_file(&town.post, who, reader, file.id, range).await.unwrap().expect("theirs to read");
    let parts: Vec<Bytes> = found.bytes.try_collect().await.unwrap();
    parts.concat()
}

#[tokio::test]
async fn a_file_of_any_size_goes_in_and_comes_out_whole_and_in_ranges() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        for size in [1, 65_536, 65_537, 4 * MIB, 4 * MIB + 1, 9 * MIB + 17] {
            let plain = noise(size);
            let file = begin(&town, &ana, (size % 2 == 0).then_some(size as u64)).await;
            let file = messages::receive(&town.post, &ana, file.id, 0, pieces(&plain)).await.unwrap();
            assert!(file.complete());
            let digest: String = keys::sha256(&[&plain]).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(file.sha256.as_deref(), Some(digest.as_str()), "{size}");
            let mut outline = letter_to(&["bob@example.org"]);
            (outline.proof, outline.attachments) = (Some(Proof::R0), vec![file.id]);
            let sent = town.send(&ana, outline).await;
            assert_eq!(read_back(&town, &ana, Reader::Sender(sent.id), &file, None).await, plain, "{size}");
            let (from, to) = (size as u64 / 3, size as u64 - size as u64 / 5);
            let part = read_back(&town, &ana, Reader::Sender(sent.id), &file, Some(from..to)).await;
            assert_eq!(part, plain[from as usize..to as usize], "{size}");
        }
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_breaks_goes_on_from_what_is_here() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let plain = noise(10 * MIB);
        let file = begin(&town, &ana, Some(plain.len() as u64)).await;
        let broken = pieces(&plain[..5 * MIB]).chain(stream::iter([Err(std::io::Error::other("gone"))]));
        assert!(matches!(messages::receive(&town.post, &ana, file.id, 0, broken).await, Err(AttachRefused::Broken)));
        let wrong = messages::receive(&town.post, &ana, file.id, 0, pieces(&plain)).await;
        assert!(matches!(wrong, Err(AttachRefused::Offset(here)) if here == 4 * MIB as u64), "{wrong:?}");
        let mut outline = letter_to(&["bob@example.org"]);
        outline.attachments = vec![file.id];
        assert!(messages::submit(&town.post, &ana, &outline, None).await.is_err(), "a half file is not sent");
        let file = messages::receive(&town.post, &ana, file.id, 4 * MIB as u64, pieces(&plain[4 * MIB..])).await.unwrap();
        assert!(file.complete());
        let sent = town.send(&ana, outline).await;
        assert_eq!(read_back(&town, &ana, Reader::Sender(sent.id), &file, None).await, plain);
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_recipient_reads_a_file_only_after_it_was_handed_over() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let file = begin(&town, &ana, None).await;
        let file = messages::receive(&town.post, &ana, file.id, 0, pieces(b"hello")).await.unwrap();
        let mut outline = letter_to(&["bob@example.org"]);
        (outline.proof, outline.attachments) = (Some(Proof::R0), vec![file.id]);
        let sent = town.send(&ana, outline).await;
        town.run_jobs().await;
        let (bob, cookie) = (town.visitor("bob@example.org").await, town.cookie());
        assert!(messages::release_file(&town.post, &bob, &cookie, file.id).await.is_err(), "not opened yet");
        assert_eq!(messages::gesture(&town.post, &bob, &cookie).await.unwrap(), Step::Open);
        assert!(messages::open_file(&town.post, &bob, Reader::Browser(&cookie), file.id, None).await.unwrap().is_none());
        messages::release_file(&town.post, &bob, &cookie, file.id).await.unwrap();
        messages::release_file(&town.post, &bob, &cookie, file.id).await.unwrap();
        assert_eq!(read_back(&town, &bob, Reader::Browser(&cookie), &file, None).await, b"hello");
        assert!(messages::open_file(&town.post, &bob, Reader::Browser(&town.cookie()), file.id, None).await.unwrap().is_none());
        assert_eq!(town.kinds(&ana, sent.id).await, ["submitted", "notice_relayed", "handed_over", "file_handed_over"]);
    })
    .await;
}

#[tokio::test]
async fn empty_and_overlong_files_are_refused_with_a_sentence() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let file = begin(&town, &ana, None).await;
        assert!(matches!(messages::receive(&town.post, &ana, file.id, 0, pieces(b"")).await, Err(AttachRefused::Empty(_))));
        let file = begin(&town, &ana, Some(3)).await;
        assert!(matches!(messages::receive(&town.post, &ana, file.id, 0, pieces(b"four")).await, Err(AttachRefused::MoreThanDeclared(3))));
        let name = FileName::parse("x").unwrap();
        let huge = town.db().act(&ana, async |tx| messages::begin_attachment(tx, None, &name, "a/b", Some(1 << 40)).await).await;
        assert!(matches!(huge, Err(AttachRefused::Quota(_))), "{huge:?}");
    })
    .await;
}
