//! What is mailed, already written, and its bytes on the wire (RFC 5322, RFC 2045, RFC 2046 §5.1.4).

use crate::{Dkim, Mailbox, header, quoted_printable};
use kernel::{EmailAddress, Time};

/// Cannot occur in either part: quoted-printable never puts `_` after `=` (RFC 2045 §6.7).
const BOUNDARY: &str = "=_countersign_alternative";

/// One letter to one recipient. Two tries of the same letter are the same bytes, but for a DKIM signature's own time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Without the angle brackets (`msg_…@host`); fixed before the first try (RFC 1047).
    pub message_id: String,
    pub from: Mailbox,
    pub to: EmailAddress,
    pub reply_to: Option<EmailAddress>,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The URL that blocks this sender; with `https` it is offered as one click (RFC 8058).
    pub list_unsubscribe: Option<String>,
    pub date: Time,
    /// Where bounces go (the SMTP reverse-path).
    pub envelope_from: EmailAddress,
}

impl Letter {
    /// ASCII, CRLF line ends, bodies quoted-printable: nothing in it needs 8BITMIME or dot stuffing.
    pub fn to_bytes(&self, dkim: Option<&Dkim>) -> Vec<u8> {
        let mut out = self.headers();
        self.part(&mut out, "plain", &self.text);
        self.part(&mut out, "html", &self.html);
        out.push_str(&format!("--{BOUNDARY}--\r\n"));
        match dkim.and_then(|dkim| dkim.sign(out.as_bytes())) {
            Some(signature) => signature + &out,
            None => out,
        }
        .into_bytes()
    }

    fn headers(&self) -> String {
        let mut out = String::with_capacity(2 * (self.text.len() + self.html.len()));
        header::mailbox(&mut out, "From", &self.from);
        header::field(&mut out, "To", self.to.as_str());
        if let Some(reply_to) = &self.reply_to {
            header::field(&mut out, "Reply-To", reply_to.as_str());
        }
        header::text(&mut out, "Subject", &self.subject);
        header::field(&mut out, "Date", &self.date.utc().to_rfc2822());
        header::angled(&mut out, "Message-ID", &self.message_id);
        // RFC 3834 §5: nobody's out-of-office answers a machine.
        header::field(&mut out, "Auto-Submitted", "auto-generated");
        self.unsubscribe_headers(&mut out);
        header::field(&mut out, "MIME-Version", "1.0");
        header::field(&mut out, "Content-Type", &format!("multipart/alternative;\r\n boundary=\"{BOUNDARY}\""));
        out.push_str("\r\n");
        out
    }

    /// RFC 2369 §3.2; the one-click field only with `https`, as RFC 8058 §3.1 asks.
    fn unsubscribe_headers(&self, out: &mut String) {
        let Some(url) = &self.list_unsubscribe else { return };
        header::angled(out, "List-Unsubscribe", url);
        if url.starts_with("https://") {
            header::field(out, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
        }
    }

    fn part(&self, out: &mut String, subtype: &str, body: &str) {
        out.push_str(&format!("--{BOUNDARY}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"));
        out.push_str("Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        out.push_str(&quoted_printable::encode(body));
        out.push_str("\r\n");
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mail_parser::MessageParser;

    pub(crate) fn letter() -> Letter {
        Letter {
            message_id: "rcp_01jd7qexample.0@mail.example.com".into(),
            from: Mailbox::new(Some("Ana Brandt of Müller & Söhne"), "notices@mail.example.com".parse().unwrap()).unwrap(),
            to: "m.keller@example.org".parse().unwrap(),
            reply_to: Some("ana@mueller.example".parse().unwrap()),
            subject: "Ana Brandt has sent you a certified message – Prüfung".into(),
            text: "Dear reader,\n.\nlong line: ".to_owned() + &"wörd ".repeat(30) + "\nFrom here\n",
            html: "<p>Dear reader</p>\n".into(),
            list_unsubscribe: Some("https://mail.example.com/block/0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjkmnpq".into()),
            date: Time(1_795_454_042_123),
            envelope_from: "bounce+01jd@mail.example.com".parse().unwrap(),
        }
    }

    #[test]
    fn the_raw_bytes() {
        let raw = String::from_utf8(letter().to_bytes(None)).unwrap();
        insta::with_settings!({ prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!("letter_raw", raw.replace("\r\n", "␍\n"));
        });
    }

    #[test]
    fn every_line_is_short_ascii_with_crlf_and_no_leading_dot() {
        let raw = String::from_utf8(letter().to_bytes(None)).unwrap();
        assert!(raw.is_ascii() && raw.ends_with("\r\n"));
        assert!(!raw.replace("\r\n", "").contains(['\r', '\n']));
        let body = raw.split_once("\r\n\r\n").unwrap().1;
        assert!(body.lines().all(|l| l.len() <= 76 && !l.starts_with('.')));
    }

    #[test]
    fn an_independent_parser_reads_back_what_was_written() {
        let written = letter();
        let raw = written.to_bytes(None);
        let read = MessageParser::default().parse(&raw).unwrap();
        let from = read.from().unwrap().first().unwrap();
        assert_eq!(from.name(), Some("Ana Brandt of Müller & Söhne"));
        assert_eq!(from.address(), Some("notices@mail.example.com"));
        assert_eq!(read.to().unwrap().first().unwrap().address(), Some("m.keller@example.org"));
        assert_eq!(read.subject(), Some(written.subject.as_str()));
        assert_eq!(read.message_id(), Some(written.message_id.as_str()));
        assert_eq!(read.date().unwrap().to_timestamp(), 1_795_454_042);
        assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n"), written.text);
        assert_eq!(read.body_html(0).unwrap().replace("\r\n", "\n"), written.html);
        assert_eq!(read.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
        assert_eq!(read.header_raw("List-Unsubscribe-Post").map(str::trim), Some("List-Unsubscribe=One-Click"));
        let url = format!("<{}>", written.list_unsubscribe.unwrap());
        assert_eq!(read.header_raw("List-Unsubscribe").map(str::trim), Some(url.as_str()));
    }

    #[test]
    fn a_carriage_return_in_the_text_survives() {
        let raw = Letter { text: "a\rb\n.\nc".into(), ..letter() }.to_bytes(None);
        let read = MessageParser::default().parse(&raw).unwrap();
        assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n"), "a\rb\n.\nc");
    }

    #[test]
    fn hostile_values_add_no_field() {
        let hostile = Letter {
            subject: "x\r\nBcc: eve@example.org\r\n\r\nbody".into(),
            message_id: "x>\r\nBcc: eve@example.org".into(),
            list_unsubscribe: Some("https://x\r\nBcc: eve@example.org".into()),
            text: format!("--{BOUNDARY}--\n--{BOUNDARY}\nContent-Type: text/html\n\nevil"),
            ..letter()
        };
        let raw = hostile.to_bytes(None);
        let read = MessageParser::default().parse(&raw).unwrap();
        assert!(read.bcc().is_none());
        assert_eq!((read.text_body_count(), read.html_body_count()), (1, 1));
        assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n"), hostile.text);
    }

    #[test]
    fn one_click_is_offered_over_https_only() {
        let raw = Letter { list_unsubscribe: Some("http://127.0.0.1:8080/block/x".into()), ..letter() }.to_bytes(None);
        let raw = String::from_utf8(raw).unwrap();
        assert!(raw.contains("List-Unsubscribe: <http://127.0.0.1:8080/block/x>"));
        assert!(!raw.contains("List-Unsubscribe-Post"));
    }
}
