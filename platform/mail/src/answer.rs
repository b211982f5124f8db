//! What a mail server answered, and what that makes of the letter.

use kernel::MAX_SMTP_REPLY_CHARS;
use std::fmt;

/// One SMTP reply as evidence keeps it (RFC 5321 §4.2): code, text on one line, and the name the server gave itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SmtpAnswer {
    pub code: u16,
    /// At most [`MAX_SMTP_REPLY_CHARS`] characters, lines joined by a space, no control characters.
    pub text: String,
    /// From the server's EHLO answer; the configured host if it never got that far.
    pub server: String,
}

impl SmtpAnswer {
    /// Cleans and cuts what came over the wire.
    pub fn new(code: u16, text: &str, server: &str) -> SmtpAnswer {
        SmtpAnswer { code, text: one_line(text, MAX_SMTP_REPLY_CHARS), server: one_line(server, 255) }
    }
}

impl fmt::Display for SmtpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// What became of one letter to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The relay took responsibility for the letter (RFC 5321 §6.1). It does not say that anyone saw it.
    Relayed(SmtpAnswer),
    /// Not taken for now: a 4xx answer, no connection, or a set-up of ours that the relay refuses. Try again later.
    TryLater(Pause),
    /// A 5xx answer to this letter: it will not be taken, however often it is tried.
    Failed(SmtpAnswer),
    /// It broke after the final dot, so the letter may or may not have been taken. Try again with the same Message-ID.
    Unknown(String),
}

/// Why a letter waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The server said so.
    Answered(SmtpAnswer),
    /// The server refuses our name, our TLS or our password: the operator must act, not the recipient.
    SetUp(SmtpAnswer),
    /// There was no answer; the sentence says what happened instead.
    NoAnswer(String),
}

impl Pause {
    /// The server's reply, if there was one.
    pub fn answer(&self) -> Option<&SmtpAnswer> {
        match self {
            Pause::Answered(answer) | Pause::SetUp(answer) => Some(answer),
            Pause::NoAnswer(_) => None,
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pause::Answered(answer) => answer.fmt(f),
            Pause::SetUp(answer) => write!(f, "our mail relay does not accept our set-up: {answer}"),
            Pause::NoAnswer(what) => f.write_str(what),
        }
    }
}

/// `text` without control and direction characters, runs of white space made one space, cut to `max` characters.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let visible: String = text.chars().take(max.saturating_mul(8)).map(|c| if is_visible(c) { c } else { ' ' }).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(max).collect()
}

fn is_visible(c: char) -> bool {
    // UAX #9 §2: these turn the text around them.
    let direction = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_clean_line_of_bounded_length() {
        let answer = SmtpAnswer::new(550, "5.1.1 no\r\nsuch\u{1b}[31m  user", "mx\0.example");
        assert_eq!(answer.to_string(), "550 5.1.1 no such [31m user");
        assert_eq!(answer.server, "mx .example");
        assert_eq!(SmtpAnswer::new(550, "a\u{202e}b", "mx").text, "a b");
        assert_eq!(SmtpAnswer::new(250, &"é".repeat(100_000), "mx").text.chars().count(), MAX_SMTP_REPLY_CHARS);
    }
}
