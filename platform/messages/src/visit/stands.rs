//! Where a browser stands between the gesture and the content.

use super::{
    code::CODE_LIFE,
    row::{Kept, find},
};
use crate::{
    PickupRefused, Post, Proof, Step, message,
    pick_up::{DoorState, Letter},
    send::HINT,
};
use kernel::{MAX_TRIES, Time, VisitId};
use keys::Token;
use std::time::Duration;
use store::{Caller, Look, entity::visit};

/// Between two codes for one visit.
pub(super) const CODE_PAUSE: Duration = Duration::from_secs(60);

/// Where this browser stands (reload, second tab); `None`: no visit. Changes nothing.
pub async fn where_it_stands(post: &Post, who: &Caller, cookie: &Token) -> Result<Option<Step>, PickupRefused> {
    post.db
        .read(who, async |read| {
            let letter = Letter::of(read).await?;
            match letter.state(read.now())? {
                DoorState::Sealed | DoorState::Opened => {}
                state => return Err(PickupRefused::Closed(state)),
            }
            match find(read, cookie).await? {
                Some(visit) => stands(read, &letter, &visit).await.map(|passed| Some(passed.step)),
                None => Ok(None),
            }
        })
        .await
}

pub(super) async fn stands(look: &impl Look, letter: &Letter, visit: &visit::Model) -> Kept {
    if visit.opened_at.is_some() && visit.key_wrapped.is_some() {
        return Ok(Step::Open.into());
    }
    let proof = message::proof(&letter.message)?;
    if proof.wants_code() && visit.code_proven_at.is_none() {
        let (tries_left, again_in) = (left(visit.code_tries), again_in(visit, look.now()));
        let works = tries_left > 0 && is_fresh(visit, look.now());
        return Ok(Step::Code { masked: masked(&letter.recipient.address), works, tries_left, again_in }.into());
    }
    if proof == Proof::R2 && visit.key_wrapped.is_none() {
        return password_step(look, letter);
    }
    if proof == Proof::R4 && visit.certificate_hash.is_none() {
        return Ok(Step::Certificate { visit: VisitId(visit.id) }.into());
    }
    Ok(Step::Accept.into())
}

/// A recipient who has opened it before, in another browser, may have used up the tries since.
fn password_step(look: &impl Look, letter: &Letter) -> Kept {
    if left(letter.recipient.tries) == 0 {
        return Err(PickupRefused::Closed(DoorState::Locked));
    }
    let hint = letter.message.hint_sealed.as_ref().map(|sealed| look.keys().open(HINT, letter.message.id, sealed)).transpose()?;
    let hint = hint.and_then(|h| String::from_utf8(h).ok());
    Ok(Step::Password { hint, tries_left: left(letter.recipient.tries) }.into())
}

/// Tries left after so many wrong ones.
pub(super) fn left(tries: i64) -> i64 {
    Ord::max(MAX_TRIES - tries, 0)
}

/// Whether a code was mailed for the visit, and not too long ago.
pub(super) fn is_fresh(visit: &visit::Model, now: Time) -> bool {
    visit.code_sent_at.is_some_and(|at| now.since(Time(at)) <= CODE_LIFE)
}

pub(super) fn again_in(visit: &visit::Model, now: Time) -> u64 {
    let since = visit.code_sent_at.map_or(CODE_PAUSE, |at| now.since(Time(at)));
    CODE_PAUSE.saturating_sub(since).as_secs()
}

/// `m•••@example.org`: enough to know which mailbox to look into.
pub(super) fn masked(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}•••@{domain}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_is_masked_to_its_first_letter() {
        assert_eq!(super::masked("m.keller@example.org"), "m•••@example.org");
    }
}
