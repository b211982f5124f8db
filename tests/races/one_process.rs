use super::{TOGETHER, agrees, pairs, race, send};
use tests::{Town, on_both_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_pickup_and_a_retraction_exactly_one_wins() {
    on_both_with(
        |config| config.sign_up.plan = "server".into(),
        async |town: Town| {
            let key = town.member("ana@acme.example").await.key("ci").await;
            let (mut opened, pairs) = (0, pairs());
            for first in (0..pairs).step_by(TOGETHER) {
                let (message, recipients) = send(&key, first, TOGETHER.min(pairs - first)).await;
                town.run_jobs().await;
                let mut states = Vec::new();
                for (n, (address, id)) in recipients.iter().enumerate() {
                    let bob = town.recipient(address);
                    bob.look().await.is(200);
                    let won = race(bob, key.clone(), &message, id, n).await;
                    agrees(&key, &message, id, won).await;
                    states.push(if won { "opened" } else { "retracted" });
                    opened += usize::from(won);
                }
                assert_eq!(key.states(&message).await, states);
            }
            println!("{opened} of {pairs} pickups won");
            assert!(opened > 0 && opened < pairs, "a race that one side always wins shows nothing: {opened} of {pairs}");
            town.run_jobs().await;
        },
    )
    .await;
}
