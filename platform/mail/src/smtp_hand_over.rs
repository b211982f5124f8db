//! One letter over one open connection: MAIL, RCPT, DATA, the letter, the final dot (RFC 5321 §3.3), each answer known apart.

use crate::{Letter, Outcome, Pause, SmtpAnswer, smtp_connect::reply_text};
use lettre::transport::smtp::{
    Error,
    client::AsyncSmtpConnection,
    response::{Response, Severity},
};
use std::{fmt, time::Duration};
use tokio::time::timeout;

/// Bytes handed to the wire at a time.
const CHUNK: usize = 16 * 1024;

/// How a hand-over ended.
pub(crate) enum Ended {
    /// With an outcome; the connection may serve again if `keep`.
    Settled { outcome: Outcome, keep: bool },
    /// The connection was dead before DATA: the letter is untouched and may go over another.
    Dead(String),
}

/// How long to wait for an answer, and for the one after the final dot.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) each: Duration,
    pub(crate) last: Duration,
}

/// Hands `bytes` over for `letter.to`; `host` names the server where it did not name itself.
pub(crate) async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    letter: &Letter,
    bytes: &[u8],
    host: &str,
    patience: Patience,
) -> Ended {
    let server = match connection.server_info().name() {
        "" => host.to_owned(),
        name => name.to_owned(),
    };
    let mut talk = Talk { connection, server, patience };
    let commands = [format!("MAIL FROM:<{}>", letter.envelope_from), format!("RCPT TO:<{}>", letter.to)];
    for command in commands {
        match talk.say(&command).await {
            Said::Yes(answer) if (200..300).contains(&answer.code) => {}
            Said::Yes(answer) => return talk.out_of_step(&answer),
            Said::No(answer) => return refused(answer),
            Said::Nothing(what) => return Ended::Dead(what),
        }
    }
    match talk.say("DATA").await {
        Said::Yes(answer) if answer.code == 354 => talk.letter(bytes).await,
        Said::Yes(answer) => talk.out_of_step(&answer),
        Said::No(answer) => refused(answer),
        Said::Nothing(what) => waits(Pause::NoAnswer(what)),
    }
}

struct Talk<'a> {
    connection: &'a mut AsyncSmtpConnection,
    server: String,
    patience: Patience,
}

/// What a server makes of what it was told.
enum Said {
    Yes(SmtpAnswer),
    No(SmtpAnswer),
    Nothing(String),
}

impl Talk<'_> {
    /// `command` is built from parsed addresses only, so it is one line.
    async fn say(&mut self, command: &str) -> Said {
        let verb = command.split([' ', ':']).next().unwrap_or_default();
        let answer = timeout(self.patience.each, self.connection.command(Line(command))).await;
        self.understand(verb, answer)
    }

    async fn letter(&mut self, bytes: &[u8]) -> Ended {
        // The library ends the letter with CRLF, dot, CRLF; the last CRLF of ours would make an empty line.
        let bytes = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
        let mut whole = false;
        // The library asks for one piece more only after all before are written: from then on the dot may have left.
        let mark = std::iter::once_with(|| {
            whole = true;
            &b""[..]
        });
        let answer = timeout(self.patience.last, self.connection.message_iter(bytes.chunks(CHUNK).chain(mark))).await;
        match self.understand("the final dot", answer) {
            Said::Yes(answer) if (200..300).contains(&answer.code) => Ended::Settled { outcome: Outcome::Relayed(answer), keep: true },
            Said::Yes(answer) => Ended::Settled { outcome: Outcome::Unknown(format!("{} answered {answer}", self.server)), keep: false },
            Said::No(answer) => refused(answer),
            Said::Nothing(what) if whole => Ended::Settled { outcome: Outcome::Unknown(what), keep: false },
            Said::Nothing(what) => waits(Pause::NoAnswer(what)),
        }
    }

    fn understand(&self, step: &str, answer: Result<Result<Response, Error>, tokio::time::error::Elapsed>) -> Said {
        match answer {
            Ok(Ok(response)) => {
                let text = response.message().collect::<Vec<_>>().join(" ");
                Said::Yes(SmtpAnswer::new(number(&response), &text, &self.server))
            }
            Ok(Err(error)) => match error.status() {
                Some(code) => Said::No(SmtpAnswer::new(u16::from(code), &reply_text(&error), &self.server)),
                None => Said::Nothing(format!("{} broke off at {step}: {error}", self.server)),
            },
            Err(_) => Said::Nothing(format!("{} did not answer {step} in time", self.server)),
        }
    }

    /// A yes where it means nothing: the two sides no longer agree where they are.
    fn out_of_step(&self, answer: &SmtpAnswer) -> Ended {
        waits(Pause::NoAnswer(format!("{} answered out of step: {answer}", self.server)))
    }
}

/// A refusal: 4xx waits, 5xx is final, unless it is about us (RFC 4954 §6: signing in is missing or failed).
/// After a 421 the server hangs up (RFC 5321 §3.8), so a connection that says so is not kept.
fn refused(answer: SmtpAnswer) -> Ended {
    let keep = answer.code != 421;
    let outcome = match answer.code {
        530 | 534 | 535 | 538 => {
            tracing::error!(code = answer.code, "the mail relay wants us to sign in; letters wait until it is mended");
            Outcome::TryLater(Pause::SetUp(answer))
        }
        500..600 => Outcome::Failed(answer),
        _ => Outcome::TryLater(Pause::Answered(answer)),
    };
    Ended::Settled { outcome, keep }
}

fn waits(pause: Pause) -> Ended {
    Ended::Settled { outcome: Outcome::TryLater(pause), keep: false }
}

fn number(response: &Response) -> u16 {
    debug_assert!(matches!(response.code().severity, Severity::PositiveCompletion | Severity::PositiveIntermediate));
    u16::from(response.code())
}

struct Line<'a>(&'a str);
impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\r\n", self.0)
    }
}
