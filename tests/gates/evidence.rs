//! Evidence that was changed, removed, put in or put in another order after it was recorded.

use evidence::Break;
use store::{
    Database,
    testing::{TestDatabase, fresh_postgres, fresh_sqlite},
};
use tests::{Site, Town, on_both, wait_for};

/// The database lets nobody change evidence; whoever owns it can take even that away.
async fn unlock(database: &TestDatabase) {
    match database.database {
        Database::Sqlite { .. } => database.run("DROP TRIGGER evidence_is_fixed; DROP TRIGGER evidence_stays").await,
        Database::Postgres { .. } => database.run("ALTER TABLE evidence DISABLE TRIGGER USER").await,
    }
}

async fn keep(database: &TestDatabase) {
    database.run("CREATE TABLE kept AS SELECT * FROM evidence").await;
    database.run("CREATE TABLE kept_head AS SELECT * FROM chain").await;
}

async fn put_back(database: &TestDatabase) {
    database.run("DELETE FROM evidence; INSERT INTO evidence SELECT * FROM kept").await;
    database.run("DELETE FROM chain; INSERT INTO chain SELECT * FROM kept_head").await;
}

#[tokio::test]
async fn evidence_that_was_tampered_with_does_not_hold() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let sent = ana.send(&[("to", "bob@example.org, carol@example.org"), ("proof", "r0")]).await;
        town.run_jobs().await;
        town.recipient("bob@example.org").open().await.is(303);
        let facts = ana.key("watch").await.kinds(&sent).await;
        assert_eq!(facts, ["submitted", "notice_relayed", "notice_relayed", "link_fetched", "handed_over"]);
        assert_eq!(town.broken_evidence().await, []);
        unlock(town.database()).await;
        keep(town.database()).await;
        for (tampering, found) in [
            ("UPDATE evidence SET kind = 'refused' WHERE seq = 5", Break::Changed(5)),
            ("UPDATE evidence SET at = at - 1 WHERE seq = 1", Break::Changed(1)),
            ("UPDATE evidence SET grounds = '{}' WHERE seq = 2", Break::Changed(2)),
            ("UPDATE evidence SET recipient_id = NULL WHERE seq = 3", Break::Changed(3)),
            ("UPDATE evidence SET hash = prev WHERE seq = 3", Break::Changed(3)),
            ("DELETE FROM evidence WHERE seq = 1", Break::Missing(1)),
            ("DELETE FROM evidence WHERE seq = 4", Break::Missing(4)),
            ("DELETE FROM evidence WHERE seq = 5", Break::Head),
            ("DELETE FROM evidence", Break::Head),
            // Another order: each of the two now follows from what is not before it.
            (
                "UPDATE evidence SET seq = 9 WHERE seq = 3; UPDATE evidence SET seq = 3 WHERE seq = 4; UPDATE evidence SET seq = 4 WHERE seq = 9",
                Break::Link(3),
            ),
            // One more at the end, and one more with the head moved along.
            ("UPDATE chain SET seq = 4", Break::Head),
            (
                "UPDATE evidence SET seq = 6 WHERE seq = 5; UPDATE evidence SET seq = 5 WHERE seq = 6; UPDATE evidence SET prev = hash WHERE seq = 5",
                Break::Link(5),
            ),
        ] {
            town.database().run(tampering).await;
            assert_eq!(town.broken_evidence().await, [found], "{tampering}");
            put_back(town.database()).await;
            assert_eq!(town.broken_evidence().await, [], "{tampering}, undone");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_command_names_the_chain_that_does_not_hold() {
    for database in [fresh_sqlite().await, fresh_postgres().await] {
        let site = Site::set_up(crate::PROGRAM, database).await;
        let server = site.serve().await;
        let key = site.member(&server, "ana@acme.example").await.key("ci").await;
        let sent = key.send(&["bob@example.org"]).await;
        wait_for(async || (key.states(&sent).await == ["notified"]).then_some(())).await;
        drop(server);
        let verify = || site.run(&["admin", "evidence", "verify"]);
        assert!(verify().status.success());
        unlock(&site.database).await;
        site.database.run("UPDATE evidence SET at = at + 1 WHERE seq = 2").await;
        let found = verify();
        let said = String::from_utf8_lossy(&found.stderr).into_owned();
        assert_eq!(found.status.code(), Some(1), "{said}");
        assert!(said.contains("BROKEN\tevidence 2 was changed after it was recorded\tAna Brandt"), "{said}");
    }
}
