//! What was asked for when a message was sent, as a short list of names and answers.

use crate::human::When;
use kernel::Time;
use messages::{MessageView, Proof};

/// One of them. The answer is words, a moment, or both.
pub struct Particular {
    pub name: &'static str,
    pub said: String,
    pub when: Option<When>,
}

pub fn of(message: &MessageView, now: Time) -> Vec<Particular> {
    let mut out = vec![said("Sent by", message.sender_name.clone()), when("Sent", message.created_at, now)];
    if message.release_at > message.created_at {
        let name = if message.release_at > now { "Leaves" } else { "Left" };
        out.push(Particular { when: Some(When::full(message.release_at)), ..said(name, String::new()) });
    }
    out.push(when(if message.expires_at > now { "Expires" } else { "Expired" }, message.expires_at, now));
    out.push(said("Proof wanted", proof(message.proof).to_owned()));
    if message.has_password {
        out.push(said("Message password", if message.hint { "yes, with a hint" } else { "yes, without a hint" }.to_owned()));
    }
    let chosen = [
        (message.accept_first, "they accept or refuse before they see it"),
        (message.hide_sender, "your name is hidden until then"),
        (message.show_subject, "the notice shows the subject"),
        (message.notify_opened, "you get a mail when it is opened"),
    ];
    let chosen: Vec<&str> = chosen.iter().filter(|(on, _)| *on).map(|(_, words)| *words).collect();
    if !chosen.is_empty() {
        out.push(said("Also", chosen.join("; ")));
    }
    out
}

pub fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::R0 => "the link alone (R0)",
        Proof::R1 => "the link and a mailed code (R1)",
        Proof::R2 => "a mailed code and the message password (R2)",
        Proof::R4 => "a certificate of theirs (R4)",
    }
}

fn said(name: &'static str, said: String) -> Particular {
    Particular { name, said, when: None }
}

fn when(name: &'static str, at: Time, now: Time) -> Particular {
    Particular { name, said: String::new(), when: Some(When::near(at, now)) }
}
