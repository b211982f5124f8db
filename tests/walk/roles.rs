//! Each role at every route of the members, and through the key of whoever has it.

use super::{
    callers::Caller,
    cases::{CASES, Case, Whose},
    matrix::{assert_same, unlimited},
    owned::{House, Owned},
};
use std::time::Duration;
use tests::{Town, on_both_with};

/// A member's own, whatever the role.
const OWN: [&str; 9] = [
    "/step-up",
    "/settings/name",
    "/settings/proof",
    "/settings/password",
    "/settings/sessions/end",
    "/settings/sessions/end-all",
    "/settings/keys/revoke",
    "/settings/certificates/revoke",
    "/v1/certificates/{id}/revoke",
];
const EVERYTHING: [&str; 6] = ["message", "draft", "upload", "key", "session", "domain"];

/// What stands on the pages of those who may write, and of nobody else.
const FOR_WRITERS: [&str; 7] =
    ["href=\"/compose\"", "action=\"/settings/keys\"", "action=\"/settings/domains", "/again\"", "/retract\"", "/unlock\"", "/read\""];

/// What a role must not: everything that changes what is the tenant's, and the page where a message is begun.
fn is_for_writers(case: &Case) -> bool {
    (case.method != "GET" && !OWN.contains(&case.route)) || case.route == "/compose"
}

/// The tenant's name and domains, and whose certificates count, are its owners' and admins' business.
fn is_for_keepers(case: &Case) -> bool {
    let others = ["/settings/organisation", "/settings/certificates/authorities", "/settings/certificates/own"];
    case.method != "GET" && (case.route.contains("/domains") || others.iter().any(|path| case.route.starts_with(path)))
}

fn of_members() -> impl Iterator<Item = &'static Case> {
    CASES.iter().filter(|case| matches!(case.whose(), Whose::Members | Whose::Keys))
}

/// The owner of `acme`, with another role from now on.
async fn owner_as(town: &Town, acme: &House, role: &str) -> [Caller; 2] {
    set_role(town, acme, role).await;
    let sees = ["acmename", "acmesealed", "acmeprivate"].map(str::to_owned).to_vec();
    let browser = acme.owner.sign_in(town.browser()).await.browser;
    let member = Caller { name: "member", browser, key: None, sees: sees.clone() };
    [member, Caller { name: "key", browser: town.browser(), key: Some(acme.key.clone()), sees }]
}

async fn set_role(town: &Town, acme: &House, role: &str) {
    town.database().run(&format!("UPDATE member SET role = '{role}' WHERE email = '{}'", acme.owner.email)).await;
}

/// What no process did is noticed within a second.
async fn noticed() {
    tokio::time::sleep(Duration::from_millis(1_100)).await;
}

async fn status(callers: &[Caller; 2], case: &Case, owned: &Owned) -> u16 {
    let caller = &callers[usize::from(case.whose() == Whose::Keys)];
    caller.ask(case, owned).await.status.as_u16()
}

#[tokio::test]
async fn who_only_reads_reads_everything_and_changes_nothing_but_their_own() {
    on_both_with(unlimited, async |town: Town| {
        let acme = House::found(&town, "acme").await;
        let owned = acme.make(&town, &EVERYTHING, 0).await;
        for role in ["auditor", "billing"] {
            let callers = owner_as(&town, &acme, role).await;
            noticed().await;
            let before = town.database().rows_of(acme.tenant).await;
            for case in of_members() {
                match (is_for_writers(case), case.method) {
                    (true, _) => assert_eq!(status(&callers, case, &owned).await, 403, "{role}: {}", case.name()),
                    (false, "GET") => assert_eq!(status(&callers, case, &owned).await, case.done, "{role}: {}", case.name()),
                    // Tried below, because it ends sessions and keys.
                    (false, _) => {}
                }
            }
            assert_same(&before, &town.database().rows_of(acme.tenant).await, role);
            let message = owned.fill("/messages/<message>");
            for page in ["/sent", "/drafts", "/received", &owned.fill("/received/<reply>"), "/settings", "/settings/domains", &message] {
                let shown = callers[0].browser.get(page).await.is(200);
                let offered = FOR_WRITERS.iter().find(|part| shown.text().contains(**part));
                assert_eq!(offered, None, "{role} at {page}");
            }
        }
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_their_own_every_role_may_do() {
    on_both_with(unlimited, async |town: Town| {
        for (role, house) in [("admin", "acme"), ("member", "bolt"), ("auditor", "shut"), ("billing", "gone")] {
            let acme = House::found(&town, house).await;
            for case in of_members().filter(|case| OWN.contains(&case.route)) {
                set_role(&town, &acme, "owner").await;
                town.clock.advance(Duration::from_secs(1_000));
                let owned = acme.make(&town, &case.words(), 0).await;
                let callers = owner_as(&town, &acme, role).await;
                assert_eq!(status(&callers, case, &owned).await, case.done, "{role}: {}", case.name());
            }
        }
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_plain_member_does_whatever_the_owner_does_but_for_the_name_domains_and_authorities() {
    on_both_with(unlimited, async |town: Town| {
        let acme = House::found(&town, "acme").await;
        // Which only owners and admins may add.
        let domain = acme.make(&town, &["domain"], 0).await.get("domain").to_owned();
        for (n, case) in of_members().filter(|case| is_for_writers(case)).enumerate() {
            town.clock.advance(Duration::from_secs(1_000));
            // What only an owner can make, a member may be refused.
            set_role(&town, &acme, "owner").await;
            let words: Vec<_> = case.words().into_iter().filter(|word| *word != "domain").collect();
            let owned = acme.make(&town, &words, n).await.with("domain", &domain);
            // Signed in a moment ago: what needs a step-up has one.
            let callers = owner_as(&town, &acme, "member").await;
            let done = if is_for_keepers(case) { 403 } else { case.done };
            assert_eq!(status(&callers, case, &owned).await, done, "{}", case.name());
        }
        town.run_jobs().await;
    })
    .await;
}
