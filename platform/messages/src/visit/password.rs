//! The message password: stretched outside the act, tried against the recipient's slot inside it.

use super::{
    hand_over::{Browser, hand_over},
    row::{Kept, come_in, find, keep},
    stands::{left, stands, where_it_stands},
};
use crate::{
    Passed, PickupRefused, Post, RecipientState, Step, jobs,
    pick_up::{DoorState, Letter},
    tell::Tell,
};
use evidence::Kind;
use kernel::{Fault, MAX_TRIES, VisitId};
use keys::{StretchedPassword, Token};
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use store::{
    Caller, Look, TenantRead, TenantTx,
    entity::{recipient, visit},
};

pub async fn give_password(post: &Post, who: &Caller, cookie: &Token, password: &str) -> Result<Passed, PickupRefused> {
    let Some(salt) = post.db.read(who, async |read| password_wanted(read, cookie).await).await? else {
        return where_it_stands(post, who, cookie).await?.map(Passed::from).ok_or(PickupRefused::NoVisit);
    };
    let stretched = post.hasher.stretch(password, &salt, who.tenant()).await?;
    keep(post, who, async |tx: &mut TenantTx| match come_in(tx, cookie).await? {
        Ok((letter, visit)) if visit.code_proven_at.is_some() => try_password(tx, &letter, &visit, &stretched, cookie).await,
        Ok(_) => Ok(Err(PickupRefused::NoVisit)),
        Err(refused) => Ok(Err(refused)),
    })
    .await
}

/// The salt of the message password, when this browser's next step is to give it.
async fn password_wanted(read: &TenantRead, cookie: &Token) -> Result<Option<[u8; 16]>, PickupRefused> {
    let letter = Letter::of(read).await?;
    match letter.state(read.now())? {
        DoorState::Sealed | DoorState::Opened => {}
        state => return Err(PickupRefused::Closed(state)),
    }
    let visit = find(read, cookie).await?.ok_or(PickupRefused::NoVisit)?;
    let wanted = matches!(stands(read, &letter, &visit).await?.step, Step::Password { .. });
    Ok(letter.message.password_salt.filter(|_| wanted).and_then(|s| s.try_into().ok()))
}

async fn try_password(
    tx: &TenantTx,
    letter: &Letter,
    visit: &visit::Model,
    stretched: &StretchedPassword,
    cookie: &Token,
) -> Result<Kept, Fault> {
    let counted = tx
        .update::<recipient::Entity>()
        .set(recipient::Column::Tries, Expr::col(recipient::Column::Tries).add(1))
        .filter(recipient::Column::Id.eq(letter.recipient.id))
        .filter(recipient::Column::Tries.lt(MAX_TRIES))
        .exec()
        .await?;
    if counted == 0 {
        return Ok(Err(PickupRefused::Closed(DoorState::Locked)));
    }
    let letter = Letter::of(tx).await?;
    let Some(slot) = letter.recipient.slot.clone() else { return Ok(Err(PickupRefused::Closed(letter.state(tx.now())?))) };
    let Ok(key) = tx.keys().unwrap_with_password(letter.message_id(), letter.id(), &slot, stretched) else {
        return wrong_password(tx, &letter).await;
    };
    tx.update::<recipient::Entity>()
        .set(recipient::Column::Tries, 0_i64)
        .filter(recipient::Column::Id.eq(letter.recipient.id))
        .exec()
        .await?;
    evidence::record(tx, letter.entry(Kind::PasswordProven)).await?;
    if letter.message.accept_first {
        tx.update::<visit::Entity>()
            .set(visit::Column::KeyWrapped, key.wrap_for_browser(VisitId(visit.id), cookie, tx.chance()))
            .filter(visit::Column::Id.eq(visit.id))
            .exec()
            .await?;
        tx.changed(letter.message_id());
        return Ok(Ok(Step::Accept.into()));
    }
    hand_over(tx, &letter, Browser::Known(visit), &key, cookie).await
}

/// `letter` was read after the try was counted.
async fn wrong_password(tx: &TenantTx, letter: &Letter) -> Result<Kept, Fault> {
    tx.changed(letter.message_id());
    let left = left(letter.recipient.tries);
    if left > 0 {
        evidence::record(tx, letter.entry(Kind::PasswordWrong)).await?;
        return Ok(Err(PickupRefused::WrongPassword { tries_left: left }));
    }
    tx.update::<recipient::Entity>()
        .set(recipient::Column::State, RecipientState::Locked.as_str())
        .set(recipient::Column::ChangedAt, tx.now().0)
        .filter(recipient::Column::Id.eq(letter.recipient.id))
        .filter(recipient::Column::State.is_in(RecipientState::SEALED))
        .exec()
        .await?;
    jobs::tell_later(tx, Tell::Locked { recipient: letter.id() }).await?;
    jobs::tell_later(tx, Tell::LockedRecipient { recipient: letter.id() }).await?;
    evidence::record_many(tx, vec![letter.entry(Kind::PasswordWrong), letter.entry(Kind::Locked)]).await?;
    Ok(Err(PickupRefused::Closed(DoorState::Locked)))
}
