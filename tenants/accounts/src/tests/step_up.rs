use super::{facts, town::*};
use crate::{STEP_UP_LIFE, StepUpRefused};
use kernel::FaultKind;
use std::time::Duration;

facts! {
    async fn a_session_is_stepped_up_for_five_minutes_from_its_password(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        let two = done(town.sign_in("ana@example.org", PASSWORD).await);
        assert!(town.accounts.stepped_up(&two.caller).await.unwrap());
        town.clock.advance(STEP_UP_LIFE - Duration::from_millis(1));
        assert!(town.accounts.stepped_up(&two.caller).await.unwrap());
        town.clock.advance(Duration::from_millis(1));
        assert!(!town.accounts.stepped_up(&two.caller).await.unwrap());
        assert!(!town.accounts.stepped_up(&ana.caller).await.unwrap());
    }

    async fn the_password_steps_one_session_up_and_replaces_its_token(town) {
        let one = town.member("ana@example.org", PASSWORD).await;
        let two = done(town.sign_in("ana@example.org", PASSWORD).await);
        town.clock.advance(STEP_UP_LIFE);
        let token = town.accounts.step_up(&two.caller, PASSWORD).await.unwrap();
        assert!(town.session(&two.token).await.is_none(), "the old token is somebody else's from now on");
        let caller = town.session(&token).await.unwrap();
        assert_eq!(caller.who(), two.caller.who());
        assert!(town.accounts.stepped_up(&caller).await.unwrap());
        assert!(!town.accounts.stepped_up(&one.caller).await.unwrap());
    }

    async fn a_wrong_password_steps_nothing_up_and_costs_what_the_right_one_does(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        town.clock.advance(STEP_UP_LIFE);
        let (refused, cost) = computations(town.accounts.step_up(&ana.caller, OTHER_PASSWORD)).await;
        assert!(matches!(refused, Err(StepUpRefused::Wrong)));
        assert!(!town.accounts.stepped_up(&ana.caller).await.unwrap());
        assert!(matches!(town.accounts.step_up(&ana.caller, &"x".repeat(100_000)).await, Err(StepUpRefused::Wrong)));
        let (risen, right) = computations(town.accounts.step_up(&ana.caller, PASSWORD)).await;
        assert!(risen.is_ok());
        assert_eq!(cost, right);
    }

    async fn guessing_is_braked_together_with_the_change_of_the_password(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        for _ in 0..5 {
            assert!(matches!(town.accounts.step_up(&ana.caller, OTHER_PASSWORD).await, Err(StepUpRefused::Wrong)));
            assert!(town.accounts.change_password(&ana.caller, OTHER_PASSWORD, "yet another phrase 9", false).await.is_err());
        }
        assert!(matches!(town.accounts.step_up(&ana.caller, PASSWORD).await, Err(StepUpRefused::SlowDown { .. })));
        town.clock.advance(Duration::from_secs(901));
        assert!(town.accounts.step_up(&ana.caller, PASSWORD).await.is_ok());
    }

    async fn a_session_that_ended_meanwhile_is_not_stepped_up(town) {
        let ana = town.member("ana@example.org", PASSWORD).await;
        town.accounts.sign_out(&ana.caller).await.unwrap();
        let refused = town.accounts.step_up(&ana.caller, PASSWORD).await;
        assert!(matches!(refused, Err(StepUpRefused::Fault(fault)) if fault.kind() == FaultKind::Ended));
        assert!(!town.accounts.stepped_up(&ana.caller).await.unwrap());
    }
}
