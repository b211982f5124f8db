//! One browser's way from the gesture to the content: code, password, acceptance, hand-over.
//!
//! What would surprise you: the message key waits between two requests wrapped under the visitor's cookie, so a stolen
//! database opens nothing that was proven; and a closure answers `Ok(Err(refused))` where the failed try itself must be kept.

use crate::{
    Content, PickupRefused, Post, Proof, RecipientState, Step, attach, jobs, message,
    pick_up::{self, DoorState, Letter},
    send::HINT,
    tell::Tell,
};
use evidence::Kind;
use kernel::{AttachmentId, Fault, FaultKind, MAX_TRIES, Time, VisitId};
use keys::{MessageKey, Slot, StretchedPassword, Token};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use std::time::Duration;
use store::{
    Caller, Look, TenantRead, TenantTx,
    entity::{attachment, recipient, released, reply, visit},
};

/// From the gesture until the browser has to ask again.
const VISIT_LIFE: Duration = Duration::from_secs(12 * 3600);
/// A mailed code is good for this long.
pub(crate) const CODE_LIFE: Duration = Duration::from_secs(15 * 60);
/// Between two codes for one visit.
const CODE_PAUSE: Duration = Duration::from_secs(60);
/// Codes mailed for one recipient in a day, whatever the number of browsers.
const CODES_A_DAY: i64 = 10;
/// Visits of one recipient that are kept at a time.
const MAX_VISITS: u64 = 50;

/// A try that failed but has to be kept.
type Kept = Result<Step, PickupRefused>;

/// The button was pressed in the browser that holds `cookie`.
pub async fn gesture(post: &Post, who: &Caller, cookie: &Token) -> Result<Step, PickupRefused> {
    keep(post, who, async |tx: &mut TenantTx| {
        let letter = Letter::of(tx).await?;
        if let Some(refused) = closed(tx, &letter).await? {
            return Ok(Err(refused));
        }
        if let Some(visit) = find(tx, cookie).await? {
            return Ok(stands(tx, &letter, &visit).await);
        }
        let Some(visit) = begin(tx, &letter, cookie).await? else { return Ok(Err(PickupRefused::NoMoreCodes)) };
        match message::proof(&letter.message)? {
            Proof::R0 if letter.message.accept_first => Ok(Ok(Step::Accept)),
            Proof::R0 => {
                let key = own_key(tx, &letter)?;
                hand_over(tx, &letter, &visit, &key, cookie).await
            }
            Proof::R1 | Proof::R2 => first_code(tx, &letter, &visit).await,
        }
    })
    .await
}

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
                Some(visit) => stands(read, &letter, &visit).await.map(Some),
                None => Ok(None),
            }
        })
        .await
}

pub async fn resend_code(post: &Post, who: &Caller, cookie: &Token) -> Result<Step, PickupRefused> {
    keep(post, who, async |tx: &mut TenantTx| {
        let letter = Letter::of(tx).await?;
        if let Some(refused) = closed(tx, &letter).await? {
            return Ok(Err(refused));
        }
        let Some(visit) = find(tx, cookie).await? else { return Ok(Err(PickupRefused::NoVisit)) };
        if visit.code_proven_at.is_some() || visit.opened_at.is_some() {
            return Ok(stands(tx, &letter, &visit).await);
        }
        let wait = again_in(&visit, tx.now());
        if wait > 0 {
            return Ok(Err(PickupRefused::CodeTooSoon { again_in: wait }));
        }
        mail_code(tx, &letter, &visit).await
    })
    .await
}

pub async fn prove_code(post: &Post, who: &Caller, cookie: &Token, code: &str) -> Result<Step, PickupRefused> {
    let typed: String = code.chars().filter(char::is_ascii_digit).take(12).collect();
    keep(post, who, async |tx: &mut TenantTx| {
        let letter = Letter::of(tx).await?;
        if let Some(refused) = closed(tx, &letter).await? {
            return Ok(Err(refused));
        }
        let Some(visit) = find(tx, cookie).await? else { return Ok(Err(PickupRefused::NoVisit)) };
        if visit.code_proven_at.is_some() || visit.opened_at.is_some() {
            return Ok(stands(tx, &letter, &visit).await);
        }
        try_code(tx, &letter, visit, &typed, cookie).await
    })
    .await
}

pub async fn give_password(post: &Post, who: &Caller, cookie: &Token, password: &str) -> Result<Step, PickupRefused> {
    let Some(salt) = post.db.read(who, async |read| password_wanted(read, cookie).await).await? else {
        return where_it_stands(post, who, cookie).await?.ok_or(PickupRefused::NoVisit);
    };
    let stretched = post.hasher.stretch(password, &salt).await?;
    keep(post, who, async |tx: &mut TenantTx| {
        let letter = Letter::of(tx).await?;
        if let Some(refused) = closed(tx, &letter).await? {
            return Ok(Err(refused));
        }
        let Some(visit) = find(tx, cookie).await?.filter(|v| v.code_proven_at.is_some()) else { return Ok(Err(PickupRefused::NoVisit)) };
        try_password(tx, &letter, &visit, &stretched, cookie).await
    })
    .await
}

pub async fn accept(post: &Post, who: &Caller, cookie: &Token) -> Result<Step, PickupRefused> {
    keep(post, who, async |tx: &mut TenantTx| {
        let letter = Letter::of(tx).await?;
        if let Some(refused) = closed(tx, &letter).await? {
            return Ok(Err(refused));
        }
        let Some(visit) = find(tx, cookie).await? else { return Ok(Err(PickupRefused::NoVisit)) };
        match stands(tx, &letter, &visit).await {
            Ok(Step::Accept) => {}
            other => return Ok(other),
        }
        let key = match message::proof(&letter.message)? {
            Proof::R2 => waiting_key(tx, &letter, &visit, cookie)?,
            Proof::R0 | Proof::R1 => own_key(tx, &letter)?,
        };
        hand_over(tx, &letter, &visit, &key, cookie).await
    })
    .await
}

/// The content for a browser to which it was handed over; `None`: not (any more), show the first page. Changes nothing.
pub async fn content(post: &Post, who: &Caller, cookie: &Token) -> Result<Option<Content>, Fault> {
    let found = post
        .db
        .read(who, async |read| {
            let Some((visit, key)) = opened(read, cookie).await? else { return Ok(None) };
            let letter = Letter::of(read).await?;
            let Some(sender) = pick_up::names(read, &letter.message).await? else { return Ok(None) };
            let files = if letter.message.attachments > 0 { attach::attachments(read, letter.message_id()).await? } else { Vec::new() };
            let replied = read.find::<reply::Entity>().filter(reply::Column::RecipientId.eq(letter.recipient.id)).one().await?.is_some();
            Ok::<_, Fault>(Some((visit, key, letter, sender, files, replied)))
        })
        .await?;
    let Some((visit, key, letter, sender, attachments, replied)) = found else { return Ok(None) };
    let text = message::open_body(post, &letter.message, &key).await?;
    Ok(Some(Content {
        sender,
        text,
        attachments,
        expires_at: Time(letter.message.expires_at),
        opened_at: Time(visit.opened_at.unwrap_or_default()),
        assurance: assurance(message::proof(&letter.message)?),
        replied,
        subject: letter.message.subject,
    }))
}

/// Records that a file is handed over to this browser (once a visit and file); `open_file` then serves it, in ranges if need be.
pub async fn release_file(post: &Post, who: &Caller, cookie: &Token, file: AttachmentId) -> Result<(), PickupRefused> {
    post.db
        .act(who, async |tx| {
            let (visit, key) = opened(tx, cookie).await?.ok_or(PickupRefused::NoVisit)?;
            let message = key.message();
            let found = tx
                .find::<attachment::Entity>()
                .filter(attachment::Column::Id.eq(file.0))
                .filter(attachment::Column::MessageId.eq(message.0))
                .one()
                .await?;
            let row = found.ok_or(PickupRefused::NoVisit)?;
            let before = tx
                .find::<released::Entity>()
                .filter(released::Column::VisitId.eq(visit.id))
                .filter(released::Column::AttachmentId.eq(file.0))
                .one()
                .await?;
            if before.is_some() {
                return Ok(());
            }
            tx.insert(released::ActiveModel {
                tenant_id: Set(tx.tenant().0),
                visit_id: Set(visit.id),
                attachment_id: Set(file.0),
                at: Set(tx.now().0),
            })
            .await?;
            let letter = Letter::of(tx).await?;
            let entry = letter
                .entry(Kind::FileHandedOver)
                .because("assurance", assurance(message::proof(&letter.message)?))
                .because("file", file.to_string())
                .because("bytes", row.received_bytes);
            evidence::record(tx, entry).await?;
            tx.changed(message);
            Ok(())
        })
        .await
}

/// This browser's visit, if content was handed over to it and still may be shown, with the message key.
pub(crate) async fn opened(look: &impl Look, cookie: &Token) -> Result<Option<(visit::Model, MessageKey)>, Fault> {
    let letter = Letter::of(look).await?;
    if letter.state(look.now())? != DoorState::Opened {
        return Ok(None);
    }
    let Some(visit) = find(look, cookie).await?.filter(|v| v.opened_at.is_some()) else { return Ok(None) };
    let Some(wrapped) = &visit.key_wrapped else { return Ok(None) };
    let key = MessageKey::unwrap_for_browser(look.tenant(), letter.message_id(), VisitId(visit.id), wrapped, cookie)?;
    Ok(Some((visit, key)))
}

/// Runs an act whose refusals may have to be kept: `Ok(Err(…))` commits, `Err(…)` undoes.
async fn keep<F>(post: &Post, who: &Caller, f: F) -> Result<Step, PickupRefused>
where
    F: AsyncFnOnce(&mut TenantTx) -> Result<Kept, Fault> + Clone,
{
    post.db.act(who, f).await?
}

async fn find(look: &impl Look, cookie: &Token) -> Result<Option<visit::Model>, Fault> {
    let store::Who::Recipient { id, .. } = *look.caller().who() else { return Ok(None) };
    look.find::<visit::Entity>()
        .filter(visit::Column::RecipientId.eq(id.0))
        .filter(visit::Column::CookieHash.eq(cookie.hash().to_vec()))
        .filter(visit::Column::ExpiresAt.gt(look.now().0))
        .one()
        .await
}

/// Why this door is closed, recorded as an opening that came too late.
async fn closed(tx: &TenantTx, letter: &Letter) -> Result<Option<PickupRefused>, Fault> {
    match letter.state(tx.now())? {
        DoorState::Sealed | DoorState::Opened => Ok(None),
        state => {
            pick_up::record_too_late(tx, letter, state).await?;
            Ok(Some(PickupRefused::Closed(state)))
        }
    }
}

/// `None`: too many browsers came for this recipient. Visits that never got anywhere make room.
async fn begin(tx: &TenantTx, letter: &Letter, cookie: &Token) -> Result<Option<visit::Model>, Fault> {
    let of_recipient = || visit::Column::RecipientId.eq(letter.recipient.id);
    if tx.find::<visit::Entity>().filter(of_recipient()).count().await? >= MAX_VISITS {
        let over = visit::Column::CreatedAt.lt(tx.now().plus_days(-1).0).and(visit::Column::ExpiresAt.lt(tx.now().0));
        let idle = visit::Column::CodesSent.eq(0).and(visit::Column::OpenedAt.is_null());
        if tx.delete::<visit::Entity>(of_recipient().and(over.or(idle))).await? == 0 {
            return Ok(None);
        }
    }
    let row = visit::Model {
        tenant_id: tx.tenant().0,
        id: VisitId::new(tx.now(), tx.chance()).0,
        message_id: letter.message.id,
        recipient_id: letter.recipient.id,
        cookie_hash: cookie.hash().to_vec(),
        codes_sent: 0,
        code_sent_at: None,
        code_tries: 0,
        code_proven_at: None,
        accepted_at: None,
        opened_at: None,
        key_wrapped: None,
        created_at: tx.now().0,
        expires_at: tx.now().plus(VISIT_LIFE).0,
    };
    tx.insert(visit::ActiveModel {
        tenant_id: Set(row.tenant_id),
        id: Set(row.id),
        message_id: Set(row.message_id),
        recipient_id: Set(row.recipient_id),
        cookie_hash: Set(row.cookie_hash.clone()),
        codes_sent: Set(0),
        code_sent_at: Set(None),
        code_tries: Set(0),
        code_proven_at: Set(None),
        accepted_at: Set(None),
        opened_at: Set(None),
        key_wrapped: Set(None),
        created_at: Set(row.created_at),
        expires_at: Set(row.expires_at),
    })
    .await?;
    Ok(Some(row))
}

async fn stands(look: &impl Look, letter: &Letter, visit: &visit::Model) -> Kept {
    if visit.opened_at.is_some() && visit.key_wrapped.is_some() {
        return Ok(Step::Open);
    }
    let proof = message::proof(&letter.message)?;
    if proof >= Proof::R1 && visit.code_proven_at.is_none() {
        return Ok(Step::Code {
            masked: masked(&letter.recipient.address),
            tries_left: left(visit.code_tries),
            again_in: again_in(visit, look.now()),
        });
    }
    if proof == Proof::R2 && visit.key_wrapped.is_none() {
        return password_step(look, letter);
    }
    Ok(Step::Accept)
}

fn password_step(look: &impl Look, letter: &Letter) -> Kept {
    let hint = letter.message.hint_sealed.as_ref().map(|sealed| look.keys().open(HINT, letter.message.id, sealed)).transpose()?;
    let hint = hint.and_then(|h| String::from_utf8(h).ok());
    Ok(Step::Password { hint, tries_left: left(letter.recipient.tries) })
}

async fn first_code(tx: &TenantTx, letter: &Letter, visit: &visit::Model) -> Result<Kept, Fault> {
    let step = mail_code(tx, letter, visit).await?;
    if step.is_ok() {
        evidence::record(tx, letter.entry(Kind::Gesture)).await?;
        tx.changed(letter.message_id());
    }
    Ok(step)
}

async fn mail_code(tx: &TenantTx, letter: &Letter, visit: &visit::Model) -> Result<Kept, Fault> {
    let since = tx.now().plus_days(-1).0;
    let today = tx
        .find::<visit::Entity>()
        .filter(visit::Column::RecipientId.eq(letter.recipient.id))
        .filter(visit::Column::CreatedAt.gt(since))
        .all()
        .await?;
    if today.iter().map(|v| v.codes_sent).sum::<i64>() >= CODES_A_DAY {
        return Ok(Err(PickupRefused::NoMoreCodes));
    }
    let nth = visit.codes_sent + 1;
    tx.update::<visit::Entity>()
        .set(visit::Column::CodesSent, nth)
        .set(visit::Column::CodeSentAt, tx.now().0)
        .set(visit::Column::CodeTries, 0_i64)
        .filter(visit::Column::Id.eq(visit.id))
        .exec()
        .await?;
    tx.later(jobs::code(VisitId(visit.id), nth, tx.now())?).await?;
    let step = Step::Code { masked: masked(&letter.recipient.address), tries_left: MAX_TRIES, again_in: CODE_PAUSE.as_secs() };
    Ok(Ok(step))
}

/// Counts the try first, by one conditional update, so that parallel guesses get no extra ones.
async fn try_code(tx: &TenantTx, letter: &Letter, mut visit: visit::Model, typed: &str, cookie: &Token) -> Result<Kept, Fault> {
    let fresh = visit.code_sent_at.is_some_and(|at| tx.now().since(Time(at)) <= CODE_LIFE);
    let counted = tx
        .update::<visit::Entity>()
        .set(visit::Column::CodeTries, Expr::col(visit::Column::CodeTries).add(1))
        .filter(visit::Column::Id.eq(visit.id))
        .filter(visit::Column::CodeTries.lt(MAX_TRIES))
        .exec()
        .await?;
    if !fresh || counted == 0 {
        return Ok(Err(PickupRefused::CodeSpent));
    }
    let right = tx.keys().pickup_code(VisitId(visit.id), visit.codes_sent);
    if !keys::same(right.as_bytes(), typed.as_bytes()) {
        evidence::record(tx, letter.entry(Kind::CodeWrong)).await?;
        tx.changed(letter.message_id());
        let left = left(visit.code_tries + 1);
        return Ok(Err(if left == 0 { PickupRefused::CodeSpent } else { PickupRefused::WrongCode { tries_left: left } }));
    }
    visit.code_proven_at = Some(tx.now().0);
    tx.update::<visit::Entity>().set(visit::Column::CodeProvenAt, tx.now().0).filter(visit::Column::Id.eq(visit.id)).exec().await?;
    evidence::record(tx, letter.entry(Kind::CodeProven)).await?;
    tx.changed(letter.message_id());
    if message::proof(&letter.message)? == Proof::R1 && !letter.message.accept_first {
        let key = own_key(tx, letter)?;
        return hand_over(tx, letter, &visit, &key, cookie).await;
    }
    Ok(stands(tx, letter, &visit).await)
}

/// The salt of the message password, when this browser's next step is to give it.
async fn password_wanted(read: &TenantRead, cookie: &Token) -> Result<Option<[u8; 16]>, PickupRefused> {
    let letter = Letter::of(read).await?;
    match letter.state(read.now())? {
        DoorState::Sealed | DoorState::Opened => {}
        state => return Err(PickupRefused::Closed(state)),
    }
    let visit = find(read, cookie).await?.ok_or(PickupRefused::NoVisit)?;
    let wanted = matches!(stands(read, &letter, &visit).await?, Step::Password { .. });
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
        return Ok(Ok(Step::Accept));
    }
    hand_over(tx, &letter, visit, &key, cookie).await
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

/// The one conditional update that decides against retraction; then the evidence. Commits before any content leaves.
async fn hand_over(tx: &TenantTx, letter: &Letter, visit: &visit::Model, key: &MessageKey, cookie: &Token) -> Result<Kept, Fault> {
    let first = letter.recipient.opened_at.is_none();
    let mut change = tx
        .update::<recipient::Entity>()
        .set(recipient::Column::State, RecipientState::Opened.as_str())
        .filter(recipient::Column::Id.eq(letter.recipient.id))
        .filter(recipient::Column::State.is_in(RecipientState::SEALED.into_iter().chain(["opened"])));
    if first {
        change = change.set(recipient::Column::OpenedAt, tx.now().0).set(recipient::Column::ChangedAt, tx.now().0);
    }
    if change.exec().await? == 0 {
        let now = Letter::of(tx).await?;
        return Ok(Err(closed(tx, &now).await?.unwrap_or(PickupRefused::NoVisit)));
    }
    tx.update::<visit::Entity>()
        .set(visit::Column::OpenedAt, tx.now().0)
        .set(visit::Column::KeyWrapped, key.wrap_for_browser(VisitId(visit.id), cookie, tx.chance()))
        .filter(visit::Column::Id.eq(visit.id))
        .exec()
        .await?;
    if first && letter.message.notify_opened {
        jobs::tell_later(tx, Tell::Opened { recipient: letter.id() }).await?;
    }
    let grade = assurance(message::proof(&letter.message)?);
    let mut entries = Vec::with_capacity(2);
    if letter.message.accept_first {
        entries.push(letter.entry(Kind::Accepted).because("assurance", grade));
    }
    entries.push(letter.entry(Kind::HandedOver).because("assurance", grade));
    evidence::record_many(tx, entries).await?;
    tx.changed(letter.message_id());
    Ok(Ok(Step::Open))
}

/// The recipient's slot under the tenant key (R0, R1).
fn own_key(look: &impl Look, letter: &Letter) -> Result<MessageKey, Fault> {
    let slot = letter.recipient.slot.as_ref().ok_or_else(|| Fault::new(FaultKind::Sealed, "the recipient's slot is empty"))?;
    look.keys().unwrap(letter.message_id(), Slot::Recipient(letter.id()), slot)
}

/// The key that waits under this browser's cookie for acceptance (R2).
fn waiting_key(look: &impl Look, letter: &Letter, visit: &visit::Model, cookie: &Token) -> Result<MessageKey, Fault> {
    let wrapped = visit.key_wrapped.as_ref().ok_or_else(|| Fault::new(FaultKind::Sealed, "no key waits in this visit"))?;
    MessageKey::unwrap_for_browser(look.tenant(), letter.message_id(), VisitId(visit.id), wrapped, cookie)
}

fn assurance(proof: Proof) -> &'static str {
    match proof {
        Proof::R0 => "R0",
        Proof::R1 => "R1",
        Proof::R2 => "R2",
    }
}

/// Tries left after so many wrong ones.
fn left(tries: i64) -> i64 {
    Ord::max(MAX_TRIES - tries, 0)
}

fn again_in(visit: &visit::Model, now: Time) -> u64 {
    let since = visit.code_sent_at.map_or(CODE_PAUSE, |at| now.since(Time(at)));
    CODE_PAUSE.saturating_sub(since).as_secs()
}

/// `m•••@example.org`: enough to know which mailbox to look into.
fn masked(address: &str) -> String {
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
