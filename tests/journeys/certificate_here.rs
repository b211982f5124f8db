//! A message that wants a certificate (R4) and is picked up at the sender's own domain: the certificate is shown at the site's host for it,
//! and the way back leads to where the visit is.

use super::{
    certificate::{Sign::ByAddress, accept},
    domains::{HOST, live, on_both_with_dns},
};
use tests::{Authority, Recipient};

#[tokio::test]
async fn a_certificate_opens_a_message_at_the_senders_own_domain() {
    on_both_with_dns(async |town, dns| {
        let (ana, _) = live(&town, &dns, "ana@acme.example").await;
        let acme = Authority::called("Acme Root");
        let asking = accept(&ana, &acme, ByAddress).await;
        let message = ana.send(&[("to", "bob@example.org"), ("body", "The account is 12-34."), ("proof", "r4")]).await;
        town.run_jobs().await;
        let letter = town.newest_to("bob@example.org");
        assert!(letter.text.contains(&format!("https://{HOST}/p/")), "{}", letter.text);
        let bob = Recipient::new(town.browser().at_host(HOST), &letter.link("/p/"));
        let door = bob.look().await.is(200);
        let policy = door.header("content-security-policy");
        assert!(policy.contains("form-action 'self'") && policy.contains(&format!(" https://{asking};")), "{policy}");

        let open = bob.open().await;
        let errand = open.to().strip_prefix(&format!("https://{asking}")).unwrap_or_else(|| panic!("{}", open.to())).to_owned();
        let card = acme.card("Bob Moser", &["bob@example.org"]);
        let there = bob.browser.showing(&asking, Some(&card));
        let page = there.get(&errand).await.is(200);
        let back = there.press("/pickup", &[("errand", &page.hidden("errand").unwrap())]).await;
        let shown = back.to().strip_prefix(&format!("https://{HOST}")).unwrap_or_else(|| panic!("{} leads elsewhere", back.to()));
        assert!(page.header("content-security-policy").contains(&format!("https://{HOST}")), "a browser must be let go there");
        bob.browser.get(shown).await.is(200);
        let word = shown.split_once("shown=").unwrap().1;
        assert_eq!(bob.press("certificate", &[("shown", word)]).await.step(), "message");
        let read = bob.message().await.is(200);
        assert!(read.shows("The account is 12-34.") && read.shows("by your certificate"), "{}", read.text());
        assert!(ana.page(&message).await.shows("a certificate of theirs (R4)"));

        // The same letter's link at the site's own host is another visit, which the word is not for.
        let elsewhere = bob.at(town.browser());
        elsewhere.open().await;
        elsewhere.page(&format!("certificate?shown={word}")).await;
        elsewhere.press("certificate", &[("shown", word)]).await.is(403);
    })
    .await;
}
