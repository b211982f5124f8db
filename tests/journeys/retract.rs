use messages::{DoorState, PickupRefused, Proof, RecipientState, Step};
use std::sync::Arc;
use tests::{Town, letter_to, on_both};

#[tokio::test]
async fn a_retracted_message_cannot_be_picked_up_and_the_loser_is_recorded() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let sent = town.send(&ana, letter_to(&["bob@example.org"])).await;
        town.run_jobs().await;
        let done = town.db().act(&ana, async |tx| messages::retract(tx, sent.id, None).await).await.unwrap();
        assert_eq!((done.retracted.len(), done.too_late.len()), (1, 0));
        let again = town.db().act(&ana, async |tx| messages::retract(tx, sent.id, None).await).await.unwrap();
        assert_eq!(again.ended.len(), 1);
        let bob = town.visitor("bob@example.org").await;
        assert!(matches!(messages::gesture(&town.post, &bob, &town.cookie()).await, Err(PickupRefused::Closed(DoorState::Retracted))));
        assert_eq!(town.kinds(&ana, sent.id).await, ["submitted", "notice_relayed", "retracted", "shredded", "pickup_too_late"]);
    })
    .await;
}

#[tokio::test]
async fn where_some_have_opened_the_others_are_taken_back() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let mut outline = letter_to(&["bob@example.org", "carol@example.org"]);
        outline.proof = Some(Proof::R0);
        let sent = town.send(&ana, outline).await;
        town.run_jobs().await;
        let (bob, cookie) = (town.visitor("bob@example.org").await, town.cookie());
        assert_eq!(messages::gesture(&town.post, &bob, &cookie).await.unwrap(), Step::Open);
        let done = town.db().act(&ana, async |tx| messages::retract(tx, sent.id, None).await).await.unwrap();
        assert_eq!((done.retracted.len(), done.too_late.len()), (1, 1));
        assert_eq!(town.states(&ana, sent.id).await, [RecipientState::Opened, RecipientState::Retracted]);
        assert!(messages::content(&town.post, &bob, &cookie).await.unwrap().is_some(), "what was opened stays open");
    })
    .await;
}

/// Pairs of a pickup and a retraction at the same moment.
const PAIRS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn of_a_pickup_and_a_retraction_exactly_one_wins() {
    on_both(async |town: Town| {
        let ana = town.owner("ana@acme.example").await;
        let town = Arc::new(town);
        let mut pickups = 0;
        for n in 0..PAIRS {
            let address = format!("r{n}@example.org");
            let mut outline = letter_to(&[&address]);
            outline.proof = Some(Proof::R0);
            let sent = town.send(&ana, outline).await;
            town.run_jobs().await;
            let (bob, cookie) = (town.visitor(&address).await, town.cookie());
            let opening = tokio::spawn({
                let (town, cookie) = (town.clone(), cookie.clone());
                async move { messages::gesture(&town.post, &bob, &cookie).await }
            });
            let taking = tokio::spawn({
                let (town, ana) = (town.clone(), ana.clone());
                async move { town.db().act(&ana, async |tx| messages::retract(tx, sent.id, None).await).await }
            });
            let opened = matches!(opening.await.unwrap(), Ok(Step::Open));
            let retracted = taking.await.unwrap().unwrap().retracted.len() == 1;
            assert!(opened != retracted, "opened {opened}, retracted {retracted}");
            let state = if opened { RecipientState::Opened } else { RecipientState::Retracted };
            assert_eq!(town.states(&ana, sent.id).await, [state]);
            let kinds = town.kinds(&ana, sent.id).await;
            assert!(kinds.contains(&if opened { "retraction_too_late" } else { "pickup_too_late" }), "{kinds:?}");
            pickups += usize::from(opened);
        }
        println!("{pickups} of {PAIRS} pickups won");
    })
    .await;
}
