//! A tenant's own domain on its way out: its proof goes missing, it leads elsewhere, its certificate ends, it is let go.

use super::domains::{HERE, HOST, SITE, add, live, notice, on_both_with_dns, page, send};
use std::{net::Ipv4Addr, time::Duration};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn a_proof_that_goes_missing_is_mailed_to_the_owner_with_the_record_to_put_back() {
    on_both_with_dns(async |town, dns| {
        let (ana, id) = live(&town, &dns, "ana@acme.example").await;
        let before = town.letters_to(&ana.email);
        dns[0].forget(&format!("_countersign.{HOST}"));
        town.clock.advance(DAY);
        town.run_jobs().await;
        let letter = town.newest_to(&ana.email);
        let ana = ana.sign_in(town.browser()).await;
        let shown = page(&ana, &id).await;
        let value = shown.split("id=\"txt-value\" tabindex=\"0\">").nth(1).unwrap().split('<').next().unwrap();
        assert!(letter.text.contains(&format!("_countersign.{HOST}")) && letter.text.contains(value), "{}", letter.text);
        let link = format!("/settings/domains/{id}");
        assert!(
            letter.text.contains(&format!("https://{SITE}{link}")) && !letter.text.contains(&format!("https://{HOST}")),
            "{}",
            letter.text
        );
        ana.browser.get(&link).await.is(200);
        dns[0].txt(&format!("_countersign.{HOST}"), value);
        ana.browser.press(&format!("/settings/domains/{id}/look"), &[]).await.is(303);
        town.run_jobs().await;
        assert!(page(&ana, &id).await.contains("Links in your mails lead to"), "it was mended in time");
        assert_eq!(town.letters_to(&ana.email), before + 1, "one mail a step");
    })
    .await;
}

#[tokio::test]
async fn a_domain_that_leads_elsewhere_or_whose_certificate_is_over_is_in_no_link() {
    on_both_with_dns(async |town, dns| {
        let (ana, id) = live(&town, &dns, "ana@acme.example").await;
        let host_in_notice = async || {
            let ana = ana.sign_in(town.browser()).await;
            send(&town, &ana).await;
            let (text, _) = notice(&town);
            [HOST, SITE].into_iter().filter(|host| text.contains(&format!("https://{host}/p/"))).collect::<Vec<_>>()
        };
        assert_eq!(host_in_notice().await, [HOST]);
        dns.iter().for_each(|dns| dns.a(HOST, Ipv4Addr::new(203, 0, 113, 9)));
        town.clock.advance(DAY);
        town.run_jobs().await;
        assert_eq!(host_in_notice().await, [SITE], "whoever is at that address now would get the link");
        let ana_again = ana.sign_in(town.browser()).await;
        let shown = page(&ana_again, &id).await;
        assert!(
            shown.contains("This name was live, and leads elsewhere since") && shown.contains("lead nowhere until it is back"),
            "{shown}"
        );
        let key = ana_again.key("ci").await;
        let said = key.get(&format!("/v1/domains/{id}")).await.is(200).json();
        assert!(said["step"] == "elsewhere" && said["at"].is_string(), "{said}");
        town.clock.advance(DAY);
        town.run_jobs().await;
        assert!(town.newest_to(&ana.email).text.contains("does not lead to us any more"));
        dns.iter().for_each(|dns| dns.a(HOST, HERE));
        town.clock.advance(DAY);
        town.run_jobs().await;
        assert_eq!(host_in_notice().await, [HOST]);
        town.clock.advance(DAY * 401);
        town.run_jobs().await;
        assert_eq!(host_in_notice().await, [SITE], "browsers would warn");
        let old = town.browser().at_host(HOST).get("/sent").await.is(303).to().to_owned();
        assert!(!old.contains("hand-off"), "it is nobody's host any more: {old}");
    })
    .await;
}

#[tokio::test]
async fn a_reminder_after_a_domain_was_let_go_carries_a_link_that_leads_to_the_site() {
    on_both_with_dns(async |town, dns| {
        let (ana, id) = live(&town, &dns, "ana@acme.example").await;
        let message =
            [("to", "bob@example.org"), ("subject", "s"), ("body", "b"), ("proof", "r0"), ("remind_days", "5"), ("expires_days", "10")];
        ana.send(&message).await;
        town.run_jobs().await;
        assert!(notice(&town).0.contains(&format!("https://{HOST}/p/")));
        let shown = page(&ana, &id).await;
        assert!(shown.contains("also in reminders that are still to come"), "{shown}");
        ana.browser.press(&format!("/settings/domains/{id}/remove"), &[]).await.is(303);
        let said = ana.browser.get("/settings/domains").await.is(200).text();
        assert!(said.contains("lead nowhere; a reminder that is still to come carries a new link"), "{said}");
        town.clock.advance(DAY * 6);
        town.run_jobs().await;
        let (text, link) = notice(&town);
        assert!(text.contains(&format!("https://{SITE}/p/")) && !text.contains(HOST), "{text}");
        town.browser().get(&link).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn a_name_that_was_let_go_is_nobody_else_s_for_thirty_days() {
    on_both_with_dns(async |town, dns| {
        let (ana, id) = live(&town, &dns, "ana@acme.example").await;
        ana.browser.get(&format!("/settings/domains/{id}")).await.is(200);
        ana.browser.press(&format!("/settings/domains/{id}/remove"), &[]).await.is(303);
        let eve = town.member("eve@bolt.example").await;
        let hers = add(&eve, HOST).await;
        let text = page(&eve, &hers).await;
        let value = text.split("id=\"txt-value\" tabindex=\"0\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        dns.iter().for_each(|dns| dns.txt(&format!("_countersign.{HOST}"), &value));
        town.run_jobs().await;
        assert!(page(&eve, &hers).await.contains("someone else has it"));
        town.clock.advance(DAY * 13);
        town.run_jobs().await;
        assert!(page(&eve, &hers).await.contains("someone else has it"));
        town.clock.advance(DAY * 18);
        town.run_jobs().await;
        let eve = eve.sign_in(town.browser()).await;
        eve.browser.get(&format!("/settings/domains/{hers}")).await.is(200);
        eve.browser.press(&format!("/settings/domains/{hers}/look"), &[]).await.is(303);
        town.run_jobs().await;
        assert!(page(&eve, &hers).await.contains("certificate on its way"));
    })
    .await;
}
