//! What people look for in the letters they get.

use mail::CapturedLetter;
use mail_parser::{HeaderValue, MessageParser};

/// Characters of a token in an address.
const TOKEN: usize = 43;

/// A letter as its reader sees it.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    pub text: String,
    pub message_id: String,
    /// As it came over the wire.
    pub raw: String,
}

impl Letter {
    /// The first link under `path` (`/p/`, `/prove/`, `/reset/`), as a path of the site.
    pub fn link(&self, path: &str) -> String {
        let text = &self.text;
        let at = text.find(path).unwrap_or_else(|| panic!("no link to {path} in: {text}"));
        text[at..at + path.len() + TOKEN].to_owned()
    }

    /// The six digits.
    pub fn code(&self) -> String {
        let code = self.text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
        code.unwrap_or_else(|| panic!("no code in: {}", self.text)).to_owned()
    }
}

impl From<CapturedLetter> for Letter {
    fn from(letter: CapturedLetter) -> Letter {
        Letter { to: letter.to, text: letter.text, message_id: letter.message_id, raw: letter.raw }
    }
}

/// Reads what a mail server took, dots still doubled (RFC 5321 §4.5.2).
pub(crate) fn read_letter(raw: &str) -> Letter {
    let plain = raw.replace("\r\n..", "\r\n.");
    let message = MessageParser::default().parse(plain.as_bytes()).expect("a letter is a message");
    let HeaderValue::Address(to) = message.header("To").expect("a letter is to somebody") else { panic!("no address in: {raw}") };
    Letter {
        to: to.first().and_then(|to| to.address()).unwrap_or_default().to_owned(),
        text: message.body_text(0).unwrap_or_default().into_owned(),
        message_id: message.message_id().unwrap_or_default().to_owned(),
        raw: raw.to_owned(),
    }
}
