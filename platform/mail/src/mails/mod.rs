//! The mails themselves: one struct each, with what it needs to say. Text and HTML live side by side in `templates/`.
//!
//! None of them carries content, a password or anything fetched from elsewhere. Whatever a person typed is escaped in the HTML part.

mod accounts;
mod domains;
mod recipient;
mod sender;

pub use accounts::{AlreadyRegistered, ProveAddress, ResetPassword};
pub use domains::{DnsRecord, DomainElsewhere, DomainLost, DomainNotRenewed, DomainProofMissing};
pub use recipient::{MessageWaiting, PickupCode, Reminder, SlotLockedRecipient};
pub use sender::{About, NotDelivered, Opened, Refused, Replied, SlotLocked};

/// A mail in its two forms, ready for a [`crate::Letter`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The one thing to do in a mail.
pub(crate) struct Button<'a> {
    pub(crate) label: &'static str,
    pub(crate) link: &'a str,
}

/// Gives a mail its `render`; the type has `subject()` and `button()`.
macro_rules! mail {
    ($mail:ident, $text:literal, $html:literal) => {
        const _: () = {
            #[derive(askama::Template)]
            #[template(path = $text, escape = "none")]
            struct Text<'a> {
                #[allow(dead_code, reason = "a mail without facts of its own has only its button")]
                m: &'a $mail,
                button: Option<$crate::mails::Button<'a>>,
            }
            #[derive(askama::Template)]
            #[template(path = $html)]
            struct Html<'a> {
                #[allow(dead_code, reason = "a mail without facts of its own has only its button")]
                m: &'a $mail,
                button: Option<$crate::mails::Button<'a>>,
                subject: &'a str,
            }
            impl $mail {
                /// Subject, text part and HTML part.
                pub fn render(&self) -> $crate::mails::Rendered {
                    let subject = $crate::answer::one_line(&self.subject(), kernel::MAX_SUBJECT_CHARS);
                    let text = $crate::mails::written(&Text { m: self, button: self.button() });
                    let html = $crate::mails::written(&Html { m: self, button: self.button(), subject: &subject });
                    $crate::mails::Rendered { text: $crate::mails::paragraphs(&text), html, subject }
                }
            }
        };
    };
}
pub(crate) use mail;

fn written(template: &impl askama::Template) -> String {
    template.render().expect("writing to a String does not fail, and the templates call nothing else that could")
}

/// Characters of a line in the text part; links stay whole.
const TEXT_WIDTH: usize = 72;

/// At most one empty line in a row, long lines wrapped between words, one line end at the end.
fn paragraphs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() {
            if !empty {
                out.push('\n');
            }
        } else if line.contains("://") || line.chars().count() <= TEXT_WIDTH {
            out.push_str(line);
            out.push('\n');
        } else {
            wrap(&mut out, line);
        }
        empty = line.is_empty();
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

fn wrap(out: &mut String, line: &str) {
    let mut column = 0;
    for word in line.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > TEXT_WIDTH {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out.push('\n');
}

/// `Ana Brandt of Acme Tax Advisers`, as far as either is shown.
fn name_of(sender: Option<&str>, tenant: Option<&str>) -> Option<String> {
    match (sender, tenant) {
        (Some(sender), Some(tenant)) if sender != tenant => Some(format!("{sender} of {tenant}")),
        (Some(name), _) | (None, Some(name)) => Some(name.to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
