//! Every route × every kind of caller × ids of their own, another's, nobody's and none at all.

use super::{
    callers::{Caller, Street},
    cases::{CASES, Case, Says, Whose},
    compare::{essence, no_canary, same},
    owned::{Owned, absent},
};
use std::time::Duration;
use store::testing::{Row, Rows};
use tests::{Answer, Town, on_both_with};

/// What is no id of ours, for a place in a path.
const MALFORMED: [&str; 8] = [
    "x",
    "msg_",
    "rcp_00000000000000000000000001",
    "msg_01JD7Q00000000000000000000",
    "msg_01jd7q00000000000000000000000",
    "%00",
    "..%2f..%2fsettings",
    "%F0%9F%92%A9",
];
/// Every word that a case may name.
const EVERYTHING: [&str; 7] = ["message", "draft", "upload", "key", "session", "domain", "prove"];

/// Thousands of requests under a stopped clock.
pub fn unlimited(config: &mut countersign::Config) {
    config.sign_up.plan = "server".into();
}

#[tokio::test]
async fn strangers_get_nowhere_and_leave_no_trace() {
    on_both_with(unlimited, async |town: Town| {
        let street = Street::found(&town).await;
        let bolts = street.bolt.make(&town, &EVERYTHING, 0).await;
        let mut table = vec![header()];
        for (n, case) in CASES.iter().enumerate() {
            // The brakes on guessing let go again.
            town.clock.advance(Duration::from_secs(1_000));
            table.push(walk(&town, &street, &bolts, case, n + 1).await);
        }
        town.run_jobs().await;
        insta::assert_snapshot!("matrix", table.join("\n"));
    })
    .await;
}

/// One case; the line of the table.
async fn walk(town: &Town, street: &Street, bolts: &Owned, case: &Case, n: usize) -> String {
    let acmes = street.acme.make(town, &case.words(), n).await;
    let strangers = street.strangers(town, bolts).await;
    let before = town.database().rows_of(street.acme.tenant).await;
    let mut line = vec![];
    for caller in strangers {
        line.push(visit(case, &caller, &acmes, bolts).await);
    }
    assert_same(&before, &town.database().rows_of(street.acme.tenant).await, &case.name());
    let owner = street.owner(town, case, &acmes).await;
    nothing_is_there(case, &owner, &acmes).await;
    let answer = owner.ask(case, &acmes).await;
    no_canary(&answer, &owner.sees, &format!("{} as its owner", case.name()));
    assert_eq!(answer.status.as_u16(), case.done, "{} as its owner: {}", case.name(), answer.text());
    line.push(answer.status.as_u16());
    statuses(&case.name(), line)
}

/// The reviewed table: who is answered with what about what is acme's.
fn header() -> String {
    statuses("", super::callers::NAMES)
}
fn statuses(name: &str, columns: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let columns: String = columns.into_iter().map(|column| format!("{column:>17}")).collect();
    format!("{name:<64}{columns}")
}

/// What this caller is answered about what is acme's.
async fn visit(case: &Case, caller: &Caller, acmes: &Owned, bolts: &Owned) -> u16 {
    let at = format!("{} as {}", case.name(), caller.name);
    // A token in the path is the right to what is behind it; a stranger has a neighbouring one at best.
    let theirs = if case.whose() == Whose::Holders { neighbouring(case, acmes) } else { acmes.clone() };
    let answer = caller.ask(case, &theirs).await;
    no_canary(&answer, &caller.sees, &at);
    if !case.words().is_empty() {
        let nobodys = acmes.absent();
        let absent = caller.ask(case, &nobodys).await;
        same(&essence(&answer, &theirs), &essence(&absent, &nobodys), &format!("{at}: another's is told from nobody's"));
    }
    if may_come_in(case, caller) {
        one_of_anothers(case, caller, acmes, bolts).await;
    }
    is_turned_away(case, caller, &answer, &at);
    answer.status.as_u16()
}

/// What follows from whose business the route is, whatever the reviewed table says.
fn is_turned_away(case: &Case, caller: &Caller, answer: &Answer, at: &str) {
    let inside = may_come_in(case, caller);
    let expected = match case.whose() {
        Whose::Anyones => return,
        // The page's script asks, and reads no sign-in page.
        Whose::Members if !inside && case.route == "/messages/:id/events" => 401,
        Whose::Members if !inside => 303,
        Whose::Keys if !inside => 401,
        _ if case.words_of_path().is_empty() => return,
        _ => 404,
    };
    assert_eq!(answer.status.as_u16(), expected, "{at}: {}", answer.text());
    if expected == 303 {
        assert!(answer.to().starts_with("/sign-in"), "{at}: {}", answer.to());
    }
}

/// Callers of bolt's who get past the door: with ids of their own they would be answered.
fn may_come_in(case: &Case, caller: &Caller) -> bool {
    match case.whose() {
        Whose::Anyones => false,
        Whose::Members => caller.name == "other member",
        Whose::Keys => caller.name == "other key",
        Whose::Holders => caller.name == "other link" && case.words().contains(&"link"),
    }
}

/// One of the ids is acme's, the rest are the caller's own.
async fn one_of_anothers(case: &Case, caller: &Caller, acmes: &Owned, bolts: &Owned) {
    for word in case.words().into_iter().filter(|word| *word != "link") {
        let (foreign, nobodys) = (bolts.with(word, acmes.get(word)), bolts.with(word, &absent_of(acmes, word)));
        let (answer, absent) = (caller.ask(case, &foreign).await, caller.ask(case, &nobodys).await);
        let at = format!("{} as {} with another's <{word}>", case.name(), caller.name);
        no_canary(&answer, &caller.sees, &at);
        same(&essence(&answer, &foreign), &essence(&absent, &nobodys), &at);
    }
}

/// For the owner too, what is nobody's and what is no id at all is not there, in the same words.
async fn nothing_is_there(case: &Case, owner: &Caller, acmes: &Owned) {
    for word in case.words_of_path() {
        let none = acmes.with(word, &absent_of(acmes, word));
        let expected = owner.ask(case, &none).await;
        let at = format!("{} with <{word}>", case.name());
        assert!([303, 404, 409].contains(&expected.status.as_u16()), "{at} of nobody: {} {}", expected.status, expected.text());
        for malformed in MALFORMED {
            let asked = acmes.with(word, malformed);
            let answer = owner.ask(case, &asked).await;
            // A form for what is gone comes back with what was typed; one for an address that never was of ours does not.
            if matches!(case.body, Says::Form(_) | Says::Script(_)) {
                assert_eq!(answer.status.as_u16(), 404, "{at} {malformed:?}");
            } else {
                same(&essence(&answer, &asked), &essence(&expected, &none), &format!("{at} {malformed:?}"));
            }
        }
    }
}

fn absent_of(owned: &Owned, word: &str) -> String {
    absent(owned.get(word))
}

fn neighbouring(case: &Case, owned: &Owned) -> Owned {
    let tokens = ["link", "prove", "reset"].into_iter().filter(|word| case.words().contains(word));
    tokens.fold(owned.clone(), |owned, word| owned.with(word, &absent_of(&owned, word)))
}

/// Every row is as it was. A forgotten password leaves a job with the oldest tenant, whatever address is typed.
pub fn assert_same(before: &Rows, after: &Rows, at: &str) {
    for (table, rows) in before {
        let gone: Vec<_> = rows.iter().filter(|row| !after[table].contains(row)).collect();
        let asked = |row: &Row| table == "job" && row["kind"] == "accounts.forgot";
        let new: Vec<_> = after[table].iter().filter(|row| !rows.contains(row) && !asked(row)).collect();
        assert!(gone.is_empty() && new.is_empty(), "{at} changed {table}: gone {gone:#?}, new {new:#?}");
    }
}
