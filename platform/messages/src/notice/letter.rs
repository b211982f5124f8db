//! The letters: the notice and its reminder as the recipient gets them, and what all letters of ours have in common.

use super::attempt::{Kinds, Mailing};
use crate::{RecipientState, asked, block, message, pick_up};
use evidence::Kind;
use kernel::{EmailAddress, Fault, FaultKind, MessageId, RecipientId, Site, Time};
use mail::{
    Letter, Mailbox, Rendered,
    mails::{MessageWaiting, Reminder},
};
use store::{
    TenantRead,
    entity::{message as message_table, recipient, tenant},
};

const NOTICE: Kinds =
    Kinds { relayed: Kind::NoticeRelayed, failed: Kind::NoticeFailed, delayed: Kind::NoticeDelayed, unknown: Kind::NoticeUnknown };
const REMINDER: Kinds =
    Kinds { relayed: Kind::ReminderRelayed, failed: Kind::ReminderFailed, delayed: Kind::ReminderDelayed, unknown: Kind::ReminderUnknown };
const DAY_SECONDS: u64 = 24 * 3600;

/// Reminders are notices too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    First,
    /// So many days before the deadline.
    Reminder {
        days: i64,
    },
}

/// What is to be done about a letter.
pub(super) enum Due {
    /// Nothing any more: the recipient or the message has ended.
    Nothing,
    /// The tenant is suspended.
    PutOff,
    /// The recipient wants no more notices from this sender.
    Blocked(Mailing),
    Send(Mailing),
}

pub(super) async fn due(read: &TenantRead, site: &Site, id: RecipientId, which: Which) -> Result<Due, Fault> {
    let Some(recipient) = message::recipient_row(read, id).await?.filter(|row| waits(row, which)) else { return Ok(Due::Nothing) };
    let Some(message) = message::row(read, MessageId(recipient.message_id)).await?.filter(|row| row.expires_at > read.now().0) else {
        return Ok(Due::Nothing);
    };
    let Some(tenant) = read.own::<tenant::Entity>().await? else { return Ok(Due::Nothing) };
    if tenant.state == "suspended" {
        return Ok(Due::PutOff);
    }
    let Some(names) = pick_up::names(read, &message).await? else { return Ok(Due::Nothing) };
    let days_left = matches!(which, Which::Reminder { .. }).then(|| days_until(read.now(), Time(message.expires_at)));
    let letter = letter(read, &site_of(read, site, &message).await?, &message, &recipient, which, names)?;
    let kinds = if which == Which::First { &NOTICE } else { &REMINDER };
    let unasked = !asked::has_asked(read, &letter.to).await?;
    let mailing = Mailing { message: MessageId(message.id), recipient: id, letter, kinds, days_left, unasked };
    Ok(if block::is_blocked(read, &recipient.address).await? { Due::Blocked(mailing) } else { Due::Send(mailing) })
}

/// The site by the tenant's own name, while it has one that works. Where the sender is hidden, the name would tell who it is.
pub(crate) async fn site_of(read: &TenantRead, site: &Site, message: &message_table::Model) -> Result<Site, Fault> {
    if message.hide_sender {
        return Ok(site.clone());
    }
    Ok(read.live_host().await?.map_or_else(|| site.clone(), |host| site.at(&host)))
}

/// Whether the recipient's row says that this letter is still to be sent.
pub(super) fn waits(row: &recipient::Model, which: Which) -> bool {
    match which {
        Which::First => row.state == RecipientState::Waiting.as_str(),
        Which::Reminder { days } => row.state == RecipientState::Notified.as_str() && row.reminded_days.is_none_or(|told| told > days),
    }
}

/// The Message-ID and the date stay the same from try to try. The days left do not: a reminder that waited says how many there are.
fn letter(
    read: &TenantRead,
    site: &Site,
    message: &message_table::Model,
    recipient: &recipient::Model,
    which: Which,
    (sender, tenant): (String, String),
) -> Result<Letter, Fault> {
    let id = RecipientId(recipient.id);
    let link = site.link(&format!("/p/{}", read.keys().pickup_token(id)));
    let block_link = format!("{link}/block");
    let shown = !message.hide_sender;
    let waiting = MessageWaiting {
        sender_name: shown.then(|| sender.clone()),
        tenant_name: shown.then(|| tenant.clone()),
        site_host: site.host().to_owned(),
        link,
        expires: for_people(Time(message.expires_at)),
        subject: message.show_subject.then(|| message.subject.clone()),
        block_link: block_link.clone(),
        recipient: recipient.address.clone(),
    };
    let expires_at = Time(message.expires_at);
    let (rendered, name, date) = match which {
        Which::First => (waiting.render(), format!("{id}.notice"), Time(message.release_at)),
        Which::Reminder { days } => {
            let reminder = Reminder { waiting, days_left: days_until(read.now(), expires_at) };
            (reminder.render(), format!("{id}.reminder{days}"), expires_at.plus_days(-days))
        }
    };
    let mut letter = written(site, rendered, address(&recipient.address)?, name, date);
    letter.list_unsubscribe = Some(block_link);
    if shown {
        letter.from = Mailbox::new(Some(&from_name(&sender, &tenant)), site.mail_from.clone())
            .map_err(|e| Fault::other(format!("a sender's name {e}")))?;
    }
    Ok(letter)
}

/// Days until `end`, to the nearest; 0 is today.
fn days_until(now: Time, end: Time) -> i64 {
    let seconds = end.since(now).as_secs() + DAY_SECONDS / 2;
    i64::try_from(seconds / DAY_SECONDS).unwrap_or(i64::MAX)
}

/// "Ana Brandt of Acme Tax Advisers", or the name alone where both are one.
fn from_name(sender: &str, tenant: &str) -> String {
    if sender == tenant { sender.to_owned() } else { format!("{sender} of {tenant}") }
}

/// A letter of ours to anyone; its Message-ID is made of what it is about, so it never changes between tries.
pub(crate) fn written(site: &Site, mail: Rendered, to: EmailAddress, name: String, date: Time) -> Letter {
    Letter {
        message_id: format!("{name}@{}", site.mail_from.domain()),
        from: Mailbox::bare(site.mail_from.clone()),
        to,
        reply_to: None,
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        list_unsubscribe: None,
        date,
        envelope_from: site.mail_from.clone(),
    }
}

pub(crate) fn address(text: &str) -> Result<EmailAddress, Fault> {
    EmailAddress::parse(text).map_err(|e| Fault::from_error(FaultKind::Other, "a stored address", e))
}

/// `23 December 2026, 17:02 UTC`.
pub(crate) fn for_people(at: Time) -> String {
    at.utc().format("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_office_is_named_once() {
        assert_eq!(from_name("Ana Brandt", "Ana Brandt"), "Ana Brandt");
        assert_eq!(from_name("Ana Brandt", "Acme"), "Ana Brandt of Acme");
    }

    #[test]
    fn days_left_are_told_to_the_nearest() {
        let end = Time(0).plus_days(10);
        let left = |seconds: u64| days_until(end.minus(std::time::Duration::from_secs(seconds)), end);
        assert_eq!([7 * DAY_SECONDS, 7 * DAY_SECONDS - 90, 6 * DAY_SECONDS + 3600, 11 * 3600, 0].map(left), [7, 7, 6, 0, 0]);
    }
}
